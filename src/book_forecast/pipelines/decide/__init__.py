"""Pipeline decide."""

from book_forecast.pipelines.decide.pipeline import create_pipeline

__all__ = ["create_pipeline"]
