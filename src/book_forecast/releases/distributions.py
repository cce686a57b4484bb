"""The distribution of the weeks ahead as a release stores it: mean and quantiles, in copies."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.forecasters.base import Forecast
from book_forecast.payload.manifest import LONGEST_HORIZON, PROBABILITIES
from book_forecast.series.history import weeks_after

Floats = npt.NDArray[np.float32]

LEVELS = (*(round(100.0 * (1.0 - 2.0 * p), 6) for p in PROBABILITIES if p < 0.5), 0.0)
"""Interval levels with the quantiles of a release as bounds; level 0 is the median."""
QUANTILES = tuple(f"q-{p}" for p in PROBABILITIES)
"""Columns of a distributions frame."""


def distribution_of(forecast: Forecast) -> Floats:
    """Return mean and quantiles of one title.

    Args:
        forecast: Forecast with all `LEVELS`.

    Returns:
        Shape (1 + 17, horizon), the mean first, then quantiles by `PROBABILITIES`.
    """
    lower = [forecast.lower[level] for level in LEVELS]
    upper = [forecast.upper[level] for level in reversed(LEVELS[:-1])]
    return np.stack([forecast.mean, *lower, *upper]).astype(np.float32)


def distribution_frame(
    distributions: Mapping[str, Floats], cutoffs: Mapping[str, np.datetime64]
) -> pd.DataFrame:
    """Return the distributions of many titles in one frame.

    Args:
        distributions: By ISBN, as `distribution_of` returns them.
        cutoffs: By ISBN.

    Returns:
        isbn, week, mean and a column for each of `QUANTILES`: 104 rows a title.
    """
    columns = ("mean", *QUANTILES)
    if distributions:
        values = np.concatenate(list(distributions.values()), axis=1)
        weeks = np.concatenate([weeks_after(cutoffs[i], LONGEST_HORIZON) for i in distributions])
    else:
        values = np.empty((len(columns), 0), dtype=np.float32)
        weeks = np.empty(0, dtype="datetime64[D]")
    isbns = pd.Series(np.repeat(list(distributions), LONGEST_HORIZON), dtype="str")
    frame = {"isbn": isbns, "week": weeks.astype("datetime64[us]")}
    return pd.DataFrame(frame | dict(zip(columns, values, strict=True)))


def from_frame(frame: pd.DataFrame, isbns: list[str]) -> tuple[Floats, Floats]:
    """Invert `distribution_frame`.

    Args:
        frame: 104 rows for each of the titles.
        isbns: The titles in the order of the result.

    Returns:
        Means, shape (n, 104), and quantiles, shape (n, 17, 104).

    Raises:
        ValueError: If a title lacks weeks.
    """
    ordered = frame.sort_values(["isbn", "week"], kind="stable")
    found = ordered["isbn"].to_numpy(dtype=str)[::LONGEST_HORIZON]
    if len(ordered) % LONGEST_HORIZON or list(found) != sorted(isbns):
        raise ValueError("The distributions are not of the same titles as the models.")
    rows = np.searchsorted(found, isbns)
    shape = (len(found), LONGEST_HORIZON)
    means = ordered["mean"].to_numpy(np.float32).reshape(shape)[rows]
    quantiles = np.stack(
        [ordered[name].to_numpy(np.float32).reshape(shape)[rows] for name in QUANTILES], axis=1
    )
    return means, quantiles
