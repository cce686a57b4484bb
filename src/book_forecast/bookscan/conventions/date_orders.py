"""The order of dates and the last day of weeks in a file, found from all its dates."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from book_forecast.bookscan.cells import parse_cells
from book_forecast.bookscan.conventions.dates import DateOrder, has_order, parse_date
from book_forecast.bookscan.conventions.week_counting import WeekPairs
from book_forecast.bookscan.conventions.weeks import (
    SATURDAY,
    WEEKDAYS,
    saturday_of,
    swapped,
    weekdays_of,
)
from book_forecast.bookscan.hints import ExportHints

ON_ONE_WEEKDAY = 0.9
"""Share of a file's dates on one weekday that makes them weeks rather than days."""

_MONDAY, _SUNDAY = 0, 6
_CLEARLY = 0.5
_SOON = dt.timedelta(days=14)
_NEXT_DELIVERY = dt.timedelta(weeks=8)
_BEGINNING = re.compile(
    r"commenc|begin|anfang|start|^w\W*[cb]\b|\bvon\b|\bab\b|\bdu\b|début|inicio", re.IGNORECASE
)
_ENDING = re.compile(r"end|^w\W*e\b|bis\b|fin\b|fine\b", re.IGNORECASE)


@dataclass(frozen=True)
class DateReading:
    """The dates of a file by one order.

    Attributes:
        order: Of day and month.
        dates: Of each distinct text, ``datetime64[D]``; NaT for no date.
        is_weekly: Whether (nearly) all dates have one weekday.
        weekday: That weekday, 0 for Monday; None without dates or with several weekdays.
        last_day: The weekday on which weeks end.
        remark: What a user should know about the weeks; empty if nothing.
    """

    order: DateOrder
    dates: np.ndarray
    is_weekly: bool
    weekday: int | None
    last_day: int
    remark: str = ""

    @property
    def saturdays(self) -> np.ndarray:
        """The Saturday of each date's week."""
        return saturday_of(self.dates, self.last_day, self.weekday)

    @property
    def valid(self) -> np.ndarray:
        """Whether each text is a date."""
        return ~np.isnat(self.dates)


def choose_reading(
    texts: Sequence[str],
    pairs: WeekPairs,
    hints: ExportHints,
    *,
    heading: str,
    today: dt.date,
    date_1904: bool,
    former: DateReading | None,
    last_week: dt.date | None,
) -> tuple[DateReading, list[str]]:
    """Choose the order of dates, and the day on which weeks end.

    A date that only one order has decides, such as 31/12/2025. Else the order decides by which the
    dates agree with the intervals beside them, then the one by which all fall on one weekday, then
    the one by which they fall on the last day of weeks, do not lie ahead and follow the weeks
    before. The day comes first where nothing decides.

    Args:
        texts: Distinct dates.
        pairs: Pairs of a date and an interval.
        hints: What the user says; it holds.
        heading: Of the column of dates.
        today: The present day.
        date_1904: Whether serial numbers count from 1904.
        former: The reading of the file before; None if there is none.
        last_week: The last week of the files before.

    Returns:
        The reading, and remarks for the user.
    """

    def read(order: DateOrder) -> DateReading:
        found, _ = parse_cells(lambda text: parse_date(text, today, order, date_1904), texts)
        dates = found.astype("datetime64[D]")
        return _find_weeks(order, dates, pairs, hints, heading, former)

    day_first, month_first = read("day_first"), read("month_first")
    if hints.date_order is not None:
        chosen, remark = read(hints.date_order), ""
    elif not any(has_order(text) for text in texts):
        chosen, remark = day_first, ""
    elif not any(map(_is_certain, (day_first, month_first))) and _is_certain(read("year_first")):
        chosen = read("year_first")
        remark = "Its dates have the year first: all have one weekday by it. Name date_order."
    else:
        chosen, remark = _choose(day_first, month_first, pairs, today, former, last_week)
    return chosen, [text for text in (remark, chosen.remark) if text]


def _is_certain(reading: DateReading) -> bool:
    """Return whether all texts are dates of one weekday."""
    several = len(np.unique(reading.dates)) > 1
    return bool(several and reading.valid.all() and reading.weekday is not None)


def _choose(
    day_first: DateReading,
    month_first: DateReading,
    pairs: WeekPairs,
    today: dt.date,
    former: DateReading | None,
    last_week: dt.date | None,
) -> tuple[DateReading, str]:
    only_day = int((day_first.valid & ~month_first.valid).sum())
    only_month = int((month_first.valid & ~day_first.valid).sum())
    by_evidence = sorted((day_first, month_first), key=lambda each: _agreement(pairs, each))
    if _agreement(pairs, by_evidence[1]) - _agreement(pairs, by_evidence[0]) >= _CLEARLY:
        chosen = by_evidence[1]
        return chosen, _unusual(chosen, "the intervals beside the dates agree with it")
    if only_day or only_month:
        chosen = day_first if only_day >= only_month else month_first
        if min(only_day, only_month):
            return chosen, (
                f"Its dates have two orders: {only_day} are possible with the day first alone, "
                f"{only_month} with the month first alone. Split the file, or name date_order."
            )
        return chosen, _unusual(chosen, "other dates are impossible with the day first")
    if day_first.is_weekly != month_first.is_weekly:
        chosen = day_first if day_first.is_weekly else month_first
        return chosen, _unusual(chosen, "all dates have one weekday by it")
    scores = [_plausibility(each, today, former, last_week) for each in (day_first, month_first)]
    if scores[0] != scores[1]:
        chosen = day_first if scores[0] > scores[1] else month_first
        return chosen, _unusual(chosen, "its weeks fit the last day of weeks and those before")
    chosen = month_first if former and former.order == "month_first" else day_first
    if former is not None:
        return chosen, ""
    shown = chosen.order.replace("_", " ")
    return (
        chosen,
        f"No date shows the order of day and month: they are read {shown}. Name date_order.",
    )


def _agreement(pairs: WeekPairs, reading: DateReading) -> float:
    return pairs.agreement(reading.saturdays) if len(pairs) else 0.0


def _unusual(chosen: DateReading, why: str) -> str:
    if chosen.order == "day_first":
        return ""
    return f"Its dates have the month first: {why}. Name date_order to confirm or to change it."


def _plausibility(
    reading: DateReading, today: dt.date, former: DateReading | None, last_week: dt.date | None
) -> tuple[bool, bool, bool]:
    dates = reading.dates[reading.valid]
    if not len(dates):
        return False, False, False
    latest: dt.date = dates.max().astype(object)
    expected = former.last_day if former else SATURDAY
    on_last_day = reading.last_day == expected or (former is not None and not former.is_weekly)
    follows = last_week is not None and last_week < latest <= last_week + _NEXT_DELIVERY
    return latest <= today + _SOON, on_last_day, follows


def _find_weeks(
    order: DateOrder,
    dates: np.ndarray,
    pairs: WeekPairs,
    hints: ExportHints,
    heading: str,
    former: DateReading | None,
) -> DateReading:
    distinct = np.unique(dates[~np.isnat(dates)])
    named = None if hints.week_ends is None else WEEKDAYS.index(hints.week_ends)
    if not len(distinct):
        return DateReading(order, dates, True, None, SATURDAY if named is None else named)
    counts = np.bincount(weekdays_of(distinct), minlength=7)
    weekday = int(counts.argmax())
    explained = counts[weekday] + _count_swapped(distinct, weekday)
    is_weekly = hints.dates != "days" and explained >= ON_ONE_WEEKDAY * len(distinct)
    if named is not None:
        return DateReading(order, dates, is_weekly, weekday if is_weekly else None, named)
    if not is_weekly:
        remark = "" if hints.dates == "days" else _MONTHS if _are_months(distinct) else _DAYS
        return DateReading(order, dates, False, None, SATURDAY, remark)
    ending, beginning = weekday, (weekday - 1) % 7
    means = hints.dates or _meaning(heading)
    remark = ""
    if means is None:
        means = _by_intervals(dates, pairs, ending, beginning)
    before = former if former is not None and former.weekday == weekday else None
    if means is None and before is not None:
        means = "week_beginning" if before.last_day == beginning else "week_ending"
    if means is None:
        means = "week_beginning" if weekday == _MONDAY else "week_ending"
    last_day = beginning if means == "week_beginning" else ending
    if before is not None and before.last_day == last_day:
        return DateReading(order, dates, True, weekday, last_day)
    if hints.dates is None and weekday != SATURDAY:
        day = WEEKDAYS[weekday].capitalize()
        verb = "begin" if means == "week_beginning" else "end"
        remark = (
            f"Its weeks {verb} on {day}: each is under the Saturday with most days in common. Name "
            "week_ends to confirm or to change it."
        )
    if last_day == SATURDAY and means == "week_beginning":
        remark = ""
    return DateReading(order, dates, True, weekday, last_day, remark)


def _count_swapped(dates: np.ndarray, weekday: int) -> int:
    """Count dates that a spreadsheet of another country has read with day and month swapped.

    They fall on the weekday of most dates once they are swapped back.
    """
    odd = dates[weekdays_of(dates) != weekday]
    if 2 * len(odd) >= len(dates):
        return 0
    others = swapped(odd)
    return int((weekdays_of(others[~np.isnat(others)]) == weekday).sum())


_DAYS = (
    "Its dates have several weekdays: each is a day of sales, in the week that ends on the "
    "Saturday on or after it. Name dates or week_ends if they are weeks."
)


_MONTHS = (
    "Its dates are ends of months: sums of months are no weekly sales, and each is in the week of "
    "its date. Export weeks."
)


def _are_months(dates: np.ndarray) -> bool:
    """Return whether several dates are all last days of months."""
    next_days = dates + np.timedelta64(1, "D")
    return len(dates) > 2 and bool((next_days == next_days.astype("datetime64[M]")).all())


def _meaning(heading: str) -> str | None:
    if _BEGINNING.search(heading):
        return "week_beginning"
    return "week_ending" if _ENDING.search(heading) else None


def _by_intervals(dates: np.ndarray, pairs: WeekPairs, ending: int, beginning: int) -> str | None:
    if not len(pairs):
        return None
    shares = [pairs.agreement(saturday_of(dates, day)) for day in (ending, beginning)]
    if abs(shares[0] - shares[1]) < _CLEARLY:
        return None
    return "week_ending" if shares[0] > shares[1] else "week_beginning"
