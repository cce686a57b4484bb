"""Covariates from the pipelines' long frame: promotions, promotion plans and other tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from book_forecast.series.history import (
    ALL_TITLES,
    MODEL_HORIZON,
    PROMOTION,
    Covariates,
    FloatArray,
    Future,
    History,
    IntArray,
    TableFuture,
    title_histories,
    weeks_between,
)

PROMOTION_PLAN = "promotion_plan"
"""Name of the rows that hold promotions planned after the last week."""

_EPOCH = np.datetime64("1970-01-03")
_NEVER = np.iinfo(np.int64).min


class CovariateRules(Protocol):
    """How covariates continue in the weeks ahead; `RegressorOptions` implements it."""

    @property
    def promotions_known(self) -> bool:
        """Whether a forecast may use the promotions that follow its cutoff."""

    def future_of(self, name: str) -> TableFuture:
        """Return how a covariate continues in the weeks ahead."""


class _LastValues:
    """Rules in place of options: no promotion is known ahead, other covariates stay."""

    promotions_known = False

    def future_of(self, name: str) -> TableFuture:  # noqa: ARG002
        return "last"


class _Series(NamedTuple):
    """Values of a step function; week numbers ascend."""

    weeks: IntArray
    levels: FloatArray

    def between(self, first: int, last: int) -> _Series:
        """Return the rows from the first to the last week, both included."""
        return self.rows(slice(*np.searchsorted(self.weeks, [first, last + 1])))

    def rows(self, rows: slice) -> _Series:
        return _Series(self.weeks[rows], self.levels[rows])

    def as_of(self, weeks: IntArray) -> _Series:
        """Return the latest row up to each week; value 0 in week `_NEVER` where there is none."""
        if not len(self.weeks):
            return _Series(np.full(len(weeks), _NEVER), np.zeros(len(weeks)))
        at = np.searchsorted(self.weeks, weeks, side="right") - 1
        return _Series(
            np.where(at < 0, _NEVER, self.weeks[at]), np.where(at < 0, 0.0, self.levels[at])
        )


_NOTHING = _Series(np.empty(0, np.int64), np.empty(0))


@dataclass(frozen=True)
class _Table:
    """The frame of covariates by name and title.

    Attributes:
        others: Names beside promotions, sorted.
        series: By name and ISBN or `ALL_TITLES`.
        latest: Latest week by name.
        planned_until: Last week of the promotion plan, of whatever title.
    """

    others: tuple[str, ...]
    series: Mapping[tuple[str, str], _Series]
    latest: Mapping[str, int]
    planned_until: int

    @classmethod
    def of(cls, covariates: pd.DataFrame, isbns: Sequence[str]) -> _Table:
        """Cut the frame into the series of some titles and those of all titles."""
        titles = [*dict.fromkeys(isbns), ALL_TITLES]
        title_of_row = pd.Index(titles, dtype="str").get_indexer(pd.Index(covariates["isbn"]))
        name_of_row, names = pd.factorize(covariates["name"])
        days = covariates["week"].to_numpy().astype("datetime64[D]")
        weeks = ((days - _EPOCH) // np.timedelta64(7, "D")).astype(np.int64)
        ours = np.flatnonzero(title_of_row >= 0)
        groups = (name_of_row * len(titles) + title_of_row)[ours]
        order = np.lexsort([weeks[ours], groups])
        groups, rows = groups[order], ours[order]
        weeks_of_ours = weeks[rows]
        values = covariates["value"].to_numpy(dtype=np.float64)[rows]
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        ends = np.append(starts, len(groups))[1:]
        series: dict[tuple[str, str], _Series] = {}
        latest: dict[str, int] = {}
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            name, title = divmod(int(groups[start]), len(titles))
            key = str(names[name])
            series[key, titles[title]] = _Series(weeks_of_ours[start:end], values[start:end])
            latest[key] = max(latest.get(key, _NEVER), int(weeks_of_ours[end - 1]))
        others = set(map(str, names)) - {PROMOTION, PROMOTION_PLAN}
        plan = weeks[(names == PROMOTION_PLAN)[name_of_row]]
        planned_until = int(plan.max(initial=_NEVER))
        return cls(tuple(sorted(others)), series, latest, planned_until)

    def get(self, name: str, isbn: str) -> _Series:
        return self.series.get((name, isbn), _NOTHING)


def with_covariates(
    histories: Sequence[History],
    covariates: pd.DataFrame | None,
    rules: CovariateRules | None = None,
) -> list[History]:
    """Return the histories with their covariates: "promotion" first, then the others by name.

    Promotions after a history's last week come from the plan alone, unless `promotions_known`;
    weeks without a row have none. Other values hold until the next row; they are 0 before the
    first one. A title's own row precedes one of all titles in the same week. After a history's last
    week these are the table's own values where their future is known, otherwise those of their
    rule.

    Args:
        histories: Titles up to any cutoffs.
        covariates: isbn, week, name, value, as preprocess makes them; None without any.
        rules: How they continue ahead; without them, nothing is known ahead.

    Returns:
        The histories in their order; all have covariates of the same names and futures.
    """
    if covariates is None or not histories:
        return list(histories)
    rules = rules or _LastValues()
    table = _Table.of(covariates, [history.isbn for history in histories])
    names = (PROMOTION, *table.others)
    futures: tuple[Future, ...] = ("planned", *map(rules.future_of, table.others))
    known_until = _known_until(table, rules)
    first = min(_number(history.cutoff) - history.n_weeks + 1 for history in histories)
    end = max(_number(history.cutoff) for history in histories) + MODEL_HORIZON
    weeks_of_all = np.arange(first, end + 1)
    of_all = {name: table.get(name, ALL_TITLES).as_of(weeks_of_all) for name in table.others}

    def of_title(history: History) -> Covariates:
        n, last = history.n_weeks, _number(history.cutoff)
        ahead = min(max(known_until - last, 0), MODEL_HORIZON)
        weeks = np.arange(last - n + 1, last + ahead + 1)
        values = np.zeros((n + ahead, len(names)))
        values[:, 0] = _promotions(table, history.isbn, weeks, n, rules.promotions_known)
        for column, name in enumerate(table.others, start=1):
            own = table.get(name, history.isbn).as_of(weeks)
            shared = of_all[name].rows(slice(weeks[0] - first, weeks[-1] - first + 1))
            values[:, column] = np.where(own.weeks >= shared.weeks, own.levels, shared.levels)
        planned_from = 0 if rules.promotions_known else n
        planned_ahead = min(max(table.planned_until - last, 0), MODEL_HORIZON)
        planned_until = n + planned_ahead if planned_ahead else 0
        found = Covariates(names, values, futures, planned_from, planned_until)
        # The weeks ahead hold only what a forecast made now may use.
        values[n:] = found.after(n, ahead)
        return found

    return [replace(history, covariates=of_title(history)) for history in histories]


def covariates_by_title(
    weeks: pd.DataFrame, covariates: pd.DataFrame | None, rules: CovariateRules | None
) -> dict[str, Covariates]:
    """Return each title's covariates up to its last week; nothing if there are only promotions.

    Args:
        weeks: isbn, week, volume.
        covariates: isbn, week, name, value; None without any.
        rules: How they continue ahead.
    """
    if covariates is None or not set(covariates["name"].unique()) - {PROMOTION, PROMOTION_PLAN}:
        return {}
    histories = with_covariates(title_histories(weeks), covariates, rules)
    return {one.isbn: one.covariates for one in histories if one.covariates is not None}


def promotions_after(
    covariates: pd.DataFrame | None,
    rules: CovariateRules | None,
    week: pd.Timestamp,
) -> pd.DataFrame | None:
    """Return the promotions that followed a week, where a forecast may use them.

    Today's plan is not among them: it was unknown then, and so was its absence in other weeks.

    Args:
        covariates: isbn, week, name, value; None without any.
        rules: What is known ahead.
        week: The cutoff.

    Returns:
        isbn, week, promotion; None where nothing is known.
    """
    if covariates is None or rules is None or not rules.promotions_known:
        return None
    rows = covariates[(covariates["week"] > week) & (covariates["name"] == PROMOTION)]
    return rows.rename(columns={"value": PROMOTION}) if len(rows) else None


def _known_until(table: _Table, rules: CovariateRules) -> int:
    """Return the last week with any value that is known ahead."""
    known = [name for name in table.others if rules.future_of(name) == "known"]
    known += [PROMOTION] if rules.promotions_known else []
    return max([table.planned_until, *(table.latest.get(name, _NEVER) for name in known)])


def _promotions(table: _Table, isbn: str, weeks: IntArray, n: int, known: bool) -> FloatArray:
    """Return a title's promotions in its `n` weeks, and the planned ones after them."""
    column = np.zeros(len(weeks))
    last = weeks[-1] if known else weeks[n - 1]
    for rows in (
        table.get(PROMOTION, isbn).between(weeks[0], last),
        table.get(PROMOTION_PLAN, isbn).between(weeks[n - 1] + 1, weeks[-1]),
    ):
        column[rows.weeks - weeks[0]] = rows.levels
    return column


def _number(week: np.datetime64) -> int:
    return weeks_between(_EPOCH, week)
