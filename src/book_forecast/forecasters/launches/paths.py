"""Paths of launches as a Gaussian process over the weeks since publication.

On the scale of log(1 + copies), without the season, the path of a launch is the mean curve of its
class, a level and a decay of its own, a slow wave, and noise. Its own weeks, as they arrive,
condition this process: first they find the level, then the decay, then they are all that counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from book_forecast.series.history import YEAR, FloatArray

KNOTS = np.array([0, 1, 2, 3, 5, 8, 13, 20, 32, 52, 80, 120, 180, 300], dtype=np.float64)
"""Weeks since publication between which a curve is linear in their logarithm; constant after."""
LONGEST = 300.0
DEFAULT_DECAY = 1.2
"""Decline of the default curve in its first year, on the scale of log(1 + copies)."""
MOST_KNOWN = 156
"""Own weeks that condition a path, the latest ones."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How paths differ from the mean curve of their class: standard deviations, log scale.

    The defaults hold where the panel has no launches; they are as wide as those of mixed lists.

    Attributes:
        level: Of the level.
        decay: Of the decline in the first year.
        correlation: Of both.
        wave: Of the slow wave.
        memory: Weeks in which the wave forgets two thirds.
        noise: Of single weeks, beside that of counts.
    """

    level: float = 1.3
    decay: float = 0.7
    correlation: float = -0.3
    wave: float = 0.45
    memory: float = 20.0
    noise: float = 0.25

    def to_state(self) -> dict[str, float]:
        """Return the numbers by name."""
        return {name: round(float(value), 6) for name, value in asdict(self).items()}


def basis(weeks: FloatArray) -> FloatArray:
    """Return the share of each knot in weeks since publication, shape (n, knots)."""
    at = np.log1p(np.clip(weeks, 0.0, LONGEST))
    return np.stack([np.interp(at, np.log1p(KNOTS), row) for row in np.eye(len(KNOTS))], axis=-1)


def default_curve(level: float) -> FloatArray:
    """Return the curve where no launch is known: a level that declines, at the knots."""
    return level - DEFAULT_DECAY * decline(KNOTS)


def decline(weeks: FloatArray) -> FloatArray:
    """Return how far a decline has come: 0 at publication, 1 after a year; in the logarithm."""
    return np.asarray(np.log1p(np.clip(weeks, 0.0, LONGEST)) / np.log1p(YEAR), dtype=np.float64)


def covariance(
    first: FloatArray, second: FloatArray, spread: Spread, level_variance: float | None = None
) -> FloatArray:
    """Return the covariance of paths between weeks, without the noise.

    Args:
        first: Weeks since publication, shape (n,).
        second: The same, shape (m,).
        spread: How paths differ.
        level_variance: Of the level, if more is known of it than of any title of the class.
    """
    level = spread.level**2 if level_variance is None else level_variance
    slope = decay_by_level(spread)
    own = (1.0 - spread.correlation**2) * spread.decay**2
    a, b = decline(first)[:, None], decline(second)[None, :]
    shared = level * (1.0 + slope * a) * (1.0 + slope * b) + own * a * b
    apart = np.abs(first[:, None] - second[None, :])
    return np.asarray(shared + spread.wave**2 * np.exp(-apart / spread.memory), dtype=np.float64)


def decay_by_level(spread: Spread) -> float:
    """Return by how much the expected decay changes with a unit of level."""
    return spread.correlation * spread.decay / spread.level if spread.level > 0.0 else 0.0


def count_variance(copies: FloatArray) -> FloatArray:
    """Return the variance of the log of a count beside its mean: that of Poisson's, about."""
    return np.asarray(1.0 / (1.0 + np.maximum(copies, 0.0)), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Path:
    """What is known of one launch before its own weeks, without the season.

    Attributes:
        curve: The mean curve of its class at the knots.
        level: Difference of its level from the curve.
        level_variance: Of that difference.
        spread: How paths differ.
    """

    curve: FloatArray
    level: float
    level_variance: float
    spread: Spread

    def mean(self, weeks: FloatArray) -> FloatArray:
        """Return the mean path in weeks since publication."""
        slope = 1.0 + decay_by_level(self.spread) * decline(weeks)
        return np.asarray(basis(weeks) @ self.curve + self.level * slope, dtype=np.float64)

    def conditioned(
        self, weeks: FloatArray, values: FloatArray, counts: FloatArray, ahead: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return mean and variance of the path in weeks ahead, given its own weeks.

        Args:
            weeks: Own weeks since publication, shape (k,).
            values: log(1 + copies) without the season, shape (k,); NaN where missing.
            counts: Variance of counting, shape (k,).
            ahead: Weeks since publication to forecast, shape (n,).
        """
        known = np.flatnonzero(np.isfinite(values))[-MOST_KNOWN:]
        mean = self.mean(ahead)
        prior = covariance(ahead, ahead, self.spread, self.level_variance)
        if not len(known):
            return mean, np.diag(prior)
        at, seen = weeks[known], values[known]
        own = covariance(at, at, self.spread, self.level_variance)
        own[np.diag_indices_from(own)] += self.spread.noise**2 + counts[known] + 1e-9
        across = covariance(at, ahead, self.spread, self.level_variance)
        solved = np.linalg.solve(own, across)
        mean = mean + solved.T @ (seen - self.mean(at))
        variance = np.diag(prior) - np.sum(across * solved, axis=0)
        return mean, np.maximum(variance, 0.0)
