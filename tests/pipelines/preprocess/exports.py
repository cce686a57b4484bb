"""Small exports for tests, written as volumes by week number."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

FIRST_WEEK = pd.Timestamp("2018-01-06")

Volumes = Mapping[int, float]


def isbn_of(number: int) -> str:
    """A valid ISBN-13 for each number, ascending."""
    body = f"978{number:09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


def week_of(number: int) -> pd.Timestamp:
    """The week-ending Saturday of a week number, counted from 0."""
    return FIRST_WEEK + pd.Timedelta(weeks=number)


def every_week(start: int, stop: int, volume: float = 5, without: range = range(0)) -> Volumes:
    """The same volume in each week from `start` to before `stop`, but for those `without`."""
    return {week: volume for week in range(start, stop) if week not in without}


def make_sales(*titles: Volumes, asp: float = 7.5, rrp: float = 10.0) -> pd.DataFrame:
    """Weekly sales of titles, the k-th being `isbn_of(k)`; a week not named has no row."""
    rows = [
        (isbn_of(number), week_of(week), float(volume))
        for number, volumes in enumerate(titles)
        for week, volume in volumes.items()
    ]
    frame = pd.DataFrame(rows, columns=["isbn", "week", "volume"])
    frame = frame.assign(value=frame["volume"] * asp, asp=asp, rrp=rrp)
    types: dict[Hashable, Any] = {
        "isbn": "str",
        "week": "datetime64[us]",
        "asp": "float64",
        "rrp": "float64",
    }
    return frame.astype(types)


def make_titles(count: int) -> pd.DataFrame:
    """The table of titles 0 to count - 1, named `title 0` and so on."""
    names = [(isbn_of(number), f"title {number}") for number in range(count)]
    return pd.DataFrame(names, columns=["isbn", "title"]).astype("str")


def make_launches(dates: Mapping[int, str] | None = None) -> pd.DataFrame:
    """The table of launches: publication dates by the number of the title."""
    rows = [(isbn_of(number), date) for number, date in (dates or {}).items()]
    frame = pd.DataFrame(rows, columns=["isbn", "publication_date"])
    return frame.astype({"isbn": "str", "publication_date": "datetime64[us]"})
