"""The weeks of the sample and the occasions in them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
import numpy.typing as npt
from dateutil.easter import easter  # type: ignore[import-untyped]

from book_forecast.series.calendar import fathers_day, world_book_day
from book_forecast.series.history import FloatArray

Dates = npt.NDArray[np.datetime64]

FIRST_WEEK = date(2012, 1, 7)
LAST_WEEK = date(2024, 6, 29)
# Shops were closed and nobody reported: the weeks ending on these Saturdays have no row at all.
FIRST_LOCKDOWN_WEEK = date(2020, 3, 28)
LAST_LOCKDOWN_WEEK = date(2020, 6, 13)


@dataclass(frozen=True)
class Occasion:
    """A day of the year for which people buy books.

    Attributes:
        day: The day in a given year.
        rise: Days over which demand before the day falls to a third.
        fall: The same after the day.
    """

    day: Callable[[int], date]
    rise: float
    fall: float


@dataclass(frozen=True)
class SampleWeeks:
    """Consecutive weeks, each named by the Saturday it ends on.

    Attributes:
        ends: Saturdays, shape (weeks,), ``datetime64[D]``.
        intervals: YYYYWW of each week, shape (weeks,); week n ends on the year's n-th Saturday.
        season_years: Year of the nearest occasion, counted from 0, shape (weeks,).
        reported: False in the weeks for which no title has a row, shape (weeks,).
        occasions: Demand for each occasion by name, 0 to 1 (its strongest week), shape (weeks,).
        christmas_shopping: Weeks in which the trade starts its Christmas promotions.
    """

    ends: Dates
    intervals: npt.NDArray[np.int64]
    season_years: npt.NDArray[np.int64]
    reported: npt.NDArray[np.bool_]
    occasions: dict[str, FloatArray]
    christmas_shopping: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends)

    def index(self, week: str) -> int:
        """Return the position of the week that ends on an ISO date; it may be outside the weeks."""
        return int((np.datetime64(week, "D") - self.ends[0]) // np.timedelta64(7, "D"))


def mothers_day(year: int) -> date:
    """British Mothering Sunday: three weeks before Easter."""
    return easter(year) - timedelta(days=21)


OCCASIONS: dict[str, Occasion] = {
    "new_year": Occasion(lambda year: date(year, 1, 5), rise=4, fall=12),
    "world_book_day": Occasion(world_book_day, rise=7, fall=3),
    "mothers_day": Occasion(mothers_day, rise=6, fall=0.7),
    "spring": Occasion(lambda year: date(year, 4, 25), rise=28, fall=28),
    "easter": Occasion(easter, rise=9, fall=2),
    "exams": Occasion(lambda year: date(year, 5, 8), rise=30, fall=9),
    "fathers_day": Occasion(fathers_day, rise=6, fall=0.7),
    "summer": Occasion(lambda year: date(year, 7, 30), rise=22, fall=20),
    "back_to_school": Occasion(lambda year: date(year, 9, 5), rise=11, fall=10),
    "term": Occasion(lambda year: date(year, 10, 1), rise=10, fall=16),
    "christmas": Occasion(lambda year: date(year, 12, 23), rise=17, fall=1.5),
}


def demand(ends: Dates, occasion: Occasion) -> FloatArray:
    """Return the weekly demand for an occasion, 1 in its strongest week over all years.

    It is the sum over seven days, so that a moving day, or Christmas on another weekday, shifts
    copies between weeks.
    """
    years = range(_year(ends[0]) - 1, _year(ends[-1]) + 2)
    days = (ends[:, None] - np.arange(7)).astype("datetime64[D]")
    events = np.array([occasion.day(year) for year in years], dtype="datetime64[D]")
    ahead = (events - days[..., None]).astype(np.float64)
    daily = np.where(
        ahead >= 0,
        np.exp(-np.maximum(ahead, 0) / occasion.rise),
        np.exp(np.minimum(ahead, 0) / occasion.fall),
    )
    weekly = daily.max(axis=-1).sum(axis=-1)
    return np.asarray(weekly / weekly.max(), dtype=np.float64)


def consecutive_weeks(first: date, last: date) -> SampleWeeks:
    """Return the weeks that end from ``first`` to ``last``, both included.

    Raises:
        ValueError: ``first`` is not a Saturday.
    """
    if first.weekday() != 5:
        raise ValueError(f"the first week must end on a Saturday, got {first}")
    ends = np.arange(np.datetime64(first), np.datetime64(last) + 1, 7, dtype="datetime64[D]")
    years = ends.astype("datetime64[Y]").astype(np.int64) + 1970
    day_of_year = (ends - ends.astype("datetime64[Y]")).astype(np.int64)
    months = ends.astype("datetime64[M]").astype(np.int64) % 12 + 1
    lockdown = (ends >= np.datetime64(FIRST_LOCKDOWN_WEEK)) & (
        ends <= np.datetime64(LAST_LOCKDOWN_WEEK)
    )
    return SampleWeeks(
        ends=ends,
        intervals=years * 100 + day_of_year // 7 + 1,
        # A Saturday on 1 or 2 January still belongs to the Christmas before.
        season_years=years - years[0] + 1 - (day_of_year < 2),
        reported=~lockdown,
        occasions={name: demand(ends, occasion) for name, occasion in OCCASIONS.items()},
        christmas_shopping=np.flatnonzero(months == 11),
    )


@cache
def sample_weeks() -> SampleWeeks:
    """Return the weeks of the sample: January 2012 to June 2024."""
    return consecutive_weeks(FIRST_WEEK, LAST_WEEK)


def _year(day: np.datetime64) -> int:
    return int(str(day)[:4])
