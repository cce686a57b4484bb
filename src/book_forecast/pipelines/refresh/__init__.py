"""Pipeline refresh: a delivery, and the trainings that it calls for."""

from book_forecast.pipelines.refresh.pipeline import create_pipeline

__all__ = ["create_pipeline"]
