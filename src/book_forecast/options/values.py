"""Parsers of values that users type: one or several, in one text or a list."""

import datetime as dt
import difflib
import re
from collections.abc import Iterable
from typing import Literal, get_args

from book_forecast.bookscan.isbn import is_isbn, normalise_isbn
from book_forecast.payload.limits import check_level
from book_forecast.payload.manifest import LONGEST_HORIZON

Titles = Literal["top", "all"] | list[str]
Family = Literal[
    "sarima",
    "regression",
    "ets",
    "theta",
    "mstl",
    "intermittent",
    "boosting",
    "autoregression",
    "network",
    "seasonal_naive",
    "naive",
    "pretrained",
]
ALL_FAMILIES: tuple[Family, ...] = get_args(Family)
FAMILIES = tuple(name for name in ALL_FAMILIES if name != "pretrained")
"""The default: `pretrained` needs weights and a package."""

_RELEASE = re.compile(r"champion|candidate|\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f]{8}")
_SATURDAY = 5
_SEPARATORS = re.compile(r"[\s,;]+")


def normalise_titles(value: object) -> Titles:
    """Parse a choice of titles.

    Args:
        value: `top`, `all`, one ISBN as text or number, several in one text with spaces, commas or
            semicolons between them, or a list of any of these.

    Returns:
        `top`, `all`, or the distinct ISBN-13s in the given order.

    Raises:
        ValueError: The value is empty, or an item is no valid ISBN.
    """
    items = [value] if is_isbn(value) else _items(value)
    words = [str(item).lower() for item in items]
    if words == ["top"]:
        return "top"
    if words == ["all"]:
        return "all"
    if not items:
        raise ValueError("give one or more ISBNs, top or all")
    if {"top", "all"} & set(words):
        raise ValueError("top and all cannot be combined with ISBNs or each other")
    return list(dict.fromkeys(normalise_isbn(item) for item in items))


def normalise_levels(value: object) -> list[int | float]:
    """Parse interval levels in percent.

    Args:
        value: One number, several in one text, or a list.

    Returns:
        The distinct levels, ascending; whole numbers as `int`, because they name columns (`lo-80`).

    Raises:
        ValueError: There is no level, or one outside the limits of a release.
    """
    levels: set[int | float] = set()
    for item in _items(value):
        try:
            level = float(str(item))
        except ValueError:
            raise ValueError(
                f"{item!r} is no number; levels are percentages, as in 80,95"
            ) from None
        check_level(level)
        levels.add(int(level) if level.is_integer() else level)
    if not levels:
        raise ValueError("give at least one level, as in 80,95")
    return sorted(levels)


def normalise_spans(value: object) -> list[int]:
    """Parse numbers of weeks ahead; none are allowed.

    Returns:
        The distinct numbers, ascending.

    Raises:
        ValueError: A number is not whole, or outside the limits of a release.
    """
    spans = set()
    for item in _items(value):
        text = str(item)
        if not text.isdecimal():
            raise ValueError(f"{item!r} is no number of weeks; give whole numbers, as in 4,13")
        if not 1 <= int(text) <= LONGEST_HORIZON:
            raise ValueError(
                f"a release has no sum of {text} weeks; give 1 to {LONGEST_HORIZON}, as in 4,13"
            )
        spans.add(int(text))
    return sorted(spans)


def normalise_weeks(value: object) -> list[dt.date]:
    """Parse ends of weeks; none are allowed.

    Args:
        value: One date, several in one text, or a list: `2024-05-04,2024-05-11`.

    Returns:
        The distinct dates, ascending.

    Raises:
        ValueError: An item is no date, or no Saturday.
    """
    weeks = set()
    for item in _items(value):
        try:
            day = dt.date.fromisoformat(str(item))
        except ValueError:
            raise ValueError(f"{item!r} is no date; give ends of weeks, as in 2024-05-04") from None
        beyond = (_SATURDAY - day.weekday()) % 7
        if beyond:
            raise ValueError(
                f"{day} is a {day:%A}, and weeks end on Saturdays: its week is that to "
                f"{day + dt.timedelta(beyond)}"
            )
        weeks.add(day)
    return sorted(weeks)


def check_release(value: object) -> str:
    """Return `champion`, `candidate` or the id of a release.

    Raises:
        ValueError: The value is none of these.
    """
    name = str(value)
    if _RELEASE.fullmatch(name):
        return name
    near = difflib.get_close_matches(name, ("champion", "candidate"), n=1)
    raise ValueError(
        f"did you mean {near[0]}?"
        if near
        else "give champion, candidate, or a whole id as `kedro release list` shows it"
    )


def normalise_families(value: object) -> list[Family]:
    """Parse a choice of model families: distinct ones in the order of `ALL_FAMILIES`.

    Raises:
        ValueError: There is none, or one that does not exist.
    """
    names = [str(item) for item in _items(value)]
    for name in names:
        if name not in ALL_FAMILIES:
            near = difflib.get_close_matches(name, ALL_FAMILIES, n=1)
            every = ", ".join(ALL_FAMILIES)
            hint = f"did you mean {near[0]}?" if near else f"the families are {every}"
            raise ValueError(f"{name} is no family: {hint}")
    if not names:
        raise ValueError(f"give at least one of {', '.join(ALL_FAMILIES)}")
    return [family for family in ALL_FAMILIES if family in names]


def _items(value: object) -> list[object]:
    """Split a list, one value, or a text such as `a b`, `a,b` or `[a; b]` into single items."""
    if isinstance(value, str):
        return [item for item in _SEPARATORS.split(value.strip().strip("[]()")) if item]
    if isinstance(value, Iterable):
        return [part for item in value for part in _items(item)]
    return [value]
