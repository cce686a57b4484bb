"""Forecasts of many titles in one long frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from book_forecast.forecasters.base import Forecast
from book_forecast.series.history import weeks_after


@dataclass(frozen=True, slots=True)
class TitleForecast:
    """The forecast of one title by one model from one cutoff."""

    isbn: str
    model: str
    cutoff: np.datetime64
    forecast: Forecast


def forecast_frame(forecasts: Sequence[TitleForecast], levels: Sequence[float]) -> pd.DataFrame:
    """Stack forecasts in one frame.

    Args:
        forecasts: Of any titles, models, cutoffs and horizons.
        levels: Interval levels in percent; each forecast has them all.

    Returns:
        isbn, week, cutoff, model, mean and `lo-L`, `hi-L` for each level L.
    """
    names = ["mean", *(f"{side}-{level}" for level in levels for side in ("lo", "hi"))]
    horizons = [len(item.forecast.mean) for item in forecasts]
    columns = [item.forecast.columns() for item in forecasts]
    weeks = [weeks_after(item.cutoff, n) for item, n in zip(forecasts, horizons, strict=True)]
    frame = pd.DataFrame(
        {
            "isbn": np.repeat([item.isbn for item in forecasts], horizons),
            "week": np.concatenate(weeks) if weeks else np.empty(0, dtype="datetime64[D]"),
            "cutoff": np.repeat(
                np.array([item.cutoff for item in forecasts], dtype="datetime64[D]"), horizons
            ),
            "model": np.repeat([item.model for item in forecasts], horizons),
            **{
                name: np.concatenate([c[name] for c in columns]) if columns else np.empty(0)
                for name in names
            },
        }
    )
    types = {"isbn": "str", "model": "str", "week": "datetime64[us]", "cutoff": "datetime64[us]"}
    return frame.astype(types)
