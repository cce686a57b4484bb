"""Calendar covariates for weeks that end on a Saturday, in England.

Every covariate but the count of bank holidays is the share of a week's seven days (Sunday to
Saturday) that lies in a window around an event, so an event that moves through the weeks of the
year moves its window with it. Gifts are bought before the day:
gift days mark the week of shopping that ends on the eve of the day.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import NamedTuple

import holidays
import numpy as np
import pandas as pd
from dateutil.easter import easter  # type: ignore[import-untyped]
from dateutil.relativedelta import (  # type: ignore[import-untyped]
    FR,
    SU,
    TH,
    relativedelta,
)

CALENDAR_WEEKS_AHEAD = 110
"""Weeks that the calendar runs past the last week, so that any usual horizon has covariates."""

_DAYS = 7


class _Window(NamedTuple):
    """Days from `first` to `last`, both included, counted from an event of each year."""

    event: Callable[[int], dt.date]
    first: int
    last: int


def _on(month: int, day: int, *adjust: relativedelta) -> Callable[[int], dt.date]:
    return lambda year: sum(adjust, dt.date(year, month, day))


fathers_day = _on(6, 1, relativedelta(weekday=SU(3)))
world_book_day = _on(3, 1, relativedelta(weekday=TH(1)))
# The day after the fourth Thursday, which need not be the fourth Friday.
_black_friday = _on(11, 1, relativedelta(weekday=TH(4)), relativedelta(weekday=FR(1)))
_christmas = _on(12, 25)

_WINDOWS = {
    "new_year": _Window(_on(1, 1), 0, 6),
    "world_book_day": _Window(world_book_day, -4, 2),
    # Mothering Sunday is the third Sunday before Easter.
    "mothers_day": _Window(easter, -28, -22),
    "easter_run_up": _Window(easter, -7, -1),
    "easter": _Window(easter, 0, 6),
    "fathers_day": _Window(fathers_day, -7, -1),
    "back_to_school": _Window(_on(9, 1), -7, 13),
    "black_friday": _Window(_black_friday, -5, 1),
    "christmas_4_weeks_before": _Window(_christmas, -28, -22),
    "christmas_3_weeks_before": _Window(_christmas, -21, -15),
    "christmas_2_weeks_before": _Window(_christmas, -14, -8),
    "christmas_1_week_before": _Window(_christmas, -7, -1),
    "after_christmas": _Window(_christmas, 0, 6),
}

CALENDAR_COVARIATES = (*_WINDOWS, "bank_holidays")
"""The columns of a calendar beside `week`."""


def calendar_weeks(
    first_week: pd.Timestamp, last_week: pd.Timestamp, weeks_ahead: int = CALENDAR_WEEKS_AHEAD
) -> pd.DataFrame:
    """Make the calendar from one week to some weeks past another.

    Args:
        first_week: First week-ending Saturday.
        last_week: Last week-ending Saturday of the history.
        weeks_ahead: Weeks to add after it.

    Returns:
        `week` and one float column per name in `CALENDAR_COVARIATES`: shares of the week between
        0 and 1, and in `bank_holidays` the number of weekdays that are bank holidays.

    Raises:
        ValueError: If a week does not end on a Saturday or the last is before the first.
    """
    for week in (first_week, last_week):
        if week.day_name() != "Saturday":
            raise ValueError(f"a week ends on a Saturday, {week.date()} is a {week.day_name()}")
    if last_week < first_week:
        raise ValueError(f"the last week {last_week.date()} is before {first_week.date()}")
    end = last_week + pd.Timedelta(weeks=weeks_ahead)
    weeks = pd.date_range(first_week, end, freq="W-SAT", unit="us")
    first_day = np.datetime64(weeks[0], "D") - (_DAYS - 1)
    days = first_day + np.arange(len(weeks) * _DAYS)
    # One year more on each side: windows reach over the turn of the year.
    years = range(weeks[0].year - 1, weeks[-1].year + 2)

    columns = {
        name: _per_week(days, _days_in(window, years)).mean(axis=1)
        for name, window in _WINDOWS.items()
    }
    bank_holidays = _per_week(days, _bank_holidays(years))
    columns["bank_holidays"] = bank_holidays[:, 1:-1].sum(axis=1).astype(float)
    return pd.DataFrame({"week": weeks, **columns})


def _per_week(days: np.ndarray, marked: Iterable[dt.date]) -> np.ndarray:
    """Whether each day is marked, one row per week, Sunday first."""
    return np.isin(days, np.array(list(marked), dtype="datetime64[D]")).reshape(-1, _DAYS)


def _days_in(window: _Window, years: Iterable[int]) -> list[dt.date]:
    events = [window.event(year) for year in years]
    offsets = range(window.first, window.last + 1)
    return [event + dt.timedelta(days=offset) for event in events for offset in offsets]


def _bank_holidays(years: Iterable[int]) -> list[dt.date]:
    return list(holidays.country_holidays("GB", subdiv="ENG", years=years))
