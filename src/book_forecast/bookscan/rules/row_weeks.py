"""The week of each row: that of its date, or else that of its interval; they may contradict."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from book_forecast.bookscan.column import TextColumn
from book_forecast.bookscan.conventions.dates import DateOrder, has_order, parse_date
from book_forecast.bookscan.conventions.find import Conventions
from book_forecast.bookscan.conventions.intervals import IntervalCalendar, parse_interval
from book_forecast.bookscan.conventions.weeks import saturday_of, swapped, weekdays_of
from book_forecast.bookscan.rules.rejections import Rejections

# A spreadsheet of another country may have read text as a date of its own order.
_TYPED_DATE = re.compile(r"^\d{4}-\d\d-\d\d")
_SEVERAL = 2


def clean_dates(
    columns: Mapping[str, TextColumn],
    conventions: Conventions,
    date_1904: bool,
    today: dt.date,
    rejections: Rejections,
) -> tuple[np.ndarray, np.ndarray]:
    """Apply the rules for dates and intervals.

    Args:
        columns: All columns of the rows.
        conventions: Those of the file.
        date_1904: Whether serial numbers count from 1904.
        today: Later weeks than 366 days after it are rejected.
        rejections: Gets the rows without a usable week.

    Returns:
        Each row's date and the Saturday of its week, ``datetime64[D]``.
    """
    end_date, interval = columns["end_date"], columns["interval"]
    if conventions.dates_are_intervals:
        end_date, interval = interval, end_date
    no_date, no_interval = end_date.spread(end_date.empty), interval.spread(interval.empty)
    order = conventions.date_order
    dates, reasons = _parse_dates(end_date, order, date_1904, today)
    reasons[_are_swapped(end_date, dates, conventions)] = (
        "day and month in another order than in the rest of the file"
    )
    bad = ~end_date.empty & (reasons != "")
    end_date.reject(rejections, end_date.spread(bad), end_date.spread(reasons))
    weeks = end_date.spread(saturday_of(dates, conventions.last_day, conventions.weekday))
    dates = end_date.spread(dates)
    end_date.reject(rejections, no_date & no_interval, "no date and no interval")
    if conventions.calendar is None:
        end_date.reject(rejections, no_date, "no date, and intervals are ignored")
        return dates, weeks
    saturdays, reasons = _parse_intervals(interval, conventions.calendar, today)
    ends = interval.spread(saturdays)
    interval.reject(rejections, no_date & np.isnat(ends), interval.spread(reasons))
    contradictory = ~no_date & ~np.isnat(ends) & (ends != weeks)
    interval.reject(rejections, contradictory, "Interval and End Date are different weeks")
    return np.where(no_date, ends, dates), np.where(no_date, ends, weeks)


def _parse_dates(
    column: TextColumn, order: DateOrder, date_1904: bool, today: dt.date
) -> tuple[np.ndarray, np.ndarray]:
    found, reasons = column.parse(lambda text: parse_date(text, today, order, date_1904))
    return found.astype("datetime64[D]"), reasons


def _parse_intervals(
    column: TextColumn, calendar: IntervalCalendar, today: dt.date
) -> tuple[np.ndarray, np.ndarray]:
    found, reasons = column.parse(lambda text: parse_interval(text, today, calendar))
    return found.astype("datetime64[D]"), reasons


def _are_swapped(column: TextColumn, dates: np.ndarray, conventions: Conventions) -> np.ndarray:
    """Return whether each date has, or may have, its day and month swapped.

    A swapped date falls on the weekday of the others once it is swapped back. Where a spreadsheet
    has turned several typed dates, it has turned all that it could, also those that fall on that
    weekday either way.
    """
    found = np.zeros(len(dates), dtype=bool)
    if conventions.weekday is None:
        return found
    valid = np.flatnonzero(~np.isnat(dates))
    texts = column.texts.take(pa.array(valid)).to_pylist()
    is_typed = np.array([bool(_TYPED_DATE.match(text)) for text in texts], dtype=bool)
    others = swapped(dates[valid])
    possible = ~np.isnat(others) & (others != dates[valid])
    fits = np.zeros(len(valid), dtype=bool)
    fits[possible] = weekdays_of(others[possible]) == conventions.weekday
    odd = fits & (weekdays_of(dates[valid]) != conventions.weekday)
    odd[odd] = [
        typed or has_order(texts[at])
        for typed, at in zip(is_typed[odd], np.flatnonzero(odd), strict=True)
    ]
    turnable = is_typed & possible
    if np.count_nonzero(odd & is_typed) >= max(_SEVERAL, turnable.sum() / 2):
        odd |= turnable
    found[valid[odd]] = True
    return found


def stray_dates(
    column: TextColumn, dates: np.ndarray, kept: np.ndarray, weekday: int | None
) -> frozenset[dt.date]:
    """Return the dates of kept rows on another weekday than those of the source's weeks."""
    if weekday is None:
        return frozenset()
    given = np.unique(dates[~column.spread(column.empty)[kept]])
    return frozenset(given[weekdays_of(given) != weekday].tolist())
