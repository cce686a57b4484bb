"""The figures of each row: copies, value and prices, and whether they contradict each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from book_forecast.bookscan.column import TextColumn
from book_forecast.bookscan.conventions.find import Conventions
from book_forecast.bookscan.conventions.numbers import are_unclear, parse_numbers
from book_forecast.bookscan.rows import RawRows
from book_forecast.bookscan.rules.rejections import IMPLAUSIBLE, Rejections

LARGEST_NUMBER = 1e12
"""The limit of volumes and prices: sums with larger ones lose their digits."""

_THOUSANDTH = (900.0, 1100.0)
_CONTRADICTION = 50.0
_RARELY = 0.05


def read_numbers(column: TextColumn, raw: RawRows, conventions: Conventions) -> np.ndarray:
    """Return each row's number: the typed one, else that of its text."""
    of_texts = column.spread(parse_numbers(column.texts, conventions.decimal_mark))
    typed = raw.numbers.get(column.name)
    return of_texts if typed is None else np.where(np.isnan(typed), of_texts, typed)


def clean_volumes(
    column: TextColumn, raw: RawRows, conventions: Conventions, rejections: Rejections
) -> np.ndarray:
    """Return the volumes, and reject the rows without a usable one."""
    numbers = read_numbers(column, raw, conventions)
    empty = column.spread(column.empty)
    unclear = np.zeros(len(numbers), dtype=bool)
    if conventions.volumes_are_whole:
        is_text = np.isnan(raw.numbers.get(column.name, np.full(len(numbers), np.nan)))
        unclear = is_text & column.spread(are_unclear(column.texts, conventions.decimal_mark))
    checks = {
        "no volume": empty,
        "not a number": np.isnan(numbers),
        "not a finite number": np.isinf(numbers),
        f"{IMPLAUSIBLE}: beyond {LARGEST_NUMBER:g} copies": np.abs(numbers) > LARGEST_NUMBER,
        "unclear: thousands or a fraction? Name decimal_mark": unclear,
    }
    for reason, bad in checks.items():
        column.reject(rejections, bad, reason)
    return numbers


def reject_contradictions(
    column: TextColumn,
    volumes: np.ndarray,
    prices: Mapping[str, np.ndarray],
    rejections: Rejections,
) -> None:
    """Reject volumes that value / ASP contradicts: 1.234 in place of 1,234, or three zeros more.

    Where this is so in many rows, value or ASP are of another kind than those of BookScan.
    """
    with np.errstate(over="ignore"):  # beyond all limits is infinite, and not usable
        expected = np.abs(volumes * prices["asp"])
    usable = np.isfinite(expected) & (expected > 0) & (np.abs(prices["value"]) > 0)
    ratio = np.abs(prices["value"]) / np.where(usable, expected, np.nan)
    fractions = usable & (volumes != np.rint(volumes))
    thousandths = fractions & (ratio > _THOUSANDTH[0]) & (ratio < _THOUSANDTH[1])
    column.reject(rejections, thousandths, "a thousandth of Value / ASP: name decimal_mark")
    others = usable & ((ratio > _CONTRADICTION) | (ratio < 1 / _CONTRADICTION))
    if others.sum() <= _RARELY * usable.sum():
        column.reject(rejections, others, f"{IMPLAUSIBLE}: Value / ASP is another number of copies")


def possible_prices(name: str, numbers: np.ndarray, volumes: np.ndarray) -> np.ndarray:
    """Return prices, missing where they are impossible; the value of returns is negative."""
    possible = np.abs(numbers) <= LARGEST_NUMBER
    if name == "value":
        numbers = np.where(volumes < 0, -np.abs(numbers), numbers)
        possible &= (numbers >= 0) | (volumes < 0)
    else:
        possible &= numbers > 0
    return np.where(possible, numbers, np.nan)
