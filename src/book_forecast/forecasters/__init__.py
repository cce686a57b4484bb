"""Model families behind one contract: fitted to a history, asked for forecasts, plain data."""

from book_forecast.forecasters.base import Capabilities, FittedForecaster, Forecast
from book_forecast.forecasters.boosting_member import Boosting
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.frames import TitleForecast, forecast_frame
from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from book_forecast.forecasters.paths import Ets, Intermittent, Mstl, Theta
from book_forecast.forecasters.registry import FAMILIES, restore
from book_forecast.forecasters.regression import Regression
from book_forecast.forecasters.sarima import Candidate, Sarima

__all__ = [
    "FAMILIES",
    "Boosting",
    "Candidate",
    "Capabilities",
    "Ensemble",
    "Ets",
    "FittedForecaster",
    "Forecast",
    "Intermittent",
    "Mstl",
    "Naive",
    "Regression",
    "Sarima",
    "SeasonalNaive",
    "Theta",
    "TitleForecast",
    "Zero",
    "forecast_frame",
    "restore",
]
