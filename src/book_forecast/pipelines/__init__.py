"""The six pipelines: ingest, preprocess, tune, train, evaluate, forecast."""
