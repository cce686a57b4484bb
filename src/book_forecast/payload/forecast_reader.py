"""Forecasts of single titles out of a payload: no model is needed, whatever family it was of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from .arrays import FloatArray, Floats
from .contents import Payload

# Relative, as MLflow stores this folder beside each payload under another name.
from .limits import check_horizon, check_level
from .manifest import PROBABILITIES


@dataclass(frozen=True)
class ReleaseForecast:
    """The forecast of one title.

    Attributes:
        isbn: The title.
        model: Family of the model.
        cutoff: Saturday of the release's last week of the title.
        mean: Copies a week, shape (horizon,).
        bounds: Lower and upper bound by level, shape (horizon,) each.
    """

    isbn: str
    model: str
    cutoff: np.datetime64
    mean: FloatArray
    bounds: dict[float, tuple[FloatArray, FloatArray]]

    @property
    def weeks(self) -> npt.NDArray[np.datetime64]:
        """Saturdays of the weeks ahead, shape (horizon,)."""
        return self.cutoff + np.timedelta64(7, "D") * np.arange(1, len(self.mean) + 1)


class ForecastReader:
    """ForecastReader questions about the titles of a payload."""

    def __init__(self, payload: Payload) -> None:
        """Index the titles of a checked payload."""
        self.payload = payload
        self.isbns: list[str] = payload.titles["isbn"].to_pylist()
        self._row = {isbn: row for row, isbn in enumerate(self.isbns)}
        self._models: list[str] = payload.titles["model"].to_pylist()
        self._cutoffs = payload.titles["cutoff"].to_numpy().astype("datetime64[D]")

    def __contains__(self, isbn: str) -> bool:
        """Whether the release has a title."""
        return isbn in self._row

    def row(self, isbn: str) -> int:
        """Return the row of a title in the tables of the payload.

        Raises:
            KeyError: If the release does not have it.
        """
        return self._row[isbn]

    def cutoff(self, isbn: str) -> np.datetime64:
        """Return the last week that the release knows of a title.

        Raises:
            KeyError: If the release does not have it.
        """
        day: np.datetime64 = self._cutoffs[self._row[isbn]]
        return day

    def forecast(self, isbn: str, horizon: int, levels: Sequence[float]) -> ReleaseForecast:
        """Return the forecast of the weeks after a title's cutoff.

        Args:
            isbn: 13 digits.
            horizon: Weeks ahead, 1 to 104.
            levels: Interval levels in percent, 1 to 99.

        Raises:
            KeyError: If the release does not have the title.
            ValueError: If horizon or level are out of bounds.
        """
        check_horizon(horizon)
        row = self._row[isbn]
        cutoff = self._cutoffs[row]
        bounds = bounds_of(self.payload.quantiles[row, :, :horizon], levels)
        mean = self.payload.mean[row, :horizon].astype(np.float64)
        return ReleaseForecast(isbn, self._models[row], cutoff, mean, bounds)


def bounds_of(
    quantiles: Floats | FloatArray, levels: Sequence[float]
) -> dict[float, tuple[FloatArray, FloatArray]]:
    """Return lower and upper bounds by level, shape (horizon,) each.

    Args:
        quantiles: As a payload holds them of one title, shape (17, horizon).
        levels: Interval levels in percent, 1 to 99.

    Raises:
        ValueError: If a level is out of bounds.
    """
    bounds = {}
    for level in levels:
        check_level(level)
        tail = (1.0 - level / 100.0) / 2.0
        bounds[level] = (_quantile(quantiles, tail), _quantile(quantiles, 1.0 - tail))
    return bounds


def _quantile(quantiles: Floats | FloatArray, probability: float) -> FloatArray:
    """Return a quantile of a payload, or interpolate between two of them.

    Between two, the logarithm of one plus the copies is taken to be linear in the normal score,
    which is exact for log-normal distributions and close for normal ones.
    """
    left, share = _between(round(probability, 9))
    lower = quantiles[left].astype(np.float64)
    if share == 0.0:
        return lower
    upper = quantiles[left + 1].astype(np.float64)
    return np.expm1((1.0 - share) * np.log1p(lower) + share * np.log1p(upper))


@lru_cache(maxsize=4096)
def _between(probability: float) -> tuple[int, float]:
    """Return the stored quantile at or below a probability, and the share of the next one."""
    scores = [NormalDist().inv_cdf(p) for p in PROBABILITIES]
    nearest = int(np.argmin(np.abs(np.array(PROBABILITIES) - probability)))
    if abs(PROBABILITIES[nearest] - probability) < 1e-9:
        return nearest, 0.0
    score = NormalDist().inv_cdf(probability)
    left = int(np.searchsorted(scores, score)) - 1
    return left, (score - scores[left]) / (scores[left + 1] - scores[left])
