"""The pipelines: ingest, preprocess, tune, train, evaluate, forecast, decide; weekly joins some."""
