"""Empty cells, numbers and other values in the distinct texts of a column."""

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_EMPTY = pa.array(["", "-", "--", ".", "n/a", "#n/a", "na", "nan", "nat", "none", "null", "<na>"])
_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_CURRENCY = re.compile(r"^([+-]?)\s*[£€$]\s*|\s*[£€$]$")
_GROUPED = re.compile(r"^([+-]?)(\d{1,3})((?:[,\u0020\u00a0\u202f\u2009\u2019']\d{3})+)(\.\d*)?$")
_PLAIN_TEXT = re.compile(_PLAIN, re.ASCII)


def are_empty(texts: pa.StringArray) -> np.ndarray:
    """Return whether each text is an empty cell: blank, ``-``, ``n/a``, ``NaN``, ``null``."""
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    return np.asarray(pc.is_in(lower, value_set=_EMPTY))


def parse_cells(parse: Callable[[str], Any], cells: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Parse cells one by one.

    Args:
        parse: Returns the value of a cell, or raises a `ValueError` with the reason.
        cells: Texts.

    Returns:
        Values, None without one; and reasons, empty for cells with a value. Both are of objects.
    """
    values = np.full(len(cells), None, dtype=object)
    reasons = np.full(len(cells), "", dtype=object)
    for position, cell in enumerate(cells):
        try:
            values[position] = parse(cell)
        except ValueError as error:
            reasons[position] = str(error)
    return values, reasons


def parse_numbers(texts: pa.StringArray) -> np.ndarray:
    """Parse numbers as people and spreadsheets write them.

    Commas, blanks and apostrophes between groups of three digits are thousands separators. The
    decimal mark is a point; ``12,5`` is ambiguous and no number. A currency sign before or after
    the number is ignored. ``(12)`` is minus 12.

    Returns:
        One float64 per text: NaN for no number, infinity for infinite ones.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    plain = np.asarray(pc.match_substring_regex(trimmed, _PLAIN))
    numbers = np.full(len(texts), np.nan)
    numbers[plain] = pc.cast(trimmed.filter(pa.array(plain)), pa.float64()).to_numpy()
    for position in np.flatnonzero(~plain):
        numbers[position] = _parse_number(trimmed[int(position)].as_py())
    return numbers


def _parse_number(text: str) -> float:
    if text.casefold().lstrip("+-") in {"inf", "infinity"}:
        return math.inf
    text = text.replace("\u2212", "-")
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1].strip()}"
    text = _CURRENCY.sub(r"\1", text)
    grouped = _GROUPED.match(text)
    if grouped:
        sign, first, groups, decimals = grouped.groups(default="")
        text = sign + first + re.sub(r"\D", "", groups) + decimals
    return float(text) if _PLAIN_TEXT.match(text) else math.nan


def tidy_texts(texts: pa.StringArray) -> pa.StringArray:
    """Trim texts and replace every run of blanks by one space."""
    spaced = pc.replace_substring_regex(texts, r"[\s\x{a0}]+", " ")
    return pc.utf8_trim_whitespace(spaced)
