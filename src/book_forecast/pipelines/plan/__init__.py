"""Pipeline plan: which titles are trained again."""

from book_forecast.pipelines.plan.pipeline import create_pipeline

__all__ = ["create_pipeline"]
