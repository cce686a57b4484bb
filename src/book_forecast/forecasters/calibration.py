"""Intervals from residuals at rolling origins (split conformal prediction).

Residuals are on the scale of log(1 + copies), in units of their title's scale. Their quantiles over
all titles, by range of the horizon, are the bounds, so that titles with few folds have intervals
with the nominal coverage over all titles. The scale of a residual does not depend on its own fold:
it comes from the title's other folds (as in jackknife+ of Barber et al. 2021), shrunk towards that
of titles with similar weeks. Kinds of weeks, such as Christmas, have residuals of their own size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from book_forecast.backtesting.rolling_origins import share_of_a_fold
from book_forecast.forecasters.base import Forecast
from book_forecast.forecasters.week_kinds import Kinds, factors_of, reach_of
from book_forecast.series.history import FloatArray

IntArray = npt.NDArray[np.int64]

# First weeks ahead of the ranges of the horizon, which are calibrated separately.
BANDS = (1, 2, 4, 7, 11, 17, 25)
# Probabilities of the stored quantiles; those between are interpolated.
ERROR_PROBABILITIES = (
    *(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5),
    *(0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99, 0.995, 0.9975),
)
# Degrees of freedom of Student's distribution, for tails with too few residuals.
DEGREES = 5.0
# Residuals of one fold are dependent: this many weeks of a range count as one.
WEEKS_ALIKE = 2.0
# Folds without common weeks at which a title's own residuals have half of the weight, beside the
# expected scale: the default without an estimate, and the limits of the estimate.
FOLDS_OF_A_SCALE = 4.0
FEWEST_FOLDS, MOST_FOLDS = 0.5, 8.0
# Titles that an estimate of the variance between titles needs.
FEWEST_TITLES = 10
SMALLEST_SCALE = 1e-3
NEAR_THE_MIDDLE = 0.5
# Prior weight of no effect, in folds whose history has since grown e-fold.
FOLDS_WITHOUT_GROWTH = 1.0
FASTEST_LEARNING = 1.0
# After the last range, residuals grow with the horizon at most as a random walk's.
FASTEST_GROWTH = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """Quantiles of residuals by range of the horizon, in units of a title's scale.

    Attributes:
        quantiles: Shape (bands, probabilities), rising in the second.
        growth: Power of the horizon by which residuals grow after `longest`.
        longest: Last week ahead with residuals.
        factors: Multiples of the residuals in weeks of a kind; see `week_kinds`.
    """

    quantiles: FloatArray
    growth: float
    longest: int
    factors: Mapping[str, float] = field(default_factory=dict)

    def forecast(
        self,
        mean: FloatArray,
        scale: float,
        levels: Sequence[float],
        kinds: Kinds | None = None,
    ) -> Forecast:
        """Return a point forecast with its bounds.

        Args:
            mean: Copies by week ahead, shape (horizon,).
            scale: Of the title's residuals.
            levels: Interval levels in percent.
            kinds: Of the weeks ahead, each of shape (horizon,).
        """
        ahead = np.arange(1, len(mean) + 1)
        rows = self.quantiles[np.searchsorted(BANDS, ahead, side="right") - 1]
        reach = scale * np.maximum(ahead / self.longest, 1.0) ** self.growth
        reach = reach * reach_of(self.factors, kinds or {}, reach.shape)
        centre = np.log1p(mean)
        lower, upper = {}, {}
        for level in levels:
            tail = 0.5 - level / 200.0
            bounds = [_interpolated(rows, p) * reach for p in (tail, 1.0 - tail)]
            lower[level], upper[level] = (np.maximum(np.expm1(centre + b), 0.0) for b in bounds)
        return Forecast(mean, lower, upper)

    def to_state(self) -> dict[str, Any]:
        """Return the calibration as plain data."""
        return {
            "quantiles": self.quantiles.tolist(),
            "growth": self.growth,
            "longest": self.longest,
            **({"factors": dict(self.factors)} if self.factors else {}),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the calibration from the result of `to_state`."""
        quantiles = np.array(state["quantiles"], dtype=np.float64)
        factors = {name: float(factor) for name, factor in state.get("factors", {}).items()}
        return cls(quantiles, float(state["growth"]), int(state["longest"]), factors)


def _interpolated(rows: FloatArray, probability: float) -> FloatArray:
    """Return quantiles by row, interpolated on the scale of Student's quantiles."""
    above, share = _between_knots(probability)
    return np.asarray(rows[:, above - 1] * (1.0 - share) + rows[:, above] * share)


@lru_cache(maxsize=1024)
def _between_knots(probability: float) -> tuple[int, float]:
    """Return the knot above a probability, and its share beside the knot before it."""
    knots = student.ppf(ERROR_PROBABILITIES, DEGREES)
    at = np.clip(student.ppf(probability, DEGREES), knots[0], knots[-1])
    above = int(np.clip(np.searchsorted(knots, at), 1, len(knots) - 1))
    return above, (at - knots[above - 1]) / (knots[above] - knots[above - 1])


@dataclass(frozen=True, slots=True)
class FoldErrors:
    """Residuals at rolling origins, on the scale of log(1 + copies), a fold per row.

    Attributes:
        errors: Actual less forecast, shape (r, h); NaN where the actual is missing.
        titles: Index of each row's title, shape (r,).
        expected: By title, the scale expected from its weeks before any fold, shape (n,).
        growth: By row, today's length of the title's history over that at the fold, shape (r,);
            None for no correction.
        origins: Weeks from each row's cutoff to the latest one, shape (r,); None where folds of a
            title have no week in common.
        kinds: Of the weeks, each of shape (r, h).
        weeks: Numbers of the weeks, shape (r, h), where there are kinds.
    """

    errors: FloatArray
    titles: IntArray
    expected: FloatArray
    growth: FloatArray | None = None
    origins: IntArray | None = None
    kinds: Kinds = field(default_factory=dict)
    weeks: IntArray | None = None

    @property
    def share_of_a_fold(self) -> float:
        """Share of its weeks that a fold does not have in common with the one before."""
        return 1.0 if self.origins is None else share_of_a_fold(self.origins, self.errors.shape[1])


def calibrate(found: FoldErrors) -> tuple[Calibration, FloatArray]:
    """Return quantiles over all titles, and the titles' scales, shape (n,)."""
    found = _as_of_today(found)
    found, factors = _alike(found)
    sizes = _sizes(found.errors)
    usual = _expected(found, sizes)
    half = _folds_of_a_title(found, sizes, usual)
    scales = _scales(found, sizes, usual, half, every=True)
    out_of_fold = _scales(found, sizes, usual, half, every=False)
    scaled = found.errors / out_of_fold[:, None]
    horizon = scaled.shape[1]
    ahead = np.searchsorted(BANDS, np.arange(1, horizon + 1), side="right") - 1
    rows = []
    for band in range(len(BANDS)):
        inside = scaled[:, ahead == min(band, ahead[-1])] if horizon else scaled
        rows.append(_quantiles(inside[np.isfinite(inside)], found.share_of_a_fold))
    # Four digits exceed the precision of the residuals, and every title's state stores them all.
    rising = np.maximum.accumulate(np.array(rows, dtype=np.float64), axis=1)
    quantiles: FloatArray = np.asarray(np.round(rising, 4), dtype=np.float64)
    return Calibration(quantiles, _growth(quantiles, horizon), max(horizon, 1), factors), scales


def _alike(found: FoldErrors) -> tuple[FoldErrors, dict[str, float]]:
    """Return the residuals as those of ordinary weeks, and the factors of the kinds of weeks."""
    if found.weeks is None or not found.kinds:
        return found, {}
    sizes = _sizes(found.errors)
    usual = _expected(found, sizes)
    half = _folds_of_a_title(found, sizes, usual)
    scales = _scales(found, sizes, usual, half, every=True)[found.titles]
    factors = factors_of(found.errors / scales[:, None], found.kinds, found.weeks)
    reach = reach_of(factors, found.kinds, found.errors.shape)
    return replace(found, errors=found.errors / reach), factors


def _as_of_today(found: FoldErrors) -> FoldErrors:
    """Return the residuals as expected with the histories of today.

    Forecasts improve as a history grows. The power is estimated from the titles' own folds, each
    title compared with itself.
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
    """Return the mean absolute residual of each row; NaN where none is known."""
    known = np.isfinite(errors)
    counts = known.sum(axis=1)
    sums = np.where(known, np.abs(errors), 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _expected(found: FoldErrors, sizes: FloatArray) -> FloatArray:
    """Return, by title, the scale of titles with similar weeks: a line on logarithms."""
    logs = np.log(np.maximum(found.expected, SMALLEST_SCALE))
    known = np.isfinite(sizes)
    seen = np.log(np.maximum(sizes[known], SMALLEST_SCALE))
    given = logs[found.titles[known]]
    if not len(seen):
        return np.asarray(np.exp(logs))
    slope = 1.0
    if len(np.unique(found.titles[known])) >= FEWEST_TITLES and np.ptp(given) > 0.0:
        slope = float(np.clip(np.polyfit(given, seen, 1)[0], 0.0, 1.5))
    return np.asarray(np.exp(np.mean(seen) + slope * (logs - np.mean(given))))


def _folds_of_a_title(found: FoldErrors, sizes: FloatArray, usual: FloatArray) -> float:
    """Return the folds at which a title's own residuals have half of the weight (empirical Bayes).

    It is the variance of folds within their title over that of titles around their expectation.
    """
    # The logarithm of a tiny value would outweigh all others.
    known = np.isfinite(sizes) & (sizes > SMALLEST_SCALE)
    titles = found.titles[known]
    logs = np.log(sizes[known]) - np.log(usual[titles])
    counts = np.bincount(titles, minlength=len(usual))
    means = np.bincount(titles, logs, minlength=len(usual)) / np.maximum(counts, 1)
    there = counts > 0
    freedom = int((counts[there] - 1).sum())
    if not freedom or there.sum() < FEWEST_TITLES:
        return FOLDS_OF_A_SCALE
    within = float(((logs - means[titles]) ** 2).sum()) / freedom
    if not within:
        return FEWEST_FOLDS
    of_noise = within / (counts[there] * found.share_of_a_fold)
    between = float(np.mean(means[there] ** 2 - of_noise))
    return float(np.clip(within / max(between, within / MOST_FOLDS), FEWEST_FOLDS, MOST_FOLDS))


def _scales(
    found: FoldErrors, sizes: FloatArray, usual: FloatArray, half: float, *, every: bool
) -> FloatArray:
    """Return scales by title from all its rows, or by row from those that share no week with it."""
    known = np.isfinite(sizes)
    logs = np.where(known, np.log(np.maximum(np.nan_to_num(sizes), SMALLEST_SCALE)), 0.0)
    n = len(usual)
    rows = known.astype(np.float64)
    sums = np.zeros(n) + np.bincount(found.titles, logs, minlength=n)
    counts = np.zeros(n) + np.bincount(found.titles, rows, minlength=n)
    prior = np.log(usual)
    if not every:
        sums, counts, prior = sums[found.titles], counts[found.titles], prior[found.titles]
        alike_sums, alike_counts = _over_common_weeks(found, logs, rows)
        sums, counts = sums - alike_sums, counts - alike_counts
    share = found.share_of_a_fold
    return np.asarray(np.exp((share * sums + half * prior) / (share * counts + half)))


def _over_common_weeks(found: FoldErrors, *values: FloatArray) -> list[FloatArray]:
    """Return, by row, sums over the rows of its title that share a week with it, its own too."""
    if found.origins is None:
        return [*values]
    origins, at = np.unique(found.origins, return_inverse=True)
    common = (np.abs(origins[:, None] - origins) < found.errors.shape[1]).astype(np.float64)
    sums = []
    for value in values:
        table = np.zeros((len(found.expected), len(origins)))
        np.add.at(table, (found.titles, at), value)
        sums.append((table @ common)[found.titles, at])
    return sums


def _quantiles(values: FloatArray, share: float) -> FloatArray:
    """Return quantiles with the correction for finite samples, and Student's tails."""
    tails = student.ppf(ERROR_PROBABILITIES, DEGREES)
    if not len(values):
        return np.asarray(tails)
    n = max(len(values) * share / WEEKS_ALIKE, 1.0)
    probabilities = np.array(ERROR_PROBABILITIES)
    # A new residual is below the k-th of n with a probability of k / (n + 1).
    outwards = np.where(probabilities < 0.5, probabilities * (n + 1) - 1, probabilities * (n + 1))
    inside = np.clip(outwards / n, 0.0, 1.0)
    found = np.quantile(values, inside)
    centre = float(np.median(values))
    edge = 1.5 / (n + 1.0)
    for side, beyond in ((0, probabilities < edge), (1, probabilities > 1.0 - edge)):
        if beyond.all() or not beyond.any():
            continue
        anchor = np.flatnonzero(~beyond)[0 if side == 0 else -1]
        scale = _student_scale(values)
        # A quantile near the middle does not determine the tails.
        if abs(tails[anchor]) > NEAR_THE_MIDDLE:
            scale = max(scale, float((found[anchor] - centre) / tails[anchor]))
        found[beyond] = centre + scale * tails[beyond]
    return np.asarray(found)


def _student_scale(values: FloatArray) -> float:
    """Return the scale of Student's distribution with this mean absolute value."""
    # The mean absolute value of Student's distribution with five degrees of freedom is 0.949.
    return max(float(np.mean(np.abs(values))) / 0.949, 1e-6)


def _growth(quantiles: FloatArray, horizon: int) -> float:
    """Return the power of the horizon by which the 80 % interval widens over the last ranges."""
    last = int(np.searchsorted(BANDS, horizon, side="right")) - 1
    if last < 2:
        return FASTEST_GROWTH
    low, high = ERROR_PROBABILITIES.index(0.1), ERROR_PROBABILITIES.index(0.9)
    widths = quantiles[:, high] - quantiles[:, low]
    before = last - 2
    power = np.log(widths[last] / widths[before]) / np.log(BANDS[last] / BANDS[before])
    return float(np.clip(power, 0.0, FASTEST_GROWTH)) if np.isfinite(power) else 0.0
