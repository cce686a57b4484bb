"""Intervals from residuals at rolling origins (split conformal prediction).

Residuals are on the scale of log(1 + copies), in units of their title's scale. Their quantiles over
all titles, by range of the horizon, are the bounds, so that titles with few folds have intervals
with the nominal coverage over all titles. The scale of a residual depends little on its own fold:
half of it comes from the title's other folds (as in jackknife+ of Barber et al. 2021), and all is
shrunk towards that of titles with similar weeks. With the weeks ahead, a title's scale grows by a
power of its own. Kinds of weeks, such as Christmas, have residuals of their own size, and weeks in
which the boosting's quantiles lie far apart have larger ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from scipy.stats import t as student

from book_forecast.forecasters.base import Forecast
from book_forecast.forecasters.horizon_powers import profile, title_powers
from book_forecast.forecasters.residual_scales import (
    FoldErrors,
    as_of_today,
    row_scales,
    title_scales,
)
from book_forecast.forecasters.week_kinds import Kinds, factors_of, reach_of
from book_forecast.forecasters.week_widths import WIDTH, width_factor
from book_forecast.series.history import FloatArray

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
NEAR_THE_MIDDLE = 0.5
# Folds without common weeks at which the median of the residuals counts half, as a lasting bias.
FOLDS_OF_A_BIAS = 4.0
# After the last range, residuals grow with the horizon at most as a random walk's.
FASTEST_GROWTH = 0.5


@dataclass(frozen=True, slots=True)
class Calibration:
    """Quantiles of residuals by range of the horizon, in units of a title's scale.

    Attributes:
        quantiles: Shape (bands, probabilities), rising in the second.
        growth: Power of the horizon by which quantiles grow over the last ranges; a title's bounds
            grow by it and by the title's own power after `longest`.
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
        scale: float | FloatArray,
        levels: Sequence[float],
        kinds: Kinds | None = None,
        power: float | FloatArray = 0.0,
    ) -> Forecast:
        """Return a point forecast with its bounds, or those of several titles.

        Args:
            mean: Copies by week ahead, shape (horizon,) or (titles, horizon).
            scale: Of the title's residuals; of several titles, shape (titles, 1).
            levels: Interval levels in percent.
            kinds: Of the weeks ahead, each of the shape of the mean.
            power: Of the week ahead by which the scale grows; of several titles, shape
                (titles, 1).
        """
        ahead = np.arange(1, mean.shape[-1] + 1)
        rows = self.quantiles[np.searchsorted(BANDS, ahead, side="right") - 1]
        reach = scale * profile(power, ahead, self.longest)
        beyond = np.clip(power + self.growth, 0.0, FASTEST_GROWTH)
        reach = reach * np.maximum(ahead / self.longest, 1.0) ** beyond
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


def calibrate(found: FoldErrors) -> tuple[Calibration, FloatArray, FloatArray]:
    """Return quantiles over all titles, and by title scales and powers of the week ahead, (n,)."""
    found = as_of_today(found)
    powers = title_powers(found)
    found = _on_one_scale(found, powers)
    found, factors = _alike(found)
    scaled = found.errors / row_scales(found)[:, None]
    horizon = scaled.shape[1]
    ahead = np.searchsorted(BANDS, np.arange(1, horizon + 1), side="right") - 1
    rows = []
    for band in range(len(BANDS)):
        inside = scaled[:, ahead == min(band, ahead[-1])] if horizon else scaled
        n_folds = found.share_of_a_fold * float(np.isfinite(inside).any(axis=1).sum())
        chance = FOLDS_OF_A_BIAS / (n_folds + FOLDS_OF_A_BIAS)
        values = inside[np.isfinite(inside)]
        bias = float(np.median(values)) if len(values) else 0.0
        # The weeks of a fold err alike: what few folds have in common may be chance.
        rows.append(_quantiles(values, found.share_of_a_fold) - chance * bias)
    # Four digits exceed the precision of the residuals, and every title's state stores them all.
    rising = np.maximum.accumulate(np.array(rows, dtype=np.float64), axis=1)
    quantiles: FloatArray = np.asarray(np.round(rising, 4), dtype=np.float64)
    growth = _growth(quantiles, horizon)
    return Calibration(quantiles, growth, max(horizon, 1), factors), title_scales(found), powers


def _on_one_scale(found: FoldErrors, powers: FloatArray) -> FoldErrors:
    """Return the residuals as those of the same size in all weeks ahead."""
    horizon = found.errors.shape[1]
    if not horizon:
        return found
    factors = profile(powers[found.titles, None], np.arange(1, horizon + 1), horizon)
    return replace(found, errors=found.errors / factors)


def _alike(found: FoldErrors) -> tuple[FoldErrors, dict[str, float]]:
    """Return the residuals as those of ordinary weeks, and the factors of the kinds of weeks."""
    if found.weeks is None or not found.kinds:
        return found, {}
    factors: dict[str, float] = {}
    if WIDTH in found.kinds:
        widths = np.asarray(found.kinds[WIDTH], dtype=np.float64)
        factor = width_factor(found.errors, widths, found.share_of_a_fold)
        factors = {} if factor == 1.0 else {WIDTH: factor}
    shape = found.errors.shape
    alike = replace(found, errors=found.errors / reach_of(factors, found.kinds, shape))
    scales = title_scales(alike)[alike.titles]
    flags = {n: extent.astype(np.bool_) for n, extent in found.kinds.items() if n != WIDTH}
    factors |= factors_of(alike.errors / scales[:, None], flags, found.weeks)
    return replace(found, errors=found.errors / reach_of(factors, found.kinds, shape)), factors


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
    """Return the power of the horizon by which the 80 % interval widens over the last ranges.

    It is beside the powers of the titles, and negative where these are too large in the mean.
    """
    last = int(np.searchsorted(BANDS, horizon, side="right")) - 1
    if last < 2:
        return FASTEST_GROWTH
    low, high = ERROR_PROBABILITIES.index(0.1), ERROR_PROBABILITIES.index(0.9)
    widths = quantiles[:, high] - quantiles[:, low]
    first = last - 2
    power = np.log(widths[last] / widths[first]) / np.log(BANDS[last] / BANDS[first])
    return float(np.clip(power, -FASTEST_GROWTH, FASTEST_GROWTH)) if np.isfinite(power) else 0.0
