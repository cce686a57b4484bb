"""The new weekly sales beside those of the import before, and their newest weeks in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

RECENT_WEEKS = 8
"""Newest weeks that the report shows."""

USUALLY = 4
"""A title that has sales in as many weeks in a row usually reports."""

PRICE_JUMP = 1.5
"""Ratio of a title's ASP to that of its week before, or the reverse, that is reported."""

REPLACED = 0.25
"""Change of the copies of a week, as a share, that is reported; corrections are smaller."""


@dataclass(frozen=True)
class FormerImport:
    """What the import before had.

    Attributes:
        weeks: title-weeks and copies by week.
        titles: The distinct ISBNs.
    """

    weeks: pd.DataFrame
    titles: pd.Index


@dataclass(frozen=True)
class Changes:
    """The difference of two imports.

    Attributes:
        weeks: By week, where they differ: title_weeks and volume, each before and now.
        new_titles: ISBNs that the import before does not have.
        vanished_titles: ISBNs that only the import before has.
        is_first: Whether there is no import before.
    """

    weeks: pd.DataFrame
    new_titles: list[str]
    vanished_titles: list[str]
    is_first: bool = False

    @property
    def new_weeks(self) -> pd.DataFrame:
        """Weeks that the import before does not have."""
        return self.weeks[self.weeks["title_weeks_before"] == 0]

    @property
    def lost(self) -> int:
        """Number of title-weeks that the import before has in addition, by week."""
        if self.is_first:
            return 0
        lost = self.weeks["title_weeks_before"] - self.weeks["title_weeks"]
        return int(lost.clip(lower=0).sum())

    @property
    def changed_weeks(self) -> pd.DataFrame:
        """Weeks of both imports with other title-weeks or copies."""
        return self.weeks[(self.weeks["title_weeks_before"] > 0) & (self.weeks["title_weeks"] > 0)]

    @property
    def replaced_weeks(self) -> pd.DataFrame:
        """Changed weeks with about as many titles, but other copies: a date may be misread."""
        if self.is_first:
            return self.weeks
        weeks = self.changed_weeks
        titles = (weeks["title_weeks"] / weeks["title_weeks_before"] - 1).abs()
        copies = (weeks["volume"] - weeks["volume_before"]).abs()
        return weeks[(titles <= REPLACED) & (copies > REPLACED * weeks["volume_before"].abs())]


@dataclass(frozen=True)
class ImportSummary:
    """The weekly sales of an import in numbers.

    Attributes:
        title_weeks: Number of rows.
        titles: Number of distinct ISBNs.
        first_week: The oldest week.
        last_week: The newest week.
        newest: The newest weeks, as `newest_weeks` returns them.
        changes: The difference to the import before.
    """

    title_weeks: int
    titles: int
    first_week: pd.Timestamp
    last_week: pd.Timestamp
    newest: pd.DataFrame
    changes: Changes


def describe_import(weekly_sales: pd.DataFrame, former: FormerImport) -> ImportSummary:
    """Describe weekly sales beside those that they replace.

    Args:
        weekly_sales: isbn, week, volume, asp, sorted by isbn and week; at least one row.
        former: Summary of those before.
    """
    return ImportSummary(
        title_weeks=len(weekly_sales),
        titles=len(_titles(weekly_sales)),
        first_week=weekly_sales["week"].min(),
        last_week=weekly_sales["week"].max(),
        newest=newest_weeks(weekly_sales),
        changes=compare_imports(weekly_sales, former),
    )


def summarise_import(weekly_sales: pd.DataFrame | None) -> FormerImport:
    """Summarise weekly sales before they are replaced.

    Args:
        weekly_sales: isbn, week, volume, sorted by isbn; None where there are none.
    """
    if weekly_sales is None:
        return FormerImport(pd.DataFrame(), pd.Index([], dtype="str"))
    return FormerImport(_by_week(weekly_sales), _titles(weekly_sales))


def compare_imports(weekly_sales: pd.DataFrame, former: FormerImport) -> Changes:
    """Compare weekly sales with those of the import before."""
    if former.weeks.empty:
        return Changes(former.weeks, [], [], is_first=True)
    suffixes = ("", "_before")
    weeks = _by_week(weekly_sales).merge(former.weeks, how="outer", on="week", suffixes=suffixes)
    weeks = weeks.fillna(0.0)
    same = (weeks["title_weeks"] == weeks["title_weeks_before"]) & np.isclose(
        weeks["volume"], weeks["volume_before"]
    )
    counts = ["title_weeks", "title_weeks_before"]
    weeks = weeks[~same].astype(dict.fromkeys(counts, int)).sort_index(ascending=False)
    titles = _titles(weekly_sales)
    return Changes(
        weeks,
        titles.difference(former.titles).tolist(),
        former.titles.difference(titles).tolist(),
    )


def newest_weeks(weekly_sales: pd.DataFrame) -> pd.DataFrame:
    """Describe the newest weeks.

    Args:
        weekly_sales: isbn, week, volume, asp, sorted by isbn and week.

    Returns:
        By week, the newest first: titles (with a row), copies, new_titles (their first week),
        silent_titles (a row in each of the `USUALLY` weeks before, none in this), price_jumps.
    """
    last = weekly_sales["week"].max()
    reach = pd.Timedelta(weeks=RECENT_WEEKS + USUALLY)
    recent = weekly_sales[weekly_sales["week"] > last - reach]
    by_title = recent.set_index(["week", "isbn"])
    volumes = by_title["volume"].unstack("isbn")  # noqa: PD010 - nothing is aggregated
    prices = by_title["asp"].unstack("isbn")  # noqa: PD010
    grid = pd.date_range(volumes.index.min(), last, freq="7D", unit="us", name="week")
    reported = volumes.reindex(grid).notna()
    usual = reported.shift(1, fill_value=False)
    for weeks in range(2, USUALLY + 1):
        usual &= reported.shift(weeks, fill_value=False)
    ratio = prices.reindex(grid) / prices.reindex(grid).shift(1)
    first = weekly_sales.loc[_are_first(weekly_sales), "week"].value_counts()
    found = pd.DataFrame(
        {
            "titles": reported.sum(axis=1),
            "copies": volumes.reindex(grid).sum(axis=1),
            "usual_titles": usual.sum(axis=1),
            "new_titles": first.reindex(grid).fillna(0).astype(int),
            "silent_titles": (usual & ~reported).sum(axis=1),
            "price_jumps": ((ratio > PRICE_JUMP) | (ratio < 1 / PRICE_JUMP)).sum(axis=1),
        }
    )
    return found.iloc[::-1].head(RECENT_WEEKS)


def _are_first(weekly_sales: pd.DataFrame) -> pd.Series:
    """Return whether each row is its title's first; rows are sorted by isbn."""
    return weekly_sales["isbn"] != weekly_sales["isbn"].shift()


def _titles(weekly_sales: pd.DataFrame) -> pd.Index:
    return pd.Index(weekly_sales.loc[_are_first(weekly_sales), "isbn"])


def _by_week(weekly_sales: pd.DataFrame) -> pd.DataFrame:
    by_week = weekly_sales.groupby("week")["volume"].agg(["size", "sum"])
    return by_week.rename(columns={"size": "title_weeks", "sum": "volume"})
