"""Distributions of sums over any weeks and any titles of a payload.

Draws of normal scores, one set for every process of the dependence, pass through the quantiles of
the release (a Gaussian copula). Given the shared processes, titles are independent: the many small
ones of a long list add their conditional mean and one normal error, the largest ones are drawn.
All draws are seeded by the names of class and title, so an answer repeats in every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

# Relative, as MLflow stores this folder beside each payload under another name.
from .arrays import FloatArray, Floats, IntArray
from .contents import Payload
from .dependence import KEY, Dependence
from .draws import (
    DRAWS,
    SCORES,
    conditional_mean,
    copies_of,
    drawn_of_class,
    drawn_of_title,
    moments,
    quantiles_of,
    scores_of,
    stratified,
)
from .limits import check_horizon, check_probabilities
from .manifest import LONGEST_HORIZON, PayloadError

DRAWN_WEEKS = 500
"""Weeks of titles that are drawn one by one; a list has the largest titles among them."""
FEWEST_DRAWN = 8
LAUNCH = "launch"
"""The model family of titles with few weeks of sales, or none."""
FEW_COPIES = 30.0
"""A week below is drawn in whole copies: fractions of slow sellers add up to copies never sold."""
_CHUNK = 500


@dataclass(frozen=True)
class SumForecast:
    """The distribution of a sum, in copies.

    Attributes:
        mean: Sum of the release's means, which adds up over weeks and titles.
        expected: Mean of the distribution; it exceeds `mean` where the latter are medians.
        quantiles: Shape (probabilities,), in the order that was asked for.
    """

    mean: float
    expected: float
    quantiles: FloatArray


class SumReader:
    """Reads sums out of a payload."""

    def __init__(self, payload: Payload) -> None:
        """Index a checked payload.

        Raises:
            PayloadError: If its dependence cannot be read.
        """
        self.payload = payload
        self._rows = {isbn: row for row, isbn in enumerate(payload.titles["isbn"].to_pylist())}
        self.isbns = list(self._rows)
        classes = [name or "" for name in payload.titles["product_class"].to_pylist()]
        self._names = sorted(set(classes))
        codes = {name: code for code, name in enumerate(self._names)}
        self._codes = np.array([codes[name] for name in classes], dtype=np.int64)
        models = payload.titles["model"].to_pylist()
        self._is_launch = np.array([model == LAUNCH for model in models], dtype=bool)
        self._cutoffs = payload.titles["cutoff"].to_numpy().astype("datetime64[D]")
        try:
            calibration = payload.manifest.get("calibration") or {}
            self.dependence = Dependence.from_state(calibration.get(KEY))
        except ValueError as error:
            raise PayloadError(f"{payload.release} cannot add up forecasts: {error}.") from None

    def prepare(self) -> None:
        """Compute what totals over many titles need, so that the first of them is quick too."""
        _ = self._deviations

    def next_weeks(self, n_weeks: int, isbn: str | None = None) -> npt.NDArray[np.datetime64]:
        """Return the Saturdays after the last week of a title, or of all; shape (n,).

        Raises:
            ValueError: If the release has no title.
        """
        cutoff = self._cutoffs.max() if isbn is None else self._cutoffs[self._rows[isbn]]
        return np.asarray(cutoff + np.timedelta64(7, "D") * np.arange(1, n_weeks + 1))

    def within_reach(self, isbns: Iterable[str], weeks: npt.NDArray[np.datetime64]) -> list[str]:
        """Return the titles that the release forecasts in all of some weeks."""
        known = [*isbns]
        cutoffs = self._cutoffs[[self._rows[isbn] for isbn in known]]
        furthest = cutoffs + np.timedelta64(7 * LONGEST_HORIZON, "D")
        inside = (cutoffs < np.min(weeks)) & (np.max(weeks) <= furthest)
        return [isbn for isbn, is_inside in zip(known, inside.tolist(), strict=True) if is_inside]

    def by_class(self, isbns: Iterable[str]) -> list[tuple[str | None, list[str]]]:
        """Return name and titles of each product class; titles without one have None as name."""
        members: dict[str, list[str]] = {}
        for isbn in isbns:
            members.setdefault(self._names[self._codes[self._rows[isbn]]], []).append(isbn)
        return [(name or None, members[name]) for name in sorted(members)]

    def sum_of(
        self,
        isbns: Iterable[str],
        weeks: npt.NDArray[np.datetime64],
        probabilities: Sequence[float],
    ) -> SumForecast:
        """Return the distribution of what titles sell in some weeks together.

        Args:
            isbns: The titles; one that is named twice counts once.
            weeks: Saturdays in any order, each at most 104 weeks after every title's cutoff.
            probabilities: Of the quantiles, 0.005 to 0.995.

        Raises:
            KeyError: If the release lacks a title.
            ValueError: If a week or a probability is out of bounds; names the bounds.
        """
        check_probabilities(probabilities)
        rows = np.array(sorted({self._rows[isbn] for isbn in isbns}), dtype=np.int64)
        days = np.unique(np.asarray(weeks, dtype="datetime64[D]"))
        if not len(rows) or not len(days):
            return SumForecast(0.0, 0.0, np.zeros(len(probabilities)))
        groups = self._groups(rows, days)
        mean = sum(
            float(self.payload.mean[np.ix_(group.rows, group.ahead)].sum(dtype=np.float64))
            for group in groups
        )
        expected = sum(float(np.sum(moments()[0] @ group.quantiles)) for group in groups)
        if len(rows) == 1 and len(days) == 1:
            found = np.interp(scores_of(probabilities), SCORES, groups[0].quantiles[:, 0])
        else:
            found = quantiles_of(self._draws(groups), probabilities)
        return SumForecast(mean, expected, found)

    def weeks_of(self, isbn: str, horizon: int) -> tuple[FloatArray, FloatArray]:
        """Return a title's mean, shape (horizon,), and its quantiles, shape (17, horizon).

        Raises:
            KeyError: If the release lacks the title.
            ValueError: If the horizon is out of bounds; names the bounds.
        """
        check_horizon(horizon)
        row = self._rows[isbn]
        mean = self.payload.mean[row, :horizon].astype(np.float64)
        return mean, self.payload.quantiles[row, :, :horizon].astype(np.float64)

    def draws_of(
        self,
        isbn: str,
        weeks: npt.NDArray[np.datetime64],
        quantiles: FloatArray | None = None,
    ) -> Floats:
        """Return draws of a title's weekly sales, dependent over weeks, shape (weeks, draws).

        Args:
            isbn: The title.
            weeks: Saturdays in rising order, each at most 104 weeks after the title's cutoff.
            quantiles: Shape (17, weeks), in place of the release's.

        Raises:
            KeyError: If the release lacks the title.
            ValueError: If a week is out of bounds; names the bounds.
        """
        row = self._rows[isbn]
        ahead = _ahead(np.asarray(weeks, dtype="datetime64[D]"), self._cutoffs[row])
        return self._weekly_draws(row, ahead, ahead, quantiles)

    def _groups(self, rows: IntArray, days: npt.NDArray[np.datetime64]) -> list[_Group]:
        """Return the titles by class and cutoff."""
        groups = []
        latest = self._cutoffs[rows].max()
        of_cutoff, cutoffs = self._cutoffs[rows], np.unique(self._cutoffs[rows])
        for cutoff in cutoffs:
            ahead = _ahead(days, cutoff)
            shared = np.maximum(_ahead(days, latest, check=False), 0)
            these = rows if len(cutoffs) == 1 else rows[of_cutoff == cutoff]
            codes = 2 * self._codes[these] + self._is_launch[these]
            for code in np.unique(codes):
                members = these[codes == code]
                quantiles = self._sum_of_quantiles(members, ahead)
                name, is_launch = self._names[code // 2], bool(code % 2)
                groups.append(_Group(name, is_launch, members, ahead, shared, quantiles))
        return groups

    def _sum_of_quantiles(self, rows: IntArray, ahead: IntArray) -> FloatArray:
        """Return the sum of the titles' quantiles, shape (17, weeks)."""
        stored = self.payload.quantiles
        first, last = int(ahead[0]), int(ahead[-1]) + 1
        total = np.zeros((stored.shape[1], last - first))
        for start in range(0, len(rows), _CHUNK):
            part = stored[rows[start : start + _CHUNK], :, first:last]
            total += part.sum(axis=0, dtype=np.float64)
        return total[:, ahead - first]

    def _draws(self, groups: Sequence[_Group]) -> FloatArray:
        """Return draws of the sum, shape (draws,)."""
        n_weeks = len(groups[0].ahead)
        most = max(FEWEST_DRAWN, DRAWN_WEEKS // n_weeks)
        n_titles = sum(len(group.rows) for group in groups)
        limit = -np.inf
        variances = [np.zeros(len(group.rows)) for group in groups]
        if n_titles > most:
            variances = [self._own_variances(group) for group in groups]
            limit = np.partition(np.concatenate(variances), n_titles - most)[n_titles - most]
        total, left = np.zeros(DRAWS), 0.0
        for group, variance in zip(groups, variances, strict=True):
            shared = drawn_of_class(self.dependence, group.name)[group.shared]
            rest = group.quantiles.copy()
            for row in group.rows[variance >= limit]:
                rest -= self.payload.quantiles[row][:, group.ahead].astype(np.float64)
                for copies in self._weekly_draws(row, group.ahead, group.shared):
                    total += copies
            if (variance < limit).any():
                own = self.dependence.own_covariance(group.name, LONGEST_HORIZON)
                total += conditional_mean(shared, np.diag(own)[group.ahead], rest)
                left += float(variance[variance < limit].sum())
        if left:
            total += np.sqrt(left) * stratified(1, "all others")[0]
        return np.maximum(total, 0.0)

    def _weekly_draws(
        self, row: int, ahead: IntArray, shared: IntArray, quantiles: FloatArray | None = None
    ) -> Floats:
        """Return draws of a title's weeks, by its quantiles or others; shape (weeks, draws)."""
        name, is_launch = self._names[self._codes[row]], bool(self._is_launch[row])
        own = drawn_of_title(self.dependence, name, is_launch, self.isbns[row], ahead)
        scores = drawn_of_class(self.dependence, name)[shared] + own
        if quantiles is None:
            quantiles = self.payload.quantiles[row][:, ahead].astype(np.float64)
        copies = copies_of(scores, quantiles)
        few = quantiles.max(axis=0) < FEW_COPIES
        if few.any() and self._sells_whole_copies(row):
            copies[few] = np.rint(copies[few])
        return copies

    def _sells_whole_copies(self, row: int) -> bool:
        """Return whether all known weeks of a title are whole numbers."""
        known = self.payload.volumes[row].values.to_numpy(zero_copy_only=False)
        return bool(((known == np.rint(known)) | np.isnan(known)).all())

    def _own_variances(self, group: _Group) -> FloatArray:
        """Return the variance of each title's sum given the shared processes, shape (titles,)."""
        own = self.dependence.own_covariance(group.name, LONGEST_HORIZON, is_launch=group.is_launch)
        covariance = own[np.ix_(group.ahead, group.ahead)].astype(np.float32)
        deviations = self._deviations[group.rows][:, group.ahead]
        return np.einsum("ih,ih->i", deviations @ covariance, deviations).astype(np.float64)

    @cached_property
    def _deviations(self) -> Floats:
        """Standard deviations of all titles and weeks, shape (titles, 104)."""
        stored, weights = self.payload.quantiles, moments()[1:].astype(np.float32)
        found = np.empty((len(stored), stored.shape[2]), dtype=np.float32)
        for start in range(0, len(stored), _CHUNK):
            part = slice(start, start + _CHUNK)
            found[part] = np.sqrt(np.square(np.matmul(weights, stored[part])).sum(axis=1))
        return found


@dataclass(frozen=True, slots=True)
class _Group:
    """Titles of one class with the same cutoff.

    Attributes:
        name: The class; empty where there is none.
        is_launch: Whether they have few weeks of sales, or none.
        rows: Of the titles.
        ahead: Positions of the weeks after their cutoff, rising.
        shared: The same after the latest cutoff of all titles.
        quantiles: Sum of their quantiles, shape (17, weeks).
    """

    name: str
    is_launch: bool
    rows: IntArray
    ahead: IntArray
    shared: IntArray
    quantiles: FloatArray


def _ahead(
    days: npt.NDArray[np.datetime64], cutoff: np.datetime64, *, check: bool = True
) -> IntArray:
    """Return the positions of weeks after a cutoff."""
    apart = (days - cutoff).astype(np.int64)
    if (apart % 7).any():
        raise ValueError(f"weeks must be Saturdays: {days[apart % 7 > 0][0]} is none.")
    ahead: IntArray = apart // 7 - 1
    outside = (ahead < 0) | (ahead >= LONGEST_HORIZON)
    if check and outside.any():
        raise ValueError(
            f"{days[outside][0]} is not within {LONGEST_HORIZON} weeks after {cutoff}, the last "
            "known week of a title."
        )
    return ahead
