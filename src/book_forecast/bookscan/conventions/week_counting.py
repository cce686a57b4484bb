"""The way in which a file counts weeks, found from its rows with both a date and an interval."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from book_forecast.bookscan.conventions.intervals import Counting, IntervalCalendar
from book_forecast.bookscan.hints import ExportHints

FITS = 0.9
"""Share of the pairs that a way of counting must explain."""

_USUAL: tuple[Counting, ...] = ("iso", "nth_saturday")
_ENOUGH_WEEKS = 4
"""Distinct weeks of a year that show an unusual way of counting."""

_PERIODS = 13
"""Most months or periods of a year."""


@dataclass(frozen=True)
class WeekPairs:
    """Distinct pairs of a date and an interval.

    Attributes:
        dates: Number of each pair's date.
        weeks: Year and week of each pair.
    """

    dates: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    weeks: list[tuple[int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.weeks)

    def agreement(self, saturdays: np.ndarray, calendar: IntervalCalendar | None = None) -> float:
        """Return the share of pairs whose date and interval are the same week.

        Args:
            saturdays: Of each date, as ``datetime64[D]``, NaT for no date.
            calendar: The way of counting; the better of the usual ones if none is given.
        """
        if calendar is None:
            return max(self.agreement(saturdays, IntervalCalendar(each)) for each in _USUAL)
        found = saturdays[self.dates].tolist()
        agree = [
            day is not None and _saturday(calendar, *week) == day
            for day, week in zip(found, self.weeks, strict=True)
        ]
        return float(np.mean(agree)) if agree else 0.0


def find_calendar(
    weeks: Sequence[tuple[int, int]],
    pairs: WeekPairs,
    saturdays: np.ndarray,
    hints: ExportHints,
    former: IntervalCalendar | None,
) -> tuple[IntervalCalendar | None, str]:
    """Find the way in which a file counts weeks.

    Args:
        weeks: Its distinct intervals: year and week.
        pairs: Its pairs of a date and an interval.
        saturdays: Of each date, as ``datetime64[D]``.
        hints: What the user says; it holds.
        former: Of the file before, for a file without pairs.

    Returns:
        The calendar, None if intervals are to be ignored; and a remark, empty if there is none.
    """
    if hints.interval == "ignore":
        return None, ""
    if hints.interval is not None:
        return IntervalCalendar(hints.interval), ""
    if not len(pairs):
        return _without_dates(weeks, former)
    shares = {each: pairs.agreement(saturdays, IntervalCalendar(each)) for each in _USUAL}
    # In most years both count alike; the file before then shows which one the source has.
    usual = former.counting if former else _USUAL[0]
    best = max(shares, key=lambda each: (shares[each], each == usual))
    if shares[best] >= FITS:
        return IntervalCalendar(best), ""
    known = former.first_saturdays if former else {}
    learnt = _learn(pairs, saturdays, known)
    if pairs.agreement(saturdays, learnt) >= FITS:
        if known:
            return learnt, ""
        return learnt, (
            "Its intervals are neither ISO weeks nor n-th Saturdays; its dates show how they "
            "count. Name interval: ignore if they are no weeks."
        )
    return IntervalCalendar(best), (
        f"Interval and End Date agree in {shares[best]:.0%} of its weeks; other rows are "
        "rejected. Name date_order, week_ends or interval."
    )


def _without_dates(
    weeks: Sequence[tuple[int, int]], former: IntervalCalendar | None
) -> tuple[IntervalCalendar, str]:
    """Return the calendar of intervals alone: the former one, or that which has all of them."""
    years, numbers = {year for year, _ in weeks}, [week for _, week in weeks]
    if len(years) > 1 and max(numbers) <= _PERIODS:
        return former or IntervalCalendar(), (
            f"Its intervals go to {max(numbers)} a year: they are read as weeks, but may be months "
            "or periods. Name interval: ignore if they are."
        )
    if former is not None:
        return former, ""
    calendars = [IntervalCalendar(each) for each in _USUAL]
    unknown = [sum(_saturday(each, *week) is None for week in weeks) for each in calendars]
    if unknown[1] < unknown[0]:
        return calendars[1], (
            "It has a week 53 that ISO weeks do not have: week n ends on the year's n-th Saturday. "
            "Name interval if this is wrong."
        )
    return calendars[0], ""


def _learn(
    pairs: WeekPairs, saturdays: np.ndarray, known: Mapping[int, dt.date]
) -> IntervalCalendar:
    """Learn the Saturday of each year's first week where enough weeks of the year show it.

    One week is enough for a year that is known, or that follows a known one.
    """
    shown: dict[int, set[tuple[int, dt.date]]] = defaultdict(set)
    for day, (year, week) in zip(saturdays[pairs.dates].tolist(), pairs.weeks, strict=True):
        if day is not None:
            shown[year].add((week, day - dt.timedelta(weeks=week - 1)))
    firsts = dict(known)
    for year, found in sorted(shown.items()):
        first, weeks = Counter(day for _, day in found).most_common(1)[0]
        expected = [firsts[year]] if year in firsts else _after(firsts.get(year - 1))
        if weeks >= FITS * len(found) and (weeks >= _ENOUGH_WEEKS or first in expected):
            firsts[year] = first
    return IntervalCalendar("learnt", firsts)


def _after(first: dt.date | None) -> list[dt.date]:
    """Return the possible first Saturdays of the year after that of a first Saturday."""
    return [] if first is None else [first + dt.timedelta(weeks=weeks) for weeks in (52, 53)]


def _saturday(calendar: IntervalCalendar, year: int, week: int) -> dt.date | None:
    try:
        return calendar.saturday(year, week)
    except ValueError:
        return None
