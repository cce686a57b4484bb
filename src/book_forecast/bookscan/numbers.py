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
# Currency signs, and codes of three letters, before or after a number.
_CURRENCY = re.compile(
    r"^([+-]?)\s*(?:[£€$¥₹]|[A-Za-z]{1,2}\$|(?:GBP|EUR|USD|AUD|CAD|NZD|CHF|INR|JPY|ZAR|kr\.?|Rs\.?))\s*"
    r"|\s*(?:[£€$¥₹]|GBP|EUR|USD|AUD|CAD|NZD|CHF|INR|JPY|ZAR|kr\.?)$",
    re.IGNORECASE,
)
_BLANKS = r"\u0020\u00a0\u202f\u2009\u2019'\u02bc`"
_BLANK_GROUPS = re.compile(rf"^([+-]?\d{{1,3}})((?:[{_BLANKS}]\d{{3}})+)(?=[.,]|$)")
# By thousands, or as in India: the last group of three digits, the others of two.
_GROUPS = r"[1-9]\d{{0,2}}(?:{0}\d{{3}})+|[1-9]\d?(?:{0}\d{{2}})+{0}\d{{3}}"
_MARKS = {"point": (r"\.", ","), "comma": (",", r"\.")}
_GROUPED = {
    mark: rf"^[+-]?(?:[0-9]+|{_GROUPS.format(group)})(?:{decimal}[0-9]*)?$"
    for mark, (decimal, group) in _MARKS.items()
}
_WHOLE = r"^[+-]?[0-9]+$"
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
        simple = pc.match_substring_regex(fractions, r"^[0-9.,]+$")
        others = [_bare(text) for text in fractions.filter(pc.invert(simple)).to_pylist()]
        bare = pa.concat_arrays([fractions.filter(simple), pa.array(others, pa.string())])
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
    trimmed = pc.utf8_trim_whitespace(texts)
    numbers = np.full(len(texts), np.nan)
    decimal, group = (".", ",") if decimal_mark == "point" else (",", ".")
    usual = np.asarray(pc.match_substring_regex(trimmed, _GROUPED[decimal_mark]))
    digits = pc.replace_substring(trimmed.filter(pa.array(usual)), group, "")
    numbers[usual] = pc.cast(pc.replace_substring(digits, decimal, "."), pa.float64()).to_numpy()
    for position in np.flatnonzero(~usual):
        numbers[position] = _parse_number(trimmed[int(position)].as_py(), decimal_mark)
    return numbers


def are_unclear(texts: pa.StringArray, decimal_mark: DecimalMark) -> np.ndarray:
    """Return whether each text could be a fraction by the convention, or else whole thousands."""
    decimal = "." if decimal_mark == "point" else ","
    trimmed = pc.utf8_trim_whitespace(texts)
    unclear = pc.match_substring_regex(trimmed, _UNCLEAR)
    return np.asarray(pc.and_(unclear, pc.match_substring(trimmed, decimal)))


def _count(texts: pa.StringArray, form: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, form)).as_py() or 0)


def _bare(text: str) -> str:
    """Return a number without currency, blanks between groups and another sign than ``-``."""
    bare = text.strip().replace("\u2212", "-")
    if bare.startswith("(") and bare.endswith(")"):
        bare = f"-{bare[1:-1].strip()}"
    bare = _CURRENCY.sub(r"\1", bare) if not bare[-1:].isdigit() or not bare[:1].isdigit() else bare
    if bare.endswith("-") and bare[:1].isdigit():
        bare = f"-{bare[:-1].strip()}"
    blanks = _BLANK_GROUPS.match(bare)
    if blanks:
        bare = blanks[1] + re.sub(r"\D", "", blanks[2]) + bare[blanks.end() :]
    return bare


def _parse_number(text: str, decimal_mark: DecimalMark) -> float:
    if text.casefold().lstrip("+-") in {"inf", "infinity"}:
        return math.inf
    decimal, group = (".", ",") if decimal_mark == "point" else (",", ".")
    bare = _bare(text)
    if re.match(_GROUPED[decimal_mark], bare):
        bare = bare.replace(group, "")
    if group in bare:
        return math.nan
    bare = bare.replace(decimal, ".")
    return float(bare) if _PLAIN.match(bare) else math.nan
