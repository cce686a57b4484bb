"""The Saturday that names the week of a date.

A week of the project ends on a Saturday. A source whose weeks end on another day has each week
under the Saturday with which it has most days in common: one that ends on Sunday, 1 November, has
six of its seven days in the week of Saturday, 31 October.
"""

from __future__ import annotations

import numpy as np

SATURDAY = 5
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""Names of weekdays; the index is Python's number of the day."""

# numpy's day 0, 1 January 1970, is a Thursday.
_THURSDAY = 3
# Days from the end of a week to the nearest Saturday, by weekday.
_TO_SATURDAY = np.array([-2, -3, 3, 2, 1, 0, -1])


def weekdays_of(dates: np.ndarray) -> np.ndarray:
    """Return the weekday of each date, 0 for Monday; dates are ``datetime64[D]`` without NaT."""
    numbers: np.ndarray = (dates.astype("datetime64[D]").astype(np.int64) + _THURSDAY) % 7
    return numbers


def swapped(dates: np.ndarray) -> np.ndarray:
    """Return each date with its day as the month and its month as the day; NaT where impossible."""
    days = dates.astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    day = (days - months).astype(np.int64)
    month = (months - years).astype(np.int64)
    turned = years.astype("datetime64[M]") + np.minimum(day, 11).astype("timedelta64[M]")
    found = turned.astype("datetime64[D]") + month.astype("timedelta64[D]")
    return np.where(day <= 11, found, np.datetime64("NaT", "D"))


def saturday_of(
    dates: np.ndarray, last_day: int = SATURDAY, weekday: int | None = None
) -> np.ndarray:
    """Move each date to the Saturday of its week.

    Args:
        dates: ``datetime64[D]``; NaT stays NaT.
        last_day: The weekday on which the source's weeks end, 0 for Monday.
        weekday: The weekday of the source's dates, if each stands for a week. A stray date is taken
            for the nearest such day.

    Returns:
        ``datetime64[D]``; for days in weeks that end on Saturday, zero to six days later.
    """
    days = np.where(np.isnat(dates), np.datetime64(0, "D"), dates.astype("datetime64[D]"))
    if weekday is not None:
        days = days + ((weekday - weekdays_of(days) + 3) % 7 - 3).astype("timedelta64[D]")
    to_end = (last_day - weekdays_of(days)) % 7 + _TO_SATURDAY[last_day]
    moved = days + to_end.astype("timedelta64[D]")
    return np.where(np.isnat(dates), np.datetime64("NaT", "D"), moved)
