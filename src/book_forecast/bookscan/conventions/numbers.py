"""Numbers in texts, and the one convention of a file in which they are written.

With a decimal *point*, commas group digits by thousands (``1,234.50``); with a decimal *comma*,
points do (``1.234,50``). Blanks and apostrophes group in both. ``1.234`` alone is either 1234 or
1.234; other cells of the same file decide.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

DecimalMark = Literal["point", "comma"]

_PLAIN = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$", re.ASCII)
_BLANK = "[ \u00a0\u202f\u2009\u2019'\u02bc`]"
_SPACES = "[\\s\u00a0\u202f\u2009]*"
_CURRENCY = r"[£€$¥₹]|GBP|EUR|USD|AUD|CAD|NZD|CHF|INR|JPY|ZAR|kr\.?"
# What is taken away from a number, in this order: brackets and minus signs of bookkeepers, and a
# currency before or after it.
_DECORATIONS = (
    (rf"^\({_SPACES}(.*?){_SPACES}\)$", r"-\1"),
    (rf"(?i)^([+-]?){_SPACES}(?:{_CURRENCY}|[a-z]{{1,2}}\$|Rs\.?){_SPACES}", r"\1"),
    (rf"(?i){_SPACES}(?:{_CURRENCY})$", ""),
    (rf"^([0-9].*?){_SPACES}-$", r"-\1"),
)
_BLANK_GROUPS = rf"^[+-]?[0-9]{{1,3}}(?:{_BLANK}[0-9]{{3}})+(?:[.,][0-9]*)?$"
# By thousands, or as in India: the last group of three digits, the others of two.
_GROUPS = r"[1-9]\d{{0,2}}(?:{0}\d{{3}})+|[1-9]\d?(?:{0}\d{{2}})+{0}\d{{3}}"
_MARKS = {"point": (r"\.", ","), "comma": (",", r"\.")}
_GROUPED = {
    mark: rf"^[+-]?(?:[0-9]+|{_GROUPS.format(group)})(?:{decimal}[0-9]*)?$"
    for mark, (decimal, group) in _MARKS.items()
}
_WHOLE = r"^[+-]?[0-9]+$"
_SIMPLE = r"^[+-]?[0-9.,]*$"
_UNCLEAR = r"^[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}$"
_CERTAIN = {
    mark: (
        rf"^[+-]?(?:\d*{decimal}\d{{1,2}}|\d*{decimal}\d{{4,}}|0*{decimal}\d+|\d{{4,}}{decimal}\d+"
        rf"|\d{{1,3}}(?:{group}\d{{3}}){{2,}}|\d{{1,2}}(?:{group}\d{{2}})+{group}\d{{3}}"
        rf"|\d{{1,3}}(?:{group}\d{{3}})+{decimal}\d*)$"
    )
    for mark, (decimal, group) in _MARKS.items()
}


@dataclass(frozen=True)
class NumberForms:
    """How many distinct texts of a column show a convention.

    Attributes:
        point: Texts that a decimal point alone explains.
        comma: Texts that a decimal comma alone explains.
        unclear_point: Texts such as ``1.234``.
        unclear_comma: Texts such as ``1,234``.
    """

    point: int = 0
    comma: int = 0
    unclear_point: int = 0
    unclear_comma: int = 0

    @classmethod
    def of(cls, texts: pa.StringArray) -> NumberForms:
        """Count the texts of each form."""
        fractions = texts.filter(pc.invert(pc.match_substring_regex(texts, _WHOLE)))
        bare = _undecorated(fractions)
        is_unclear = pc.match_substring_regex(bare, _UNCLEAR)
        unclear, clear = bare.filter(is_unclear), bare.filter(pc.invert(is_unclear))
        counts = {mark: _count(clear, form) for mark, form in _CERTAIN.items()}
        return cls(counts["point"], counts["comma"], _count(unclear, "[.]"), _count(unclear, ","))

    def __add__(self, other: NumberForms) -> NumberForms:
        return NumberForms(
            self.point + other.point,
            self.comma + other.comma,
            self.unclear_point + other.unclear_point,
            self.unclear_comma + other.unclear_comma,
        )


def parse_numbers(texts: pa.StringArray, decimal_mark: DecimalMark = "point") -> np.ndarray:
    """Parse numbers as people and spreadsheets write them.

    A currency before or after the number is ignored. ``(12)`` and ``12-`` are minus 12.

    Args:
        texts: Cells.
        decimal_mark: The convention of the file.

    Returns:
        One float64 per text: NaN for no number, infinity for infinite ones.
    """
    bare = _undecorated(texts)
    numbers = np.full(len(texts), np.nan)
    decimal, group = (".", ",") if decimal_mark == "point" else (",", ".")
    usual = np.asarray(pc.match_substring_regex(bare, _GROUPED[decimal_mark]))
    digits = pc.replace_substring(bare.filter(pa.array(usual)), group, "")
    numbers[usual] = pc.cast(pc.replace_substring(digits, decimal, "."), pa.float64()).to_numpy()
    others = np.flatnonzero(~usual)
    for position, text in zip(others, bare.take(pa.array(others)).to_pylist(), strict=True):
        numbers[position] = _parse_unusual(text, decimal, group)
    return numbers


def are_unclear(texts: pa.StringArray, decimal_mark: DecimalMark) -> np.ndarray:
    """Return whether each text could be a fraction by the convention, or else whole thousands."""
    decimal = "." if decimal_mark == "point" else ","
    bare = _undecorated(texts)
    unclear = pc.match_substring_regex(bare, _UNCLEAR)
    return np.asarray(pc.and_(unclear, pc.match_substring(bare, decimal)))


def _count(texts: pa.StringArray, form: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, form)).as_py() or 0)


def _undecorated(texts: pa.StringArray) -> pa.StringArray:
    """Return numbers without currency, blanks between groups and another sign than ``-``."""
    bare = pc.replace_substring(pc.utf8_trim_whitespace(texts), "\u2212", "-")
    decorated = pc.invert(pc.match_substring_regex(bare, _SIMPLE))
    others = bare.filter(decorated)
    for form, replacement in _DECORATIONS:
        others = pc.replace_substring_regex(others, form, replacement)
    grouped = pc.match_substring_regex(others, _BLANK_GROUPS)
    joined = pc.replace_substring_regex(others.filter(grouped), _BLANK, "")
    return pc.replace_with_mask(bare, decorated, pc.replace_with_mask(others, grouped, joined))


def _parse_unusual(text: str, decimal: str, group: str) -> float:
    """Return a number that is infinite or has an exponent; NaN for no number."""
    if text.casefold().lstrip("+-") in {"inf", "infinity"}:
        return math.inf
    if group in text:
        return math.nan
    number = text.replace(decimal, ".")
    return float(number) if _PLAIN.match(number) else math.nan
