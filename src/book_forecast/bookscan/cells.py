"""Text cells in bulk: which are empty, and what number they hold.

Functions here take the distinct texts of a column, so their cost is that of the distinct values.
"""

import math
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_EMPTY = pa.array(["", "-", "--", ".", "n/a", "#n/a", "na", "nan", "nat", "none", "null", "<na>"])
_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_CURRENCY = re.compile(r"^([+-]?)\s*[£€$]\s*|\s*[£€$]$")
_GROUPED = re.compile(r"^([+-]?)(\d{1,3})((?:[,\u0020\u00a0\u202f\u2009\u2019']\d{3})+)(\.\d*)?$")
_PLAIN_TEXT = re.compile(_PLAIN, re.ASCII)


def are_empty(texts: pa.StringArray) -> np.ndarray:
    """Tell which texts say that there is nothing: blank, ``-``, ``n/a``, ``NaN``, ``null``.

    Args:
        texts: Distinct texts of a column.

    Returns:
        One bool per text.
    """
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(texts))
    return np.asarray(pc.is_in(lower, value_set=_EMPTY))


def parse_numbers(texts: pa.StringArray) -> np.ndarray:
    """Read numbers as people and spreadsheets write them.

    Commas, blanks and apostrophes between groups of three digits are thousands separators; the
    decimal mark is a point (``12,5`` is no number: it cannot be told from a slip); a currency
    sign before or after is dropped; ``(12)`` is minus 12.

    Args:
        texts: Distinct texts of a column.

    Returns:
        One float64 per text: NaN where it is no number, infinite where it is none that is finite.
    """
    trimmed = pc.utf8_trim_whitespace(texts)
    plain = np.asarray(pc.match_substring_regex(trimmed, _PLAIN))
    numbers = np.full(len(texts), np.nan)
    numbers[plain] = pc.cast(trimmed.filter(pa.array(plain)), pa.float64()).to_numpy()
    for place in np.flatnonzero(~plain):
        numbers[place] = _parse_number(trimmed[int(place)].as_py())
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
    """Trim texts and make every run of blanks in them one space."""
    spaced = pc.replace_substring_regex(texts, r"[\s\x{a0}]+", " ")
    return pc.utf8_trim_whitespace(spaced)
