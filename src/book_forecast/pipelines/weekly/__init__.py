"""Pipeline weekly: what follows a delivery."""

from book_forecast.pipelines.weekly.pipeline import create_pipeline

__all__ = ["create_pipeline"]
