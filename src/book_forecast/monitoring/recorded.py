"""Recorded forecasts by cutoff, each read when it is needed.

A table that is damaged is left out and noted: a run does not lose its forecasts for a record.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import pandas as pd

from book_forecast.series.history import WEEK
from book_forecast.storage.errors import find_user_error

Partitions = Mapping[str, Callable[[], pd.DataFrame]]
_GRID: dict[str, Any] = {"isbn": "str", "week": "datetime64[us]", "volume": "float64"}


@dataclass(frozen=True)
class Recorded:
    """The tables of recorded forecasts.

    Attributes:
        tables: By cutoff, then by release; cutoffs and releases ascend, and each is read by a call.
        damaged: What is wrong with those that could not be read so far.
    """

    tables: Mapping[pd.Timestamp, Mapping[str, Callable[[], pd.DataFrame]]]
    damaged: list[str] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, partitions: Partitions | None) -> Self:
        """Order partitions that are named `<release>/<cutoff>`; None is none."""
        found: dict[pd.Timestamp, dict[str, Callable[[], pd.DataFrame]]] = {}
        for name in sorted(partitions or {}):
            release, _, day = name.rpartition("/")
            found.setdefault(pd.Timestamp(day), {})[release] = (partitions or {})[name]
        return cls(dict(sorted(found.items())))

    def read(self, cutoff: pd.Timestamp, release: str) -> pd.DataFrame | None:
        """Return the forecasts of a cutoff by a release; None without any that can be read."""
        table = self.tables.get(cutoff, {}).get(release)
        return None if table is None else read_or_note(table, self.damaged)

    def between(self, first: pd.Timestamp, last: pd.Timestamp) -> Iterator[pd.DataFrame]:
        """Yield each table with a cutoff from the first to the last day."""
        for cutoff in self.tables:
            if first <= cutoff <= last:
                yield from self._all_at(cutoff)

    def check_from(self, first: pd.Timestamp) -> None:
        """Read each table with a cutoff from a day on, so that damaged ones are noted."""
        for cutoff in self.tables:
            if first <= cutoff:
                list(self._all_at(cutoff))

    def at(self, cutoff: pd.Timestamp) -> pd.DataFrame | None:
        """Return the forecasts of a cutoff; of a title in several releases those of the latest."""
        tables = list(self._all_at(cutoff))
        if not tables:
            return None
        whole = pd.concat(tables, ignore_index=True)
        return whole.drop_duplicates(["isbn", "week"], keep="last", ignore_index=True)

    def latest_until(self, day: pd.Timestamp) -> tuple[pd.Timestamp, pd.DataFrame] | None:
        """Return the latest cutoff up to a day, and its forecasts; None without any."""
        return next(self.until(day), None)

    def until(
        self, day: pd.Timestamp, without: Container[pd.Timestamp] = ()
    ) -> Iterator[tuple[pd.Timestamp, pd.DataFrame]]:
        """Yield each cutoff up to a day with its forecasts, the latest first.

        Args:
            day: The last cutoff that is asked for.
            without: Cutoffs that do not count.
        """
        for cutoff in sorted(self.tables, reverse=True):
            is_asked_for = cutoff <= day and cutoff not in without
            if is_asked_for and (table := self.at(cutoff)) is not None:
                yield cutoff, table

    def _all_at(self, cutoff: pd.Timestamp) -> Iterator[pd.DataFrame]:
        tables = (self.read(cutoff, release) for release in self.tables[cutoff])
        yield from (table for table in tables if table is not None)

    def spaced(self, last: pd.Timestamp, weeks: int, most: int) -> list[pd.Timestamp]:
        """Return cutoffs up to a day that are some weeks apart, the latest first."""
        found: list[pd.Timestamp] = []
        for cutoff in sorted(self.tables, reverse=True):
            if cutoff <= last and (not found or found[-1] - cutoff >= weeks * WEEK):
                found.append(cutoff)
        return found[:most]


def read_or_note(read: Callable[[], pd.DataFrame], damaged: list[str]) -> pd.DataFrame | None:
    """Return a table; None where it is damaged, and what is wrong with it is noted."""
    try:
        return read()
    except Exception as error:
        # A bucket that does not answer is no damage, and ends the run.
        if (problem := find_user_error(error)) is None:
            raise
        if str(problem) not in damaged:
            damaged.append(str(problem))
        return None


def weekly_grid(
    model_input: pd.DataFrame | None, release_weeks: pd.DataFrame | None
) -> pd.DataFrame:
    """Return isbn, week, volume of all titles; no row where neither table is there."""
    frames = [f[["isbn", "week", "volume"]] for f in (model_input, release_weeks) if f is not None]
    if not frames:
        return pd.DataFrame(columns=list(_GRID)).astype(_GRID)
    return pd.concat(frames, ignore_index=True).drop_duplicates(["isbn", "week"])
