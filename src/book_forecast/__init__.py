"""Weekly sales forecasts per book title, from BookScan-style exports."""

import os

import fsspec

__version__ = "0.1.0"

# Others, such as ZenML, open buckets by gcsfs itself: see `storage.buckets` on the question.
os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
for _protocol in ("gs", "gcs"):
    fsspec.register_implementation(
        _protocol, "book_forecast.storage.buckets.BucketFileSystem", clobber=True
    )
