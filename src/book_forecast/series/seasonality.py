"""Whether a series of weeks has a season, and of how many weeks: a test of known size.

A level that wanders makes waves of every length, so a test that takes its weeks for independent
finds seasons nearly everywhere. Here Fourier terms are tested beside ARMA errors: these are fitted
by marginal likelihood with all terms in the regression, so that a season does not pass for
dependence, and the terms are tested by generalised least squares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from book_forecast.sarima.arrays import FloatArray
from book_forecast.sarima.marginal import Whitened, best_errors, whiten_regression

YEAR = 52
WEEKS_A_YEAR = 365.25 / 7
CANDIDATES: Mapping[int, int] = {52: 6, 26: 3, 13: 2, 4: 2}
"""Seasons in weeks, and how many Fourier pairs are tested for each."""
SIGNIFICANCE = 0.05
ORDERS = ((1, 0, 0), (2, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1))
"""(p, d, q) of the errors to choose from."""
# The noise at a season's frequencies is known from its neighbourhood alone, and was fitted: so many
# of the other weeks tell of it. Found by simulation over errors of many kinds; see
# benchmarks/seasonality.py.
SHARE_OF_FREEDOM = 0.25


@dataclass(frozen=True, slots=True)
class Seasonality:
    """What a test says of a series.

    Attributes:
        season: Weeks in the season; 1 for none.
        p_value: Of the season, or of the likeliest one where there is none; by Holm's method for as
            many seasons as were tested.
        strength: Variance of the season beside that of a week's surprise: its share in their sum,
            between 0 and 1.
    """

    season: int
    p_value: float
    strength: float


NONE = Seasonality(1, 1.0, 0.0)


def period_of(season: int) -> float:
    """Length of a season in weeks: of a year, its half and its quarter by the sun."""
    return WEEKS_A_YEAR * season / YEAR if season in (YEAR, YEAR // 2, YEAR // 4) else float(season)


def fourier(weeks: FloatArray, season: int, pairs: int) -> FloatArray:
    """Cosines and sines that repeat once a season, twice, and so on.

    Args:
        weeks: Positions in weeks, shape (n,).
        season: Weeks in a season.
        pairs: At most half a season; a last sine that is zero in every week is left out.

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
    """Looks for a season.

    A year's peak shows in its halves and quarters as well. Of several seasons that are significant,
    the shortest is taken that no longer one adds to significantly.

    Args:
        values: Weekly values on a scale on which seasons add up, such as logs of one plus the
            copies; shape (n,), NaN where a week is missing.
        candidates: Fourier pairs by season. Those are tested of which two were seen.
        significance: Chance to find a season, whichever, where there is none.
    """
    seen = np.flatnonzero(np.isfinite(values))
    values = values[seen[0] : seen[-1] + 1] if len(seen) else values[:0]
    pairs = {season: k for season, k in candidates.items() if 2 * season <= len(seen)}
    if not pairs:
        return NONE
    terms, places = _terms(len(values), pairs)
    try:
        errors = best_errors(values, ORDERS, terms)
    except ValueError:
        return NONE
    regression = _Regression(
        whiten_regression(values, errors.specification, errors.arma, terms), terms, len(errors.arma)
    )
    chances = _holm({season: regression.chance(columns) for season, columns in places.items()})
    found = sorted(season for season in places if chances[season] < significance)
    if not found:
        return Seasonality(1, min(chances.values()), 0.0)
    season, *longer = found
    for other in longer:
        beyond = [column for column in places[other] if column not in places[season]]
        if regression.chance(beyond, beside=places[season]) < significance:
            season = other
    return Seasonality(season, chances[season], regression.strength(places[season]))


class _Regression:
    """Tests of a whitened regression's terms."""

    def __init__(self, whitened: Whitened, terms: FloatArray, n_arma: int) -> None:
        self.whitened, self.terms = whitened, terms
        self.n_free = len(whitened.factor) - 1 - terms.shape[1]
        freedom = whitened.n_weeks - self.n_free - terms.shape[1] - n_arma
        self.noise = whitened.squares / freedom
        self.freedom = SHARE_OF_FREEDOM * freedom

    def ratio(self, columns: list[int], beside: Sequence[int] = ()) -> float:
        """How many times the noise terms explain, for each of them, beside others."""
        without, with_them = self._triangle(beside), self._triangle([*beside, *columns])
        explained = without[-1, -1] ** 2 - with_them[-1, -1] ** 2
        return float(explained / len(columns) / self.noise)

    def chance(self, columns: list[int], beside: Sequence[int] = ()) -> float:
        """Chance of as large a ratio where the terms say nothing."""
        ratio = self.ratio(columns, beside)
        return float(f_distribution.sf(ratio, len(columns), self.freedom))

    def strength(self, columns: list[int]) -> float:
        """See `Seasonality`; what the terms explain by chance is taken off."""
        triangle = self._triangle(columns)
        solution = np.linalg.lstsq(triangle[:-1, :-1], triangle[:-1, -1])[0]
        season = self.terms[:, columns] @ solution[self.n_free :]
        variance = np.var(season) * max(1.0 - 1.0 / self.ratio(columns), 0.0)
        return float(variance / (variance + self.noise))

    def _triangle(self, columns: Sequence[int]) -> FloatArray:
        """Of the constant, some of the terms and the series; its last element is what is left."""
        factor = self.whitened.factor
        kept = [*range(self.n_free), *(self.n_free + c for c in columns), len(factor) - 1]
        return np.asarray(np.linalg.qr(factor[:, kept], mode="r"), dtype=np.float64)


def _terms(n: int, pairs: Mapping[int, int]) -> tuple[FloatArray, dict[int, list[int]]]:
    """All seasons' Fourier terms, each frequency once, and which of them are a season's."""
    columns: list[FloatArray] = []
    known: dict[float, list[int]] = {}
    places: dict[int, list[int]] = {}
    for season, k in pairs.items():
        own = fourier(np.arange(float(n)), season, k)
        places[season] = []
        for wave in range(1, k + 1):
            frequency = round(wave / period_of(season), 9)
            if frequency not in known:
                pair = own[:, 2 * wave - 2 : 2 * wave].T
                known[frequency] = list(range(len(columns), len(columns) + len(pair)))
                columns.extend(pair)
            places[season] += known[frequency]
    return np.stack(columns, axis=1), places


def _holm(chances: dict[int, float]) -> dict[int, float]:
    """Chances made ready for as many tests at once (Holm 1979)."""
    adjusted, largest = {}, 0.0
    for rank, season in enumerate(sorted(chances, key=lambda each: chances[each])):
        largest = max(largest, min((len(chances) - rank) * chances[season], 1.0))
        adjusted[season] = largest
    return adjusted
