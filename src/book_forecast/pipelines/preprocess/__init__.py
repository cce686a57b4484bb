"""Weekly grid, title selection, regressors and the split."""

from book_forecast.pipelines.preprocess.pipeline import create_pipeline

__all__ = ["create_pipeline"]
