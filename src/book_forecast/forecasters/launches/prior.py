"""Knowledge of one launch before its own weeks: all that its forecast needs, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.stats import norm

from book_forecast.forecasters.base import array, plain
from book_forecast.forecasters.launches.paths import Path, Spread
from book_forecast.payload.manifest import PROBABILITIES
from book_forecast.series.history import FloatArray

KNOWN_FROM = (0, 1, 5, 14)
"""Own weeks from which on errors have another distribution."""
AHEAD_FROM = (1, 5, 14, 33)
"""Weeks ahead from which on errors have another distribution."""
SCORES = np.array([norm.ppf(p) for p in PROBABILITIES])
"""Of a normal distribution: errors in units of what the process expects, by `PROBABILITIES`."""
# Errors of a launch that nothing is known of are wider than normal.
_WITHOUT_LAUNCHES = 1.25
# Launches that normal errors count as.
_LAUNCHES_OF_NORMAL = 25.0
_LIMITS = ("ceiling", "print_run")


@dataclass(frozen=True)
class LaunchPrior:
    """What is known of a launch before its own weeks.

    Attributes:
        path: Of the process.
        season: Of its class: differences by week of the year, shape (53,).
        errors: Quantiles of errors, in units of what the process expects, by own weeks, weeks
            ahead and `PROBABILITIES`, shape (4, 4, 17).
        ceiling: The most copies of a week that titles like it have sold; infinite without any.
        print_run: Copies printed; infinite if unknown.
        n_launches: Launches that this is learned from.
    """

    path: Path
    season: FloatArray
    errors: FloatArray
    ceiling: float
    print_run: float = np.inf
    n_launches: int = 0

    def error(self, known: int, ahead: FloatArray, probabilities: FloatArray) -> FloatArray:
        """Return quantiles of errors, shape (probabilities, weeks ahead).

        Args:
            known: Own weeks.
            ahead: Weeks ahead, at least 1.
            probabilities: In (0, 1).
        """
        of_known = self.errors[np.searchsorted(KNOWN_FROM, known, side="right") - 1]
        places = np.searchsorted(AHEAD_FROM, ahead, side="right") - 1
        at = norm.ppf(probabilities)
        by_place = np.stack([_between(at, quantiles) for quantiles in of_known], axis=-1)
        return np.asarray(by_place[:, places], dtype=np.float64)

    def to_state(self) -> dict[str, Any]:
        """Return the prior as plain data."""
        return {
            "curve": np.round(self.path.curve, 5).tolist(),
            "level": round(self.path.level, 6),
            "level_variance": round(self.path.level_variance, 6),
            "spread": self.path.spread.to_state(),
            "season": np.round(self.season, 4).tolist(),
            "errors": np.round(self.errors, 3).reshape(-1, len(SCORES)).tolist(),
            **dict(zip(_LIMITS, plain([self.ceiling, self.print_run]), strict=True)),
            "n_launches": self.n_launches,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the inverse of `to_state`."""
        path = Path(
            array(state["curve"]),
            float(state["level"]),
            float(state["level_variance"]),
            Spread(**state["spread"]),
        )
        errors = np.array(state["errors"], dtype=np.float64)
        shape = (len(KNOWN_FROM), len(AHEAD_FROM), len(SCORES))
        ceiling, print_run = (np.inf if state[k] is None else float(state[k]) for k in _LIMITS)
        return cls(
            path,
            array(state["season"]),
            errors.reshape(shape),
            ceiling,
            print_run,
            int(state["n_launches"]),
        )


def normal_errors() -> FloatArray:
    """Return the quantiles of errors where none are known, shape (4, 4, 17)."""
    return np.tile(_WITHOUT_LAUNCHES * SCORES, (len(KNOWN_FROM), len(AHEAD_FROM), 1))


def learn_errors(errors: Sequence[tuple[int, FloatArray]]) -> FloatArray:
    """Learn quantiles from errors of launches that were left out.

    Args:
        errors: Own weeks, and errors in units of what the process expects in the weeks ahead, NaN
            where unknown; any number of each launch.

    Returns:
        Shape (4, 4, 17); increasing along the last axis.
    """
    found = normal_errors()
    for number in range(len(KNOWN_FROM)):
        own = [
            row
            for known, row in errors
            if np.searchsorted(KNOWN_FROM, known, side="right") - 1 == number
        ]
        for place, first in enumerate(AHEAD_FROM):
            last = AHEAD_FROM[place + 1] if place + 1 < len(AHEAD_FROM) else None
            parts = [row[first - 1 : None if last is None else last - 1] for row in own]
            parts = [row[np.isfinite(row)] for row in parts]
            parts = [row for row in parts if len(row)]
            if not parts:
                continue
            values = np.concatenate(parts)
            # Weeks of one launch are alike: the launches count, not the weeks.
            share = len(parts) / (len(parts) + _LAUNCHES_OF_NORMAL)
            seen = np.quantile(values, PROBABILITIES)
            found[number, place] = share * seen + (1.0 - share) * found[number, place]
    return np.asarray(np.maximum.accumulate(found, axis=-1), dtype=np.float64)


def _between(at: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Interpolate between normal scores, and go on beyond the last ones as normal errors do."""
    inside = np.interp(at, SCORES, quantiles)
    lower = quantiles[0] + _WITHOUT_LAUNCHES * (at - SCORES[0])
    upper = quantiles[-1] + _WITHOUT_LAUNCHES * (at - SCORES[-1])
    found = np.where(at < SCORES[0], lower, np.where(at > SCORES[-1], upper, inside))
    return np.asarray(found, dtype=np.float64)
