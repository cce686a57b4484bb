"""Pipeline monitor."""

from book_forecast.pipelines.monitor.pipeline import create_pipeline

__all__ = ["create_pipeline"]
