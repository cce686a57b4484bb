"""Values as users type them: one or several, in one text or a list."""

import difflib
import re
from collections.abc import Iterable
from typing import Literal, get_args

from book_forecast.bookscan.isbn import is_isbn, normalise_isbn
from book_forecast.payload.limits import check_level

Titles = Literal["top", "all"] | list[str]
Family = Literal[
    "sarima",
    "regression",
    "ets",
    "theta",
    "mstl",
    "intermittent",
    "boosting",
    "seasonal_naive",
    "naive",
]
FAMILIES: tuple[Family, ...] = get_args(Family)

_RELEASE = re.compile(r"champion|candidate|\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f]{8}")
_SEPARATORS = re.compile(r"[\s,;]+")


def normalise_titles(value: object) -> Titles:
    """Read a choice of titles.

    Args:
        value: `top`, `all`, one ISBN as text or number, several in one text separated by spaces,
            commas or semicolons, or a list of any of these.

    Returns:
        `top`, `all`, or ISBN-13s without hyphens, in the order given and each once.

    Raises:
        ValueError: Nothing was given, or an item is no valid ISBN.
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
        raise ValueError("top and all stand alone, not beside ISBNs or each other")
    return list(dict.fromkeys(normalise_isbn(item) for item in items))


def normalise_levels(value: object) -> list[int | float]:
    """Read interval levels in percent.

    Args:
        value: One number, several in one text, or a list.

    Returns:
        The levels, ascending and each once; whole numbers as `int`, because they name columns
        (`lo-80`).

    Raises:
        ValueError: There is no level, or one that a release does not hold.
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


def check_release(value: object) -> str:
    """Read which release is meant.

    Args:
        value: What was given.

    Returns:
        `champion`, `candidate`, or an id.

    Raises:
        ValueError: It is none of these.
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
    """Read a choice of model families: a list, or one text, each once and in the usual order.

    Raises:
        ValueError: If there is none, or one that does not exist.
    """
    names = [str(item) for item in _items(value)]
    for name in names:
        if name not in FAMILIES:
            near = difflib.get_close_matches(name, FAMILIES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FAMILIES)}"
            raise ValueError(f"{name} is no family: {hint}")
    if not names:
        raise ValueError(f"give at least one of {', '.join(FAMILIES)}")
    return [family for family in FAMILIES if family in names]


def _items(value: object) -> list[object]:
    """Split what a user typed into single items: a list, one value, or `a b`, `a,b`, `[a; b]`."""
    if isinstance(value, str):
        return [item for item in _SEPARATORS.split(value.strip().strip("[]()")) if item]
    if isinstance(value, Iterable):
        return [part for item in value for part in _items(item)]
    return [value]
