"""Promotions and further regressors, given to the histories of titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.series.history import (
    PROMOTION,
    FloatArray,
    Future,
    History,
    Regressors,
    TableFuture,
    title_histories,
    weeks_between,
)

PLAN = "promotion_plan"
"""What is planned for weeks after the last: the rows of `regressors` that come from the plan."""
ALL = "all"
"""In place of an ISBN: a row for every title."""
WEEKS_AHEAD = LONGEST_HORIZON + 52
"""As far as anything is asked for: the longest forecast of a release a year after its fit."""

_EPOCH = np.datetime64("1970-01-03")
_NEVER = np.iinfo(np.int64).min
IntArray = npt.NDArray[np.int64]


class CovariateRules(Protocol):
    """What may be known of covariates in the weeks ahead; `RegressorOptions` has these."""

    @property
    def promotions_known(self) -> bool:
        """Whether a forecast may use the promotions that follow its cutoff."""

    def future_of(self, name: str) -> TableFuture:
        """The values that stand for the weeks ahead of a covariate."""


class _Unknown:
    """Rules without any knowledge of the weeks ahead."""

    promotions_known = False

    def future_of(self, name: str) -> TableFuture:  # noqa: ARG002
        """The last value."""
        return "last"


class _Series(NamedTuple):
    """Values that hold from their weeks on; weeks are numbers, ascending."""

    weeks: IntArray
    held: FloatArray

    def between(self, first: int, last: int) -> _Series:
        """The rows of the weeks from the first to the last, both included."""
        return self.at(slice(*np.searchsorted(self.weeks, [first, last + 1])))

    def at(self, places: slice) -> _Series:
        """The rows at some places."""
        return _Series(self.weeks[places], self.held[places])

    def as_of(self, weeks: IntArray) -> _Series:
        """The latest row up to each week; 0 since never where there is none."""
        if not len(self.weeks):
            return _Series(np.full(len(weeks), _NEVER), np.zeros(len(weeks)))
        at = np.searchsorted(self.weeks, weeks, side="right") - 1
        return _Series(
            np.where(at < 0, _NEVER, self.weeks[at]), np.where(at < 0, 0.0, self.held[at])
        )


_NOTHING = _Series(np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True)
class _Table:
    """The frame of regressors, by name and title.

    Attributes:
        further: Names beside promotions, sorted.
        series: By name and ISBN, `ALL` among them.
        latest: By name, its latest week.
    """

    further: tuple[str, ...]
    series: Mapping[tuple[str, str], _Series]
    latest: Mapping[str, int]

    @classmethod
    def of(cls, regressors: pd.DataFrame, isbns: Sequence[str]) -> _Table:
        """Cut the frame into the series of some titles and those of all."""
        titles = [*dict.fromkeys(isbns), ALL]
        title_of_row = pd.Index(titles, dtype="str").get_indexer(pd.Index(regressors["isbn"]))
        name_of_row, names = pd.factorize(regressors["name"])
        days = regressors["week"].to_numpy().astype("datetime64[D]")
        weeks = ((days - _EPOCH) // np.timedelta64(7, "D")).astype(np.int64)
        ours = np.flatnonzero(title_of_row >= 0)
        # Stable sorts pass over what is sorted already, as preprocess leaves it.
        groups = (name_of_row * len(titles) + title_of_row)[ours]
        order = np.lexsort([weeks[ours], groups])
        groups, rows = groups[order], ours[order]
        weeks, values = weeks[rows], regressors["value"].to_numpy(dtype=np.float64)[rows]
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        ends = np.append(starts, len(groups))[1:]
        series: dict[tuple[str, str], _Series] = {}
        latest: dict[str, int] = {}
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            name, title = divmod(int(groups[start]), len(titles))
            key = str(names[name])
            series[key, titles[title]] = _Series(weeks[start:end], values[start:end])
            latest[key] = max(latest.get(key, _NEVER), int(weeks[end - 1]))
        return cls(tuple(sorted(set(map(str, names)) - {PROMOTION, PLAN})), series, latest)

    def get(self, name: str, isbn: str) -> _Series:
        """The rows of a name and a title; none where there are none."""
        return self.series.get((name, isbn), _NOTHING)


def with_regressors(
    histories: Sequence[History],
    regressors: pd.DataFrame | None,
    rules: CovariateRules | None,
) -> list[History]:
    """As `attach` does; without a table the histories stay as they are."""
    if regressors is None:
        return list(histories)
    return attach(histories, regressors, rules or _Unknown())


def planned_after(
    regressors: pd.DataFrame | None,
    rules: CovariateRules | None,
    week: pd.Timestamp,
    *,
    is_now: bool,
) -> pd.DataFrame | None:
    """Promotions after a week as far as they may be known in it.

    Args:
        regressors: isbn, week, name, value; None without any.
        rules: What may be known ahead.
        week: The last week there is.
        is_now: Whether it is the last of all. In an earlier one nobody knew today's plan, which
            must not even tell that nothing was planned before its first week.

    Returns:
        isbn, week, promotion; None where nothing is planned.
    """
    if regressors is None:
        return None
    ahead = regressors[regressors["week"] > week]
    parts = [ahead[ahead["name"] == PLAN]] if is_now else []
    if rules is not None and rules.promotions_known:
        parts.append(ahead[ahead["name"] == PROMOTION])
    if not parts:
        return None
    # What is planned goes before what happened, as it does in a title's own regressors.
    rows = pd.concat(parts).drop_duplicates(["isbn", "week"])
    return rows.rename(columns={"value": PROMOTION}) if len(rows) else None


def further_by_title(
    weeks: pd.DataFrame, regressors: pd.DataFrame | None, rules: CovariateRules | None
) -> dict[str, Regressors]:
    """The regressors of each title up to its last week, where there are any beside promotions.

    Args:
        weeks: isbn, week, volume.
        regressors: isbn, week, name, value; None without any.
        rules: What may be known ahead.
    """
    if regressors is None or not set(regressors["name"].unique()) - {PROMOTION, PLAN}:
        return {}
    histories = with_regressors(title_histories(weeks), regressors, rules)
    return {one.isbn: one.regressors for one in histories if one.regressors is not None}


def attach(
    histories: Sequence[History], regressors: pd.DataFrame, rules: CovariateRules
) -> list[History]:
    """Give each history its regressors: "promotion" first, then the others by name.

    Promotions after a history's last week come from the plan alone, unless `promotions_known`; a
    week of which no row tells has none. Any other value holds until the next row, a title's own
    before one of all titles in the same week; it is 0 before the first. After a history's last week
    these are the table's own where their future is known, otherwise what their rule says.

    Args:
        histories: Titles up to any cutoffs.
        regressors: isbn, week, name, value, as `build_regressors` makes them.
        rules: What may be known ahead.

    Returns:
        The histories in their order; all have regressors of the same names and futures.
    """
    if not histories:
        return []
    table = _Table.of(regressors, [history.isbn for history in histories])
    names = (PROMOTION, *table.further)
    futures: tuple[Future, ...] = ("planned", *map(rules.future_of, table.further))
    known_until = _known_until(table, rules)
    first = min(_number(history.cutoff) - history.n_weeks + 1 for history in histories)
    end = max(_number(history.cutoff) for history in histories) + WEEKS_AHEAD
    of_all = {name: table.get(name, ALL).as_of(np.arange(first, end + 1)) for name in table.further}

    def of_title(history: History) -> Regressors:
        n, last = history.n_weeks, _number(history.cutoff)
        ahead = min(max(known_until - last, 0), WEEKS_AHEAD)
        weeks = np.arange(last - n + 1, last + ahead + 1)
        values = np.zeros((n + ahead, len(names)))
        values[:, 0] = _promotions(table, history.isbn, weeks, n, rules.promotions_known)
        for place, name in enumerate(table.further, start=1):
            own = table.get(name, history.isbn).as_of(weeks)
            shared = of_all[name].at(slice(weeks[0] - first, weeks[-1] - first + 1))
            values[:, place] = np.where(own.weeks >= shared.weeks, own.held, shared.held)
        regressors = Regressors(names, values, futures, 0 if rules.promotions_known else n)
        # Nothing of the weeks ahead is in the arrays but what a forecast made now may know.
        values[n:] = regressors.after(n, ahead)
        return regressors

    return [replace(history, regressors=of_title(history)) for history in histories]


def _known_until(table: _Table, rules: CovariateRules) -> int:
    """The last week of which anything is known ahead."""
    names = [PLAN, *(name for name in table.further if rules.future_of(name) == "known")]
    if rules.promotions_known:
        names.append(PROMOTION)
    return max(table.latest.get(name, _NEVER) for name in names)


def _promotions(table: _Table, isbn: str, weeks: IntArray, n: int, known: bool) -> FloatArray:
    """A title's promotions in its `n` weeks, and those planned after them."""
    column = np.zeros(len(weeks))
    last = weeks[-1] if known else weeks[n - 1]
    for rows in (
        table.get(PROMOTION, isbn).between(weeks[0], last),
        table.get(PLAN, isbn).between(weeks[n - 1] + 1, weeks[-1]),
    ):
        column[rows.weeks - weeks[0]] = rows.held
    return column


def _number(week: np.datetime64) -> int:
    return weeks_between(_EPOCH, week)
