"""Intervals: a year and a week, such as ``201909``, and the Saturday on which the week ends.

Two ways of counting are usual. The *ISO* week of the Saturday is that of printed BookScan exports.
The year's *n-th Saturday* has 52 or 53 weeks in the calendar year. A file with dates beside its
intervals shows which one it has; one that counts otherwise, such as by a fiscal year, shows the
Saturday of each year's first week.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from book_forecast.bookscan.conventions.dates import DAYS_AHEAD, EARLIEST
from book_forecast.bookscan.conventions.weeks import SATURDAY

Counting = Literal["iso", "nth_saturday", "learnt"]

_ISO_SATURDAY = 6
_LAST_WEEK = 53
_WEEK = dt.timedelta(weeks=1)
_YEAR_FIRST = re.compile(r"^(\d{4})(?:[\s/.-]*(?:w(?:eek|k)?|kw|s)\.?\s*|[\s/-]+)(\d{1,2})$")
_WEEK_FIRST = re.compile(r"^(?:w(?:eek|k)?|kw|s)?\.?\s*(\d{1,2})(?:[\s/.,-]+)(\d{4})$")
_NUMBER = re.compile(r"^(\d{4})(\d{2})(?:\.0*)?$")


@dataclass(frozen=True)
class IntervalCalendar:
    """The way in which a source counts weeks.

    Attributes:
        counting: One of the usual two, or learnt from the source.
        first_saturdays: If learnt, the Saturday that ends week 1 of each year.
    """

    counting: Counting = "iso"
    first_saturdays: Mapping[int, dt.date] = field(default_factory=dict, hash=False)

    def saturday(self, year: int, week: int) -> dt.date:
        """Return the Saturday that ends a week.

        Raises:
            ValueError: The year has no such week, or the source does not show that year.
        """
        first = self._first(year)
        saturday = first + (week - 1) * _WEEK
        if week < 1 or saturday >= self._first(year + 1, otherwise=first + _LAST_WEEK * _WEEK):
            raise ValueError("a week that the year does not have")
        return saturday

    def _first(self, year: int, otherwise: dt.date | None = None) -> dt.date:
        if self.counting == "iso":
            return dt.date.fromisocalendar(year, 1, _ISO_SATURDAY)
        if self.counting == "nth_saturday":
            new_year = dt.date(year, 1, 1)
            return new_year + dt.timedelta(days=(SATURDAY - new_year.weekday()) % 7)
        first = self.first_saturdays.get(year, otherwise)
        if first is None:
            raise ValueError(f"no row with a date shows how the source counts the weeks of {year}")
        return first


@lru_cache(maxsize=1 << 16)
def split_interval(text: str) -> tuple[int, int]:
    """Return the year and the week of a cell.

    Args:
        text: ``201909``, ``201909.0``, ``2019-09``, ``2019 W9``, ``2019 week 9``, ``W09 2019``.

    Raises:
        ValueError: It is no interval; the message is the reason.
    """
    cell = text.strip().lower()
    if match := _NUMBER.match(cell) or _YEAR_FIRST.match(cell):
        return int(match[1]), int(match[2])
    if match := _WEEK_FIRST.match(cell):
        return int(match[2]), int(match[1])
    raise ValueError("not an interval YYYYWW")


def parse_interval(
    text: str, today: dt.date, calendar: IntervalCalendar = IntervalCalendar()
) -> dt.date:
    """Return the Saturday that ends the week of an interval.

    Args:
        text: The cell, in one of the forms of `split_interval`.
        today: Weeks more than 366 days after it are errors.
        calendar: The way in which the source counts weeks.

    Raises:
        ValueError: It is no interval; the message is the reason.
    """
    year, week = split_interval(text)
    if year < EARLIEST.year:
        raise ValueError(f"a week before {EARLIEST.year}")
    if year > today.year + 1:
        raise ValueError("a week more than a year in the future")
    saturday = calendar.saturday(year, week)
    if saturday - today > DAYS_AHEAD:
        raise ValueError("a week more than a year in the future")
    return saturday
