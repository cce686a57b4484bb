"""The sales of the year as they were, its mishaps, and what of them arrives in each week."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import pandas as pd

from book_forecast.sample import sample_frame
from book_forecast.series.history import WEEK

DOWN, UP = 0.5, 1.8
"""Factors of the two shifts of a level."""
_SHARE = 0.05
"""Share of the titles that each shift has, and that are corrected."""
_CORRECTED = 0.4
"""Share of the copies that the titles lack which are corrected later."""
_BROKEN = 10
_FEWEST = 5.0
"""Copies a week that those titles sell at least: a shift of fewer is hardly one."""
_PARTS = {
    **dict.fromkeys(("late", "down", "short", "corrected", "killed"), 1),
    "challenger": 2,
    **dict.fromkeys(("mlflow", "up", "broken"), 1),
    "bad": 2,
}
"""Parts of the year that each mishap has for itself, in their order."""


@dataclass(frozen=True)
class Mishaps:
    """When what happens; weeks count from 1.

    Attributes:
        weeks: First week of each mishap.
        late: Weeks in which nothing arrives.
        dead: Weeks without MLflow.
    """

    weeks: Mapping[str, int]
    late: range
    dead: range

    @classmethod
    def of(cls, weeks: int) -> Self:
        """Spread the mishaps over the weeks, so that none meets another."""
        part = weeks / sum(_PARTS.values())
        before, first = 0.0, {}
        for name, parts in _PARTS.items():
            first[name] = math.ceil((before + 0.5) * part)
            before += parts
        few = 2 if part > 2 else 1
        late, dead = (range(first[name], first[name] + few) for name in ("late", "mlflow"))
        return cls(first, late, dead)

    def ends(self, name: str) -> int:
        """Return the last week before the next mishap."""
        later = [week for week in self.weeks.values() if week > self.weeks[name]]
        return min(later, default=10**6) - 1


@dataclass(frozen=True)
class World:
    """What is sold, and when a supplier says so.

    Attributes:
        truth: Rows of an export, as the sales were.
        first: The last week before the year.
        mishaps: When what happens.
        groups: ISBNs of the titles that shift `down` and `up`, and of the `corrected` ones.
    """

    truth: pd.DataFrame
    first: pd.Timestamp
    mishaps: Mishaps
    groups: Mapping[str, list[str]]
    _dates: pd.Series = field(repr=False)

    @classmethod
    def of(cls, titles: int, weeks: int, seed: int) -> Self:
        """Generate the sales, and shift some titles."""
        sales = sample_frame(titles=titles, seed=seed)
        dates = pd.to_datetime(sales["End Date"])
        first = dates.max() - weeks * WEEK
        mishaps = Mishaps.of(weeks)
        near = sales[dates.between(first - 11 * WEEK, first)].groupby("ISBN")["Volume"].sum() / 12
        old = set(sales.loc[dates <= first - 104 * WEEK, "ISBN"])
        living = np.sort([isbn for isbn in near[near >= _FEWEST].index if isbn in old])
        some = max(1, round(_SHARE * titles))
        drawn = np.random.default_rng(seed).permutation(living)[: 3 * some]
        names = ("down", "up", "corrected")
        groups = {
            name: sorted(drawn[k * some : (k + 1) * some].tolist()) for k, name in enumerate(names)
        }
        volume = sales["Volume"].astype(float)
        for name, factor in (("down", DOWN), ("up", UP)):
            after = dates >= first + mishaps.weeks[name] * WEEK
            volume = volume.where(~(after & sales["ISBN"].isin(groups[name])), volume * factor)
        changed = sales.assign(Volume=volume.round().astype(int))
        truth = changed.assign(Value=(changed["Volume"] * changed["ASP"]).round(2))
        return cls(truth, first, mishaps, groups, dates)

    def day(self, week: int) -> pd.Timestamp:
        """Return the last day of a week."""
        return self.first + week * WEEK

    def base(self) -> pd.DataFrame:
        """Return what is known before the year; some titles lack copies of half a year."""
        lacking = self._to_correct()
        rows = _times(self.truth[lacking], 1 - _CORRECTED)
        return pd.concat([self.truth[(self._dates <= self.first) & ~lacking], rows])

    def delivery(self, week: int) -> pd.DataFrame:
        """Return what arrives in a week: its sales, and what former weeks lack."""
        when, after = self.mishaps, week - 1
        if week in when.late:
            return self.truth.head(0)
        parts = [self._week(week)]
        if week == when.weeks["short"]:
            parts = [self._week(week).iloc[::5]]
        elif week == when.weeks["broken"]:
            parts = [_times(self._week(week), _BROKEN)]
        if after in when.late:
            parts += [self._week(one) for one in when.late]
        if after in (when.weeks["short"], when.weeks["broken"]):
            parts.append(self._week(after))
        if week == when.weeks["corrected"]:
            parts.append(self.truth[self._to_correct()])
        return pd.concat(parts)

    def corrected_shares(self, since: pd.Timestamp, until: pd.Timestamp) -> pd.Series:
        """Return the share of each corrected title's copies between two weeks that is corrected."""
        rows = self.truth[self._dates.between(since, until)]
        lacking = self._to_correct().reindex(rows.index)
        before = rows["Volume"].where(~lacking, _times(rows, 1 - _CORRECTED)["Volume"])
        named = rows["ISBN"].isin(self.groups["corrected"])
        change = (rows["Volume"] - before).abs()[named].groupby(rows["ISBN"]).sum()
        return change / before[named].groupby(rows["ISBN"]).sum()

    def sold(self) -> pd.DataFrame:
        """Return the copies of each title and week: isbn, week, sold."""
        rows = self.truth.assign(isbn=self.truth["ISBN"].astype(str), week=self._dates)
        return rows.groupby(["isbn", "week"])["Volume"].sum().rename("sold").reset_index()

    def _week(self, week: int) -> pd.DataFrame:
        return self.truth[self._dates == self.day(week)]

    def _to_correct(self) -> pd.Series:
        half_a_year = self._dates.between(self.first - 52 * WEEK, self.first - 27 * WEEK)
        return half_a_year & self.truth["ISBN"].isin(self.groups["corrected"])


def _times(rows: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Return rows of an export with other numbers of copies, at the same prices."""
    volume = (rows["Volume"] * factor).round().astype(int)
    return rows.assign(Volume=volume, Value=(volume * rows["ASP"]).round(2))
