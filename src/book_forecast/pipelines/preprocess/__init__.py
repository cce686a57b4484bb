"""Weekly grid, title selection, covariates and the split."""

from book_forecast.pipelines.preprocess.pipeline import create_pipeline

__all__ = ["create_pipeline"]
