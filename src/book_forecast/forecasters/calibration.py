"""Intervals from what forecasts have missed at rolling origins (split conformal prediction).

On the scale of log(1 + copies), an error is measured in units of its title's spread, and quantiles
are taken over all titles, apart for each range of the horizon. So a title with a few folds has
intervals that hold as often as they say over all titles. The spread of a title is never judged by
the error that it is to scale: it comes from the title's other folds (as in jackknife+ of Barber et
al. 2021), shrunk towards what titles with weeks like these have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from book_forecast.forecasters.base import Forecast
from book_forecast.series.history import FloatArray

IntArray = npt.NDArray[np.int64]

# First weeks ahead of the ranges that are calibrated apart.
BANDS = (1, 2, 4, 7, 11, 17, 25)
# Probabilities of the quantiles that are kept; those between are interpolated.
PROBABILITIES = (
    *(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    *(0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9975),
)
# Of the Student distribution that stands for the tails that too few errors tell of.
DEGREES = 5.0
# Errors of one fold lie on the same side: as many weeks of a range count for one.
WEEKS_ALIKE = 2.0
# A title's own errors count half, beside those expected of its weeks, once there are as many folds:
# where nothing tells how many, and at least and at most.
FOLDS_OF_A_TITLE = 2.0
FEWEST_FOLDS, MOST_FOLDS = 0.5, 8.0
# Fewer titles tell nothing of how unlike each other titles are.
FEWEST_TITLES = 10
SMALLEST_SPREAD = 1e-3
NEAR_THE_MIDDLE = 0.5
# Doubled histories must speak for themselves: as if so many had not changed anything.
FOLDS_WITHOUT_GROWTH = 1.0
FASTEST_LEARNING = 1.0
# Behind the last range, errors grow with the horizon at most as a random walk's.
FASTEST_GROWTH = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """Quantiles of errors by range of the horizon, in units of a title's spread.

    Attributes:
        quantiles: Shape (bands, probabilities), rising in the second.
        growth: Power of the horizon by which errors grow behind the last week that was seen.
        longest: The last week ahead that errors were seen of.
    """

    quantiles: FloatArray
    growth: float
    longest: int

    def forecast(self, mean: FloatArray, spread: float, levels: Sequence[float]) -> Forecast:
        """Bounds around a forecast.

        Args:
            mean: Copies by week ahead, shape (horizon,).
            spread: Of the title.
            levels: Interval levels in percent.
        """
        ahead = np.arange(1, len(mean) + 1)
        rows = self.quantiles[np.searchsorted(BANDS, ahead, side="right") - 1]
        reach = spread * np.maximum(ahead / self.longest, 1.0) ** self.growth
        centre = np.log1p(mean)
        lower, upper = {}, {}
        for level in levels:
            tail = 0.5 - level / 200.0
            bounds = [_interpolated(rows, p) * reach for p in (tail, 1.0 - tail)]
            lower[level], upper[level] = (np.maximum(np.expm1(centre + b), 0.0) for b in bounds)
        return Forecast(mean, lower, upper)

    def to_state(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "quantiles": self.quantiles.tolist(),
            "growth": self.growth,
            "longest": self.longest,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The calibration whose `to_state` gave the state."""
        quantiles = np.array(state["quantiles"], dtype=np.float64)
        return cls(quantiles, float(state["growth"]), int(state["longest"]))


def _interpolated(rows: FloatArray, probability: float) -> FloatArray:
    """Quantiles of each row, on the scale on which a Student distribution's are straight."""
    knots = student.ppf(PROBABILITIES, DEGREES)
    at = np.clip(student.ppf(probability, DEGREES), knots[0], knots[-1])
    place = int(np.clip(np.searchsorted(knots, at), 1, len(knots) - 1))
    share = (at - knots[place - 1]) / (knots[place] - knots[place - 1])
    return np.asarray(rows[:, place - 1] * (1.0 - share) + rows[:, place] * share)


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of forecasts at rolling origins, on the scale of log(1 + copies), a fold a row.

    Attributes:
        errors: What happened less what was forecast, shape (r, h); NaN where it is not known.
        titles: Which title each row is of, from 0; shape (r,).
        expected: By title, a spread that its weeks before any fold let expect, shape (n,).
        growth: By row, how many times as long the title's history has become since, shape (r,);
            None where it does not matter.
    """

    errors: FloatArray
    titles: IntArray
    expected: FloatArray
    growth: FloatArray | None = None


def calibrate(found: Errors) -> tuple[Calibration, FloatArray]:
    """Quantiles over all titles, and a spread for each.

    Returns:
        The calibration, and the spreads, shape (n,).
    """
    found = _as_of_now(found)
    sizes = _sizes(found.errors)
    usual = _expected(found, sizes)
    half = _folds_of_a_title(found, sizes, usual)
    spreads = _spreads(found, sizes, usual, half, every=True)
    units = _spreads(found, sizes, usual, half, every=False)
    scaled = found.errors / units[:, None]
    horizon = scaled.shape[1]
    ahead = np.searchsorted(BANDS, np.arange(1, horizon + 1), side="right") - 1
    rows = []
    for band in range(len(BANDS)):
        inside = scaled[:, ahead == min(band, ahead[-1])] if horizon else scaled
        rows.append(_quantiles(inside[np.isfinite(inside)]))
    # Four digits are more than errors can tell, and every title's state has them all.
    rising = np.maximum.accumulate(np.array(rows, dtype=np.float64), axis=1)
    quantiles: FloatArray = np.asarray(np.round(rising, 4), dtype=np.float64)
    return Calibration(quantiles, _growth(quantiles, horizon), max(horizon, 1)), spreads


def _as_of_now(found: Errors) -> Errors:
    """Errors as they would be with the histories that there are by now.

    Where a history has doubled since the fold, its forecasts have become better: by which power,
    the titles' own folds tell, each title compared with itself.
    """
    if found.growth is None:
        return found
    sizes = _sizes(found.errors)
    known = np.isfinite(sizes) & (sizes > 0.0)
    sizes, titles = np.log(sizes[known]), found.titles[known]
    lengths = np.log(found.growth[known])
    counts = np.maximum(np.bincount(titles), 1)
    sizes = sizes - (np.bincount(titles, sizes) / counts)[titles]
    apart = lengths - (np.bincount(titles, lengths) / counts)[titles]
    power = float(sizes @ apart / (apart @ apart + FOLDS_WITHOUT_GROWTH))
    shrink = found.growth ** -float(np.clip(power, 0.0, FASTEST_LEARNING))
    return replace(found, errors=found.errors * shrink[:, None])


def _sizes(errors: FloatArray) -> FloatArray:
    """Mean absolute error of each row; NaN where nothing is known."""
    known = np.isfinite(errors)
    counts = known.sum(axis=1)
    sums = np.where(known, np.abs(errors), 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _expected(found: Errors, sizes: FloatArray) -> FloatArray:
    """By title, the spread that titles with weeks like its own have; a line on logarithms."""
    logs = np.log(np.maximum(found.expected, SMALLEST_SPREAD))
    known = np.isfinite(sizes)
    seen = np.log(np.maximum(sizes[known], SMALLEST_SPREAD))
    given = logs[found.titles[known]]
    if not len(seen):
        return np.asarray(np.exp(logs))
    slope = 1.0
    if len(np.unique(found.titles[known])) >= FEWEST_TITLES and np.ptp(given) > 0.0:
        slope = float(np.clip(np.polyfit(given, seen, 1)[0], 0.0, 1.5))
    return np.asarray(np.exp(np.mean(seen) + slope * (logs - np.mean(given))))


def _folds_of_a_title(found: Errors, sizes: FloatArray, usual: FloatArray) -> float:
    """After how many folds a title's own errors count half (empirical Bayes).

    The variance of a fold within its title over that of titles around what is expected of them:
    where titles are truly unlike each other, few folds of their own tell more than their weeks do.
    """
    # The logarithm of next to nothing would outweigh all others.
    known = np.isfinite(sizes) & (sizes > SMALLEST_SPREAD)
    titles = found.titles[known]
    logs = np.log(sizes[known]) - np.log(usual[titles])
    counts = np.bincount(titles, minlength=len(usual))
    means = np.bincount(titles, logs, minlength=len(usual)) / np.maximum(counts, 1)
    there = counts > 0
    freedom = int((counts[there] - 1).sum())
    if not freedom or there.sum() < FEWEST_TITLES:
        return FOLDS_OF_A_TITLE
    within = float(((logs - means[titles]) ** 2).sum()) / freedom
    if not within:
        return FEWEST_FOLDS
    between = float(np.mean(means[there] ** 2 - within / counts[there]))
    return float(np.clip(within / max(between, within / MOST_FOLDS), FEWEST_FOLDS, MOST_FOLDS))


def _spreads(
    found: Errors, sizes: FloatArray, usual: FloatArray, half: float, *, every: bool
) -> FloatArray:
    """Spreads by title from all its rows, or by row from the title's other rows."""
    known = np.isfinite(sizes)
    logs = np.where(known, np.log(np.maximum(np.nan_to_num(sizes), SMALLEST_SPREAD)), 0.0)
    n = len(usual)
    sums = np.bincount(found.titles, logs, minlength=n)
    counts = np.bincount(found.titles, known.astype(np.float64), minlength=n)
    prior = np.log(usual)
    if not every:
        sums, counts = sums[found.titles] - logs, counts[found.titles] - known
        prior = prior[found.titles]
    return np.asarray(np.exp((sums + half * prior) / (counts + half)))


def _quantiles(values: FloatArray) -> FloatArray:
    """Quantiles with the correction for finite samples; tails beyond the sample as Student's."""
    tails = student.ppf(PROBABILITIES, DEGREES)
    if not len(values):
        return np.asarray(tails)
    n = max(len(values) / WEEKS_ALIKE, 1.0)
    probabilities = np.array(PROBABILITIES)
    # A new error is beyond the k-th of n with a probability of k / (n + 1).
    outwards = np.where(probabilities < 0.5, probabilities * (n + 1) - 1, probabilities * (n + 1))
    inside = np.clip(outwards / n, 0.0, 1.0)
    found = np.quantile(values, inside)
    centre = float(np.median(values))
    edge = 1.5 / (n + 1.0)
    for side, beyond in ((0, probabilities < edge), (1, probabilities > 1.0 - edge)):
        if beyond.all() or not beyond.any():
            continue
        anchor = np.flatnonzero(~beyond)[0 if side == 0 else -1]
        scale = _scale(values)
        # Near the middle a quantile tells nothing of how far the tails reach.
        if abs(tails[anchor]) > NEAR_THE_MIDDLE:
            scale = max(scale, float((found[anchor] - centre) / tails[anchor]))
        found[beyond] = centre + scale * tails[beyond]
    return np.asarray(found)


def _scale(values: FloatArray) -> float:
    """Scale of a Student distribution with this mean absolute value."""
    # The mean absolute value of Student's distribution with five degrees is 0.949.
    return max(float(np.mean(np.abs(values))) / 0.949, 1e-6)


def _growth(quantiles: FloatArray, horizon: int) -> float:
    """Power of the horizon by which the middle 80 % widen, from the two last ranges seen."""
    last = int(np.searchsorted(BANDS, horizon, side="right")) - 1
    if last < 2:
        return FASTEST_GROWTH
    low, high = PROBABILITIES.index(0.1), PROBABILITIES.index(0.9)
    widths = quantiles[:, high] - quantiles[:, low]
    before = last - 2
    power = np.log(widths[last] / widths[before]) / np.log(BANDS[last] / BANDS[before])
    return float(np.clip(power, 0.0, FASTEST_GROWTH)) if np.isfinite(power) else 0.0
