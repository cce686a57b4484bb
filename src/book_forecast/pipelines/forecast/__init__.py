"""Pipeline forecast."""

from book_forecast.pipelines.forecast.pipeline import create_pipeline

__all__ = ["create_pipeline"]
