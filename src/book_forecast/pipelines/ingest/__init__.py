"""ingest: from sales exports to weekly sales, titles and rejected rows."""

from book_forecast.pipelines.ingest.pipeline import create_pipeline

__all__ = ["create_pipeline"]
