"""The seasonal ARIMA core: exact likelihood, estimation and forecasts in plain arrays."""

# Imported first: it sets the cache folder of the compiled functions.
from book_forecast.sarima import kernels  # noqa: F401

# isort: split
from book_forecast.sarima.bridge import to_statsmodels
from book_forecast.sarima.compilation import compile_core
from book_forecast.sarima.estimation import SarimaFit, fit
from book_forecast.sarima.forecasting import Prediction, predict, standardised_residuals
from book_forecast.sarima.likelihood import log_likelihood
from book_forecast.sarima.specification import ORDERS, Specification

__all__ = [
    "ORDERS",
    "Prediction",
    "SarimaFit",
    "Specification",
    "compile_core",
    "fit",
    "log_likelihood",
    "predict",
    "standardised_residuals",
    "to_statsmodels",
]
