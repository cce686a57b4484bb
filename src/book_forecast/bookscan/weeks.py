"""Dates and intervals of rows, and the Saturday that ends their week.

Dates have the day first, as in British exports, unless the year leads:

- ``02/03/2019``, ``2-3-19``, ``02.03.2019``: 2 March 2019. ``03/25/2019`` is no date: with
  the month first, the first twelve days of every month in the same file would be misread.
- ``2 Mar 2019``, ``02-Mar-19``, ``Saturday, 2nd March 2019``, ``March 2, 2019``.
- ``2019-03-02``, ``2019/3/2``, ``20190302``, each also with a time; its time zone is ignored.
- ``43526``, ``43526.0``, ``43526.75``: Excel's serial number of a day.

Years of two digits are 1969 to 2068. A date before 1950 or more than 366 days after today is an
error: one such row would extend the grid of weeks to it.

An interval is a year and a week: ``201909``, ``201909.0``, ``2019-09``, ``2019 W9``. Week n of a
year ends on its n-th Saturday, so some years have 53 weeks and the others 52.
"""

import datetime as dt
import re
from functools import lru_cache

import numpy as np

EARLIEST = dt.date(1950, 1, 1)
_DAYS_AHEAD = dt.timedelta(days=366)
_EXCEL_EPOCH = dt.date(1899, 12, 30)
SATURDAY = 5
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_SHORT_MONTHS = tuple(month[:3] for month in _MONTHS)

_ZONE = r"(?:z|utc|gmt|[+-]\d{2}:?\d{2})?"
_TIME = rf"(?:(?:t|\s)\s*\d{{1,2}}:\d{{2}}[\d:.,]*\s*(?:[ap]\.?m\.?)?\s*{_ZONE})?$"
_WEEKDAY = r"^(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_YEAR_FIRST = re.compile(rf"^(?P<y>\d{{4}})([-/.])(?P<m>\d{{1,2}})\2(?P<d>\d{{1,2}}){_TIME}")
_COMPACT = re.compile(rf"^(?P<y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}})(?:\.0*)?{_TIME}")
_DAY_FIRST = re.compile(
    rf"{_WEEKDAY}(?P<d>\d{{1,2}})([-/.\s])(?P<m>\d{{1,2}})\2(?P<y>\d{{4}}|\d{{2}}){_TIME}"
)
_NAMED_MONTH = re.compile(
    rf"{_WEEKDAY}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-/.\s]*(?P<m>[a-z]{{3,9}})[-/.,\s]*"
    rf"(?P<y>\d{{4}}|\d{{2}}){_TIME}"
)
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}(?P<m>[a-z]{{3,9}})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}}){_TIME}"
)
_DATES = (_YEAR_FIRST, _DAY_FIRST, _NAMED_MONTH, _MONTH_FIRST, _COMPACT)
_SERIAL = re.compile(r"^\d{5}(?:\.\d*)?$")
_INTERVAL = re.compile(r"^(\d{4})(?:[\s/-]*w(?:eek|k)?\s*|[\s/-]+)(\d{1,2})$")
_INTERVAL_NUMBER = re.compile(r"^(\d{4})(\d{2})(?:\.0*)?$")


@lru_cache(maxsize=1 << 16)
def parse_date(text: str, today: dt.date) -> dt.date:
    """Return the date in a cell.

    Args:
        text: The cell, in one of the forms of the module's docstring.
        today: Dates more than 366 days after it are errors.

    Returns:
        The date, without its time.

    Raises:
        ValueError: It is no date; the message is the reason.
    """
    cell = text.strip().lower()
    match = next((found for form in _DATES if (found := form.match(cell))), None)
    if match:
        date = _from_parts(match["y"], match["m"], match["d"])
    elif _SERIAL.match(cell):
        date = _EXCEL_EPOCH + dt.timedelta(days=int(cell.partition(".")[0]))
    else:
        raise ValueError("not a date")
    if date < EARLIEST:
        raise ValueError(f"a date before {EARLIEST.year}")
    if date - today > _DAYS_AHEAD:
        raise ValueError("a date more than a year in the future")
    return date


@lru_cache(maxsize=1 << 16)
def parse_interval(text: str, today: dt.date) -> dt.date:
    """Return the Saturday that ends the week of an interval.

    Args:
        text: Year and week, in one of the forms of the module's docstring.
        today: Weeks more than 366 days after it are errors.

    Returns:
        The n-th Saturday of the year.

    Raises:
        ValueError: It is no interval; the message is the reason.
    """
    cell = text.strip().lower()
    match = _INTERVAL_NUMBER.match(cell) or _INTERVAL.match(cell)
    if not match:
        raise ValueError("not an interval YYYYWW")
    year, week = int(match[1]), int(match[2])
    if year < EARLIEST.year:
        raise ValueError(f"a week before {EARLIEST.year}")
    if year > today.year + 1:
        raise ValueError("a week more than a year in the future")
    new_year = dt.date(year, 1, 1)
    first = new_year + dt.timedelta(days=(SATURDAY - new_year.weekday()) % 7)
    saturday = first + dt.timedelta(weeks=week - 1)
    if saturday.year != year:
        raise ValueError("a week that the year does not have")
    if saturday - today > _DAYS_AHEAD:
        raise ValueError("a week more than a year in the future")
    return saturday


def saturday_on_or_after(dates: np.ndarray) -> np.ndarray:
    """Move each date to the Saturday that ends its week.

    Args:
        dates: ``datetime64[D]``; NaT stays NaT.

    Returns:
        ``datetime64[D]``, zero to six days later.
    """
    # numpy's day 0, 1 January 1970, is a Thursday: Saturdays are 2 modulo 7.
    days = dates.astype("datetime64[D]").astype(np.int64)
    later = dates + ((2 - days) % 7).astype("timedelta64[D]")
    return np.where(np.isnat(dates), np.datetime64("NaT", "D"), later)


def _from_parts(year: str, month: str, day: str) -> dt.date:
    full_year = int(year)
    if len(year) == 2:
        full_year += 1900 if full_year >= 69 else 2000
    try:
        return dt.date(full_year, _month_number(month), int(day))
    except ValueError:
        raise ValueError("not a date") from None


def _month_number(month: str) -> int:
    if month.isdigit():
        return int(month)
    if month[:3] not in _SHORT_MONTHS:
        raise ValueError("not a month")
    number = _SHORT_MONTHS.index(month[:3])
    if not _MONTHS[number].startswith(month):
        raise ValueError("not a month")
    return number + 1
