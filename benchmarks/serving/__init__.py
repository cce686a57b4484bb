"""Parts of `benchmarks.serving_load`: releases, the service, requests, lists and the page."""
