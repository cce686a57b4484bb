"""Recorded forecasts by cutoff, each read when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pandas as pd

from book_forecast.series.history import WEEK

Partitions = Mapping[str, Callable[[], pd.DataFrame]]
_GRID: dict[str, Any] = {"isbn": "str", "week": "datetime64[us]", "volume": "float64"}


@dataclass(frozen=True)
class Recorded:
    """The tables of recorded forecasts.

    Attributes:
        tables: By cutoff, then by release; cutoffs and releases ascend, and each is read by a call.
    """

    tables: Mapping[pd.Timestamp, Mapping[str, Callable[[], pd.DataFrame]]]

    @classmethod
    def of(cls, partitions: Partitions | None) -> Self:
        """Order partitions that are named `<release>/<cutoff>`; None is none."""
        found: dict[pd.Timestamp, dict[str, Callable[[], pd.DataFrame]]] = {}
        for name in sorted(partitions or {}):
            release, _, day = name.rpartition("/")
            found.setdefault(pd.Timestamp(day), {})[release] = (partitions or {})[name]
        return cls(dict(sorted(found.items())))

    def between(self, first: pd.Timestamp, last: pd.Timestamp) -> Iterator[pd.DataFrame]:
        """Yield each table with a cutoff from the first to the last day."""
        for cutoff, releases in self.tables.items():
            if first <= cutoff <= last:
                yield from (read() for read in releases.values())

    def latest_before(self, day: pd.Timestamp) -> pd.Timestamp | None:
        """Return the latest cutoff up to a day; None without one."""
        return max((cutoff for cutoff in self.tables if cutoff <= day), default=None)

    def at(self, cutoff: pd.Timestamp) -> pd.DataFrame:
        """Return the forecasts of a cutoff; of a title in several releases those of the latest."""
        tables = [read() for read in self.tables[cutoff].values()]
        whole = pd.concat(tables, ignore_index=True)
        return whole.drop_duplicates(["isbn", "week"], keep="last", ignore_index=True)

    def spaced(self, last: pd.Timestamp, weeks: int, most: int) -> list[pd.Timestamp]:
        """Return cutoffs up to a day that are some weeks apart, the latest first."""
        found: list[pd.Timestamp] = []
        for cutoff in sorted(self.tables, reverse=True):
            if cutoff <= last and (not found or found[-1] - cutoff >= weeks * WEEK):
                found.append(cutoff)
        return found[:most]


def weekly_grid(
    model_input: pd.DataFrame | None, release_weeks: pd.DataFrame | None
) -> pd.DataFrame:
    """Return isbn, week, volume of all titles; no row where neither table is there."""
    frames = [f[["isbn", "week", "volume"]] for f in (model_input, release_weeks) if f is not None]
    if not frames:
        return pd.DataFrame(columns=list(_GRID)).astype(_GRID)
    return pd.concat(frames, ignore_index=True).drop_duplicates(["isbn", "week"])
