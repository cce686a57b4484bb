"""Residuals at rolling origins, and the scales of the titles that they have.

A title's scale comes from its own residuals, shrunk towards that of titles with similar weeks
(empirical Bayes). Overlapping folds count for the weeks that they do not share.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from book_forecast.backtesting.rolling_origins import share_of_a_fold
from book_forecast.forecasters.empirical_bayes import observations_of_half_weight
from book_forecast.forecasters.week_kinds import Kinds
from book_forecast.series.history import FloatArray, IntArray

# Folds without common weeks at which a title's own residuals have half of the weight, beside the
# expected scale: the default without an estimate, and the limits of the estimate.
FOLDS_OF_A_SCALE = 4.0
LIMITS = (0.5, 8.0)
# Titles that an estimate of the variance between titles needs.
FEWEST_TITLES = 10
# With fewer titles, the changes of one count as at most four times the usual ones, and those under
# a quarter say nothing, on a logarithmic scale.
FARTHEST = np.log(4.0)
SMALLEST_SCALE = 1e-3
# Prior weight of no effect, in folds whose history has since grown e-fold: for each title, and the
# least for all of them.
FOLDS_WITHOUT_GROWTH = 0.3
FEWEST_WITHOUT_GROWTH = 1.0
FASTEST_LEARNING = 1.0


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
        expected_powers: By title, the power of the week ahead by which residuals may grow, from its
            weeks before any fold, shape (n,); NaN where unknown, None where all are.
    """

    errors: FloatArray
    titles: IntArray
    expected: FloatArray
    growth: FloatArray | None = None
    origins: IntArray | None = None
    kinds: Kinds = field(default_factory=dict)
    weeks: IntArray | None = None
    expected_powers: FloatArray | None = None

    @property
    def share_of_a_fold(self) -> float:
        """Share of its weeks that a fold does not have in common with the one before."""
        return 1.0 if self.origins is None else share_of_a_fold(self.origins, self.errors.shape[1])


def as_of_today(found: FoldErrors) -> FoldErrors:
    """Return the residuals as expected with the histories of today.

    Forecasts improve as a history grows. The power is estimated from the titles' own folds, each
    title compared with itself. All titles have good and bad weeks at once: together they count as
    one, and each by what it shows.
    """
    if found.growth is None:
        return found
    sizes = _sizes(found.errors)
    known = np.isfinite(sizes)
    sizes, titles = np.log(sizes[known]), found.titles[known]
    lengths = np.log(found.growth[known])
    counts = np.maximum(np.bincount(titles), 1)
    sizes = sizes - (np.bincount(titles, sizes) / counts)[titles]
    apart = lengths - (np.bincount(titles, lengths) / counts)[titles]
    shown = np.bincount(titles, apart**2).astype(np.float64)
    prior = max(FOLDS_WITHOUT_GROWTH * _effective_number(shown), FEWEST_WITHOUT_GROWTH)
    power = float(sizes @ apart / (shown.sum() + prior))
    shrink = found.growth ** -float(np.clip(power, 0.0, FASTEST_LEARNING))
    return replace(found, errors=found.errors * shrink[:, None])


def _effective_number(shown: FloatArray) -> float:
    """Return how many titles there are, if one that shows little counts little (Kish 1965).

    Args:
        shown: Evidence of each title, shape (n,); zero for none.
    """
    total = float(shown.sum())
    return float(np.sqrt(shown).sum() ** 2 / total) if total > 0.0 else 0.0


def _sizes(errors: FloatArray) -> FloatArray:
    """Return the mean absolute residual of each row; NaN where none is known, or there is no error.

    Before a title comes back, it sells nothing and forecasts are zero. Such rows say nothing of its
    scale, and their logarithms would outweigh all others.
    """
    known = np.isfinite(errors)
    counts = known.sum(axis=1)
    sizes = np.where(known, np.abs(errors), 0.0).sum(axis=1) / np.maximum(counts, 1)
    return np.where(sizes > SMALLEST_SCALE, sizes, np.nan)


def _expected(found: FoldErrors, sizes: FloatArray) -> FloatArray:
    """Return, by title, the scale of titles with similar weeks: a line on logarithms.

    A title without a change before its folds, such as one that was out of print, has no similar
    weeks: its scale is the usual one. Few titles show no line: one of them with next to no changes
    would move the scales of all others, and has no title like it.
    """
    changes = found.expected > SMALLEST_SCALE
    logs = np.log(np.where(changes, found.expected, 1.0))
    known = np.isfinite(sizes)
    if not known.any():
        return np.maximum(found.expected, SMALLEST_SCALE)
    titles = np.unique(found.titles[known & changes[found.titles]])
    if 0 < len(titles) < FEWEST_TITLES:
        middle = float(np.median(logs[titles]))
        changes &= logs >= middle - FARTHEST
        logs = np.minimum(logs, middle + FARTHEST)
    shown = known & changes[found.titles]
    if not shown.any():
        return np.full(len(logs), float(np.exp(np.mean(np.log(sizes[known])))))
    titles = np.unique(found.titles[shown])
    seen, given = np.log(sizes[shown]), logs[found.titles[shown]]
    slope = 1.0
    if len(titles) >= FEWEST_TITLES and np.ptp(given) > 0.0:
        slope = float(np.clip(np.polyfit(given, seen, 1)[0], 0.0, 1.5))
    apart = np.where(changes, logs - np.mean(given), 0.0)
    return np.asarray(np.exp(np.mean(seen) + slope * apart))


def _folds_of_a_title(found: FoldErrors, sizes: FloatArray, usual: FloatArray) -> float:
    """Return the folds at which a title's own residuals have half of the weight."""
    known = np.isfinite(sizes)
    titles = found.titles[known]
    logs = np.log(sizes[known]) - np.log(usual[titles])
    counts = np.bincount(titles, minlength=len(usual))
    means = np.bincount(titles, logs, minlength=len(usual)) / np.maximum(counts, 1)
    there = counts > 0
    freedom = int((counts[there] - 1).sum())
    if not freedom or there.sum() < FEWEST_TITLES:
        return FOLDS_OF_A_SCALE
    within = float(((logs - means[titles]) ** 2).sum()) / freedom
    independent = np.asarray(counts[there] * found.share_of_a_fold, dtype=np.float64)
    return observations_of_half_weight(means[there], independent, within, LIMITS)


def title_scales(found: FoldErrors) -> FloatArray:
    """Return scales by title from all its residuals, shape (n,)."""
    return _scales(found, every=True)


def row_scales(found: FoldErrors) -> FloatArray:
    """Return the scales by which residuals become comparable, by row, shape (r,).

    They lie halfway, on logarithms, between the title's scale and that from its rows that share no
    week with the row. The second alone makes intervals too wide, by what it lacks in rows, as the
    out-of-fold residuals already come from weights with less evidence; the first alone makes them
    too narrow where a title has few folds.
    """
    return np.sqrt(_scales(found, every=False) * title_scales(found)[found.titles])


def _scales(found: FoldErrors, *, every: bool) -> FloatArray:
    sizes = _sizes(found.errors)
    usual = _expected(found, sizes)
    half = _folds_of_a_title(found, sizes, usual)
    known = np.isfinite(sizes)
    logs = np.where(known, np.log(np.where(known, sizes, 1.0)), 0.0)
    n = len(usual)
    rows = known.astype(np.float64)
    sums = np.bincount(found.titles, logs, minlength=n).astype(np.float64)
    counts = np.bincount(found.titles, rows, minlength=n).astype(np.float64)
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
