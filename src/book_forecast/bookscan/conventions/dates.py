"""Dates in cells.

- ``02/03/2019``, ``2-3-19``, ``02.03.2019``: 2 March 2019 with the day first, 3 February with the
  month first. The order is that of the whole file.
- ``2 Mar 2019``, ``02-Mar-19``, ``Saturday, 2nd March 2019``, ``March 2, 2019``, ``2. März 2019``.
- ``2019-03-02``, ``2019/3/2``, ``20190302``, each also with a time; its time zone is ignored, but
  ``2019-06-07T23:00:00Z`` is midnight in London, the beginning of 8 June.
- ``W/E 02/03/2019``, and the last day of ``24/02/2019 - 02/03/2019``.
- ``43526``, ``43526.0``, ``43526.75``: Excel's serial number of a day, counted from 1900 or 1904.

Years of two digits are 1969 to 2068. A date before 1950 or more than 366 days after today is an
error: one such row would extend the grid of weeks to it.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Literal

from book_forecast.bookscan.conventions.months import month_number

DateOrder = Literal["day_first", "month_first", "year_first"]

EARLIEST = dt.date(1950, 1, 1)
DAYS_AHEAD = dt.timedelta(days=366)
_EPOCH, _EPOCH_1904 = dt.date(1899, 12, 30), dt.date(1904, 1, 1)

_ZONE = r"(?:z|utc|gmt|[+-]\d{2}:?\d{2})?"
_TIME = rf"(?:(?:t|\s|,)\s*\d{{1,2}}:\d{{2}}[\d:.,]*\s*(?:[ap]\.?m\.?)?\s*{_ZONE})?$"
_WEEKDAY = r"^(?:[^\W\d_]{2,12}\.?,?\s+)?"
_NAME = r"(?P<m>[^\W\d_]{3,12})"
_YEAR_FIRST = re.compile(rf"^(?P<y>\d{{4}})([-/.])(?P<m>\d{{1,2}})\2(?P<d>\d{{1,2}}){_TIME}")
_CJK = re.compile(
    rf"^(?P<y>\d{{4}})\s*[年년]\s*(?P<m>\d{{1,2}})\s*[月월]\s*(?P<d>\d{{1,2}})\s*[日일]?{_TIME}"
)
_COMPACT = re.compile(rf"^(?P<y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}})(?:\.0*)?{_TIME}")
_IN_ORDER = re.compile(
    rf"{_WEEKDAY}(?P<a>\d{{1,2}})([-/.\s])(?P<b>\d{{1,2}})\2(?P<y>\d{{4}}|\d{{2}}){_TIME}"
)
_NAMED_MONTH = re.compile(
    rf"{_WEEKDAY}(?P<d>\d{{1,2}})(?:st|nd|rd|th|er|º|\.)?[-/.\s]*(?:de\s+)?{_NAME}\.?"
    rf"[-/.,\s]*(?:de\s+|del\s+)?(?P<y>\d{{4}}|\d{{2}}){_TIME}"
)
_MONTH_FIRST = re.compile(
    rf"{_WEEKDAY}{_NAME}\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}}){_TIME}"
)
_YEAR_THEN_NAME = re.compile(
    rf"^(?P<y>\d{{4}})[-/.\s]+{_NAME}\.?[-/.\s]+(?P<d>\d{{1,2}})\.?{_TIME}"
)
_DATES = (_YEAR_FIRST, _NAMED_MONTH, _MONTH_FIRST, _YEAR_THEN_NAME, _CJK, _COMPACT)
# Programs write midnight in London, Paris or Athens so, in UTC.
_LOCAL_MIDNIGHT = re.compile(r"[t\s]2[1-3]:00(?::00(?:\.0+)?)?\s*(?:z|utc|gmt|\+00:?00)$")
_ISO_WEEK_DAY = re.compile(r"^(\d{4})-?w(\d{2})-?([1-7])$")
_LABEL = re.compile(r"^(?:w\s*/?\s*[ebc]|week\s+(?:ending|ended|commencing|beginning))\b[\s:.]*")
_RANGE = re.compile(
    r"^(?P<first>.+?\d{2})\s*(?:\s[-\u2013\u2014]\s|\sto\s|\sbis\s|\u2013|\u2014)\s*(?P<last>.+)$"
)
_SERIAL = re.compile(r"^\d{5}(?:\.\d*)?$")


def parse_date(
    text: str, today: dt.date, order: DateOrder = "day_first", date_1904: bool = False
) -> dt.date:
    """Return the date in a cell.

    Args:
        text: The cell, in one of the forms of the module's docstring.
        today: Dates more than 366 days after it are errors.
        order: Of the day and the month where both are numbers and the year comes last, or of a
            year of two digits that comes first.
        date_1904: Whether serial numbers count from 1904, as in workbooks of old Macs.

    Returns:
        The date, without its time.

    Raises:
        ValueError: It is no date; the message is the reason.
    """
    date = read_date(text, order, date_1904)
    if date < EARLIEST:
        raise ValueError(f"a date before {EARLIEST.year}")
    if date - today > DAYS_AHEAD:
        raise ValueError("a date more than a year in the future")
    return date


@lru_cache(maxsize=1 << 16)
def read_date(text: str, order: DateOrder = "day_first", date_1904: bool = False) -> dt.date:
    """Return the date in a cell as `parse_date` does, but of any year.

    Raises:
        ValueError: It is no date.
    """
    cell = _bare(text)
    ordered = _IN_ORDER.match(cell)
    match = (
        None if ordered else next((found for form in _DATES if (found := form.match(cell))), None)
    )
    if ordered:
        first, second, third = ordered["a"], ordered["b"], ordered["y"]
        if order == "year_first" and len(third) == 2:
            return _from_parts(first.zfill(2), second, third)
        day, month = (second, first) if order == "month_first" else (first, second)
        return _from_parts(third, month, day)
    if match:
        date = _from_parts(match["y"], match["m"], match["d"])
        return date + dt.timedelta(days=bool(_LOCAL_MIDNIGHT.search(cell)))
    if iso := _ISO_WEEK_DAY.match(cell):
        return dt.date.fromisocalendar(int(iso[1]), int(iso[2]), int(iso[3]))
    if _SERIAL.match(cell):
        days = dt.timedelta(days=int(cell.partition(".")[0]))
        return (_EPOCH_1904 if date_1904 else _EPOCH) + days
    raise ValueError("not a date")


def has_order(text: str) -> bool:
    """Return whether the meaning of a date depends on the order of its day and month."""
    match = _IN_ORDER.match(_bare(text))
    return match is not None and int(match["a"]) != int(match["b"])


def _bare(text: str) -> str:
    """Return a date without a label before it; of a week's two days the last one."""
    cell = _LABEL.sub("", text.strip().lower())
    days = _RANGE.match(cell)
    return days["last"].strip() if days else cell


def _from_parts(year: str, month: str, day: str) -> dt.date:
    full_year = int(year)
    if len(year) == 2:
        full_year += 1900 if full_year >= 69 else 2000
    number = int(month) if month.isdecimal() else month_number(month)
    try:
        return dt.date(full_year, number, int(day))
    except ValueError:
        raise ValueError("not a date") from None
