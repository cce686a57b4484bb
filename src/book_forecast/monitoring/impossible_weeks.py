"""Weeks whose copies are beyond all that was forecast: deliveries that are broken.

Each week is judged by the two forecasts that were recorded last before it, so that nothing else has
to be remembered. Both must hold it for impossible: one may have counted a week that was wrong, and
is right by now. A forecast that begins at an impossible week has counted it, and judges none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from book_forecast.monitoring.errors import levels_of
from book_forecast.monitoring.recorded import Recorded
from book_forecast.series.history import WEEK

RecordedWeeks = Mapping[str, Callable[[], Callable[[pd.Timestamp], pd.DataFrame]]]
"""Tables by release and cutoff; a call of each gives what reads the rows of one week."""
COLUMNS: dict[str, Any] = {
    "week": "datetime64[us]",
    **dict.fromkeys(("copies", "ratio", "lowest", "highest"), "float64"),
    "cutoff": "datetime64[us]",
}
"""Columns of impossible weeks, and their types: `Beside` the latest judge, and its cutoff."""


JUDGES = 2
"""Forecasts that judge a week; one where there is no other."""


class Beside(NamedTuple):
    """A week beside a forecast of it.

    Attributes:
        copies: Of the titles that were forecast and have a row.
        ratio: Copies over those expected.
        lowest: Sum of the lowest bounds of these titles.
        highest: Sum of their highest bounds.
    """

    copies: float
    ratio: float
    lowest: float
    highest: float

    def is_impossible(self, volume_jump: float) -> bool:
        """Return whether the copies are far from those expected and beyond all bounds.

        Args:
            volume_jump: Copies over those expected, or the reverse, from which on they are far.
        """
        is_far = not 1 / volume_jump <= self.ratio <= volume_jump
        return is_far and not self.lowest <= self.copies <= self.highest


def find_impossible_weeks(
    sales: pd.DataFrame,
    recorded: RecordedWeeks | None,
    judged_weeks: int,
    accepted: Collection[dt.date],
    volume_jump: float,
) -> tuple[pd.DataFrame, list[str]]:
    """Hold each of the newest weeks against the latest forecasts that were recorded before it.

    Args:
        sales: isbn, week, volume: a week without a sale has no row.
        recorded: Recorded forecasts; None without any.
        judged_weeks: Newest weeks that are judged.
        accepted: Ends of weeks that are right.
        volume_jump: Copies over those expected, or the reverse, from which on they are far.

    Returns:
        The impossible weeks in order, with the columns of `COLUMNS`; and what is wrong with records
        that are damaged, in whose place older ones have judged.
    """
    recent = _newest(sales, judged_weeks)
    right = accepted_and_alike(sales, judged_weeks, accepted, volume_jump)
    found: list[dict[str, Any]] = []
    damaged: dict[str, None] = {}
    for week in sorted(recent["week"].unique()):
        if not recorded or week in right:
            continue
        rows = recent[recent["week"] == week]
        tables = {name: partial(_rows_of, read, week) for name, read in recorded.items()}
        records = Recorded.of(tables)
        without = {row["week"] for row in found}
        judges = islice(records.until(week - WEEK, without), JUDGES)
        judged = _ruled_out(rows, judges, volume_jump)
        damaged |= dict.fromkeys(records.damaged)
        if judged is not None:
            cutoff, why = judged
            found.append({"week": week, **why._asdict(), "cutoff": cutoff})
    return pd.DataFrame(found, columns=list(COLUMNS)).astype(COLUMNS), list(damaged)


def accepted_and_alike(
    sales: pd.DataFrame, judged_weeks: int, accepted: Collection[dt.date], volume_jump: float
) -> set[pd.Timestamp]:
    """Return the weeks that are accepted, and later ones like them: a new level lasts.

    Forecasts take months to follow a fall to a tenth, so that the weeks after it would want to be
    accepted one by one.

    Args:
        sales: isbn, week, volume.
        judged_weeks: Newest weeks that count.
        accepted: Ends of weeks that are right.
        volume_jump: Copies over those of the week that is like it, or the reverse, that are alike.
    """
    if not accepted:
        return set()
    found: set[pd.Timestamp] = set()
    level = np.nan
    totals = _newest(sales, judged_weeks).groupby("week")["volume"].sum()
    for week, copies in zip(pd.DatetimeIndex(totals.index), totals, strict=True):
        ratio = copies / level if level > 0 else np.nan
        if week.date() in accepted or 1 / volume_jump <= ratio <= volume_jump:
            level = copies
            found.add(week)
    return found


def _newest(sales: pd.DataFrame, weeks: int) -> pd.DataFrame:
    return sales[sales["week"] > sales["week"].max() - weeks * WEEK]


def _rows_of(
    read: Callable[[], Callable[[pd.Timestamp], pd.DataFrame]], week: pd.Timestamp
) -> pd.DataFrame:
    return read()(week)


def _ruled_out(
    rows: pd.DataFrame, judges: Iterable[tuple[pd.Timestamp, pd.DataFrame]], volume_jump: float
) -> tuple[pd.Timestamp, Beside] | None:
    """Return the first judge's cutoff and verdict where all hold a week for impossible.

    No more tables are read once one holds it for possible.
    """
    first = None
    for cutoff, table in judges:
        verdict = beside(rows, table)
        if verdict is not None and not verdict.is_impossible(volume_jump):
            return None
        if verdict is not None and first is None:
            first = cutoff, verdict
    return first


def beside(sales: pd.DataFrame, expected: pd.DataFrame) -> Beside | None:
    """Return a week beside a forecast; None where the forecast does not say what is possible.

    The bounds of all titles are added, as if all were as low, or as high, at once: a few titles
    with wide intervals may sell many times what was expected. Titles without a row do not count: a
    week that lacks many of them is incomplete, and its rows are right.

    Args:
        sales: isbn, volume of the week: a title without a sale has no row.
        expected: isbn, mean, `lo-L` and `hi-L`: a forecast of the week, made before it.
    """
    rows = expected[expected["isbn"].isin(sales["isbn"])]
    levels = levels_of(rows) if len(rows) else []
    if not levels:
        return None
    copies = float(sales.loc[sales["isbn"].isin(rows["isbn"]), "volume"].sum())
    mean = float(rows["mean"].sum())
    lowest, highest = (
        float(rows[f"{side}-{max(levels)}"].sum(skipna=False)) for side in ("lo", "hi")
    )
    if not mean > 0 or not np.isfinite([lowest, highest]).all():
        return None
    return Beside(copies, copies / mean, lowest, highest)


def how_to_accept(left_out: Iterable[pd.Timestamp], accepted: Iterable[dt.date]) -> str:
    """Return what to do about weeks that are left out, with what to type.

    Args:
        left_out: Their ends.
        accepted: Ends of weeks that are accepted already.
    """
    days = sorted({*accepted, *(week.date() for week in left_out)})
    listed = [f"{day:%Y-%m-%d}" for day in days]
    return (
        "Correct the export. If the copies are right, write `accepted_weeks: "
        f"[{', '.join(listed)}]` into the group monitor of conf/base/parameters_monitor.yml; for "
        f"one run type `kedro run --pipeline weekly --params accepted_weeks={','.join(listed)}`."
    )
