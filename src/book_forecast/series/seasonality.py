"""A test for seasons of known size, and the season's length in weeks.

A random walk has waves of every length: a test that assumes independent weeks finds seasons nearly
everywhere. Here Fourier terms are tested beside ARMA errors by generalised least squares. The fit
of the errors by marginal likelihood includes all terms, so that they do not absorb a season.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from book_forecast.sarima.marginal import Whitened, best_errors, whiten_regression
from book_forecast.series.history import YEAR, FloatArray

WEEKS_A_YEAR = 365.25 / 7
CANDIDATES: Mapping[int, int] = {52: 6, 26: 3, 13: 2, 4: 2}
"""Seasons in weeks, and the number of Fourier pairs tested for each."""
SIGNIFICANCE = 0.05
ERROR_ORDERS = ((1, 0, 0), (2, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1))
"""(p, d, q) of the errors to choose from."""
# The noise at a season's frequencies is estimated from nearby frequencies alone: this share of the
# degrees of freedom counts. Found by simulation over many kinds of errors; see
# benchmarks/seasonality.py.
SHARE_OF_FREEDOM = 0.25


@dataclass(frozen=True, slots=True)
class Seasonality:
    """The result of a season test.

    Attributes:
        season: Weeks in the season; 1 for none.
        p_value: Of the season, or the smallest one where there is none; adjusted by Holm's method
            for the number of tested seasons.
        strength: Share of the season in the sum of its variance and that of the innovations.
    """

    season: int
    p_value: float
    strength: float


NONE = Seasonality(1, 1.0, 0.0)


def period_of(season: int) -> float:
    """Return the length of a season in weeks; that of a year and its parts is the solar year's."""
    return WEEKS_A_YEAR * season / YEAR if season in (YEAR, YEAR // 2, YEAR // 4) else float(season)


def fourier(weeks: FloatArray, season: int, pairs: int) -> FloatArray:
    """Return cosines and sines that repeat once a season, twice, and so on.

    Args:
        weeks: Positions in weeks, shape (n,).
        season: Weeks in a season.
        pairs: At most half a season; a last sine that is always zero is left out.

    Returns:
        Shape (n, 2 pairs): a cosine, its sine, the next cosine.
    """
    angles = 2.0 * np.pi / period_of(season) * weeks[:, None] * np.arange(1, pairs + 1)
    terms = np.stack([np.cos(angles), np.sin(angles)], axis=2).reshape(len(weeks), -1)
    return terms[:, :-1] if pairs and 2 * pairs == period_of(season) else terms


def detect(
    values: FloatArray,
    candidates: Mapping[int, int] = CANDIDATES,
    significance: float = SIGNIFICANCE,
) -> Seasonality:
    """Test for a season.

    A yearly peak is significant in half and quarter years as well. Among significant seasons, the
    result is the shortest one to which no longer one adds significantly.

    Args:
        values: Weekly values on a scale with additive seasons, such as log(1 + copies), shape (n,);
            NaN where a week is missing.
        candidates: Fourier pairs by season. Seasons need two periods of known weeks.
        significance: Probability to find any season where there is none.
    """
    seen = np.flatnonzero(np.isfinite(values))
    values = values[seen[0] : seen[-1] + 1] if len(seen) else values[:0]
    pairs = {season: k for season, k in candidates.items() if 2 * season <= len(seen)}
    if not pairs:
        return NONE
    terms, columns_of = _terms(len(values), pairs)
    try:
        errors = best_errors(values, ERROR_ORDERS, terms)
    except ValueError:
        return NONE
    regression = _Regression(
        whiten_regression(values, errors.specification, errors.arma, terms), terms, len(errors.arma)
    )
    p_values = _holm({season: regression.p_value(own) for season, own in columns_of.items()})
    found = sorted(season for season in p_values if p_values[season] < significance)
    if not found:
        return Seasonality(1, min(p_values.values()), 0.0)
    season, *longer = found
    for other in longer:
        beyond = [column for column in columns_of[other] if column not in columns_of[season]]
        if regression.p_value(beyond, beside=columns_of[season]) < significance:
            season = other
    return Seasonality(season, p_values[season], regression.strength(columns_of[season]))


class _Regression:
    """Tests of a whitened regression's terms."""

    def __init__(self, whitened: Whitened, terms: FloatArray, n_arma: int) -> None:
        self.whitened, self.terms = whitened, terms
        self.n_free = len(whitened.factor) - 1 - terms.shape[1]
        freedom = whitened.n_weeks - self.n_free - terms.shape[1] - n_arma
        self.noise = whitened.squares / freedom
        self.freedom = SHARE_OF_FREEDOM * freedom

    def ratio(self, columns: list[int], beside: Sequence[int] = ()) -> float:
        """Return the F ratio of terms beside others."""
        without, with_them = self._triangle(beside), self._triangle([*beside, *columns])
        explained = without[-1, -1] ** 2 - with_them[-1, -1] ** 2
        return float(explained / len(columns) / self.noise)

    def p_value(self, columns: list[int], beside: Sequence[int] = ()) -> float:
        ratio = self.ratio(columns, beside)
        return float(f_distribution.sf(ratio, len(columns), self.freedom))

    def strength(self, columns: list[int]) -> float:
        """See `Seasonality`; corrected for what the terms explain by chance."""
        triangle = self._triangle(columns)
        solution = np.linalg.lstsq(triangle[:-1, :-1], triangle[:-1, -1])[0]
        season = self.terms[:, columns] @ solution[self.n_free :]
        variance = np.var(season) * max(1.0 - 1.0 / self.ratio(columns), 0.0)
        return float(variance / (variance + self.noise))

    def _triangle(self, columns: Sequence[int]) -> FloatArray:
        """Return the factor of the constant, some terms and the series."""
        factor = self.whitened.factor
        kept = [*range(self.n_free), *(self.n_free + c for c in columns), len(factor) - 1]
        return np.asarray(np.linalg.qr(factor[:, kept], mode="r"), dtype=np.float64)


def _terms(n: int, pairs: Mapping[int, int]) -> tuple[FloatArray, dict[int, list[int]]]:
    """Return all Fourier terms, each frequency once, and the columns of each season."""
    columns: list[FloatArray] = []
    known: dict[float, list[int]] = {}
    columns_of: dict[int, list[int]] = {}
    for season, k in pairs.items():
        own = fourier(np.arange(float(n)), season, k)
        columns_of[season] = []
        for wave in range(1, k + 1):
            frequency = round(wave / period_of(season), 9)
            if frequency not in known:
                pair = own[:, 2 * wave - 2 : 2 * wave].T
                known[frequency] = list(range(len(columns), len(columns) + len(pair)))
                columns.extend(pair)
            columns_of[season] += known[frequency]
    return np.stack(columns, axis=1), columns_of


def _holm(p_values: dict[int, float]) -> dict[int, float]:
    """Adjust p-values for multiple tests (Holm 1979)."""
    adjusted, largest = {}, 0.0
    for rank, season in enumerate(sorted(p_values, key=lambda each: p_values[each])):
        largest = max(largest, min((len(p_values) - rank) * p_values[season], 1.0))
        adjusted[season] = largest
    return adjusted
