"""The one way in which a file writes numbers, found from all its cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.bookscan.columns import NUMBERS
from book_forecast.bookscan.conventions.numbers import DecimalMark, NumberForms, parse_numbers
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.rows import RawRows, texts_and_codes

_MAJORITY = 0.9
_SAMPLE = 20_000
_MARKS: tuple[DecimalMark, DecimalMark] = ("point", "comma")
_SAME_PRICE = 0.02
_CLEAR = 0.5
_PLAIN = r"^[+-]?[0-9]+$"


@dataclass(frozen=True)
class NumberConvention:
    """How a file writes numbers.

    Attributes:
        decimal_mark: The mark before fractions.
        volumes_are_whole: Whether no volume is clearly a fraction.
        remark: What a user should know; empty if nothing.
    """

    decimal_mark: DecimalMark
    volumes_are_whole: bool = True
    remark: str = ""


def find_number_convention(parts: Sequence[RawRows], hints: ExportHints) -> NumberConvention:
    """Find the number convention of a file.

    Cells that one mark alone explains decide, such as ``7,37`` or ``1,234.50``. Without any, the
    mark by which value is volume times average price is taken. Else a volume such as ``1.234`` has
    groups of thousands, because copies are whole.
    """
    if hints.decimal_mark is not None:
        return NumberConvention(hints.decimal_mark, volumes_are_whole=False)
    forms = {name: _forms(parts, name) for name in NUMBERS}
    total = sum(forms.values(), NumberForms())
    if not total.point and not total.comma:
        return NumberConvention(*_decide_unclear(parts, forms, total))
    mark: DecimalMark = "comma" if total.comma > total.point else "point"
    minority = min(total.point, total.comma)
    remark = (
        f"{minority:,} of its numbers have another decimal mark than the others, a {mark}; they "
        "are not used. Name decimal_mark if this is wrong."
    )
    volume = forms["volume"]
    fractions = volume.comma if mark == "comma" else volume.point
    return NumberConvention(mark, not fractions, remark if minority else "")


def _decide_unclear(
    parts: Sequence[RawRows], forms: dict[str, NumberForms], total: NumberForms
) -> tuple[DecimalMark, bool, str]:
    if not total.unclear_point and not total.unclear_comma:
        return "point", True, ""
    shares = {mark: _consistency(parts, mark) for mark in _MARKS}
    best = max(shares, key=lambda mark: shares[mark])
    if shares[best] >= _MAJORITY and min(shares.values()) < _CLEAR:
        return best, True, ""
    volume = forms["volume"]
    prices = sum((forms[name] for name in ("asp", "rrp")), NumberForms())
    votes_comma = volume.unclear_point + prices.unclear_comma
    votes_point = volume.unclear_comma + prices.unclear_point
    if not votes_comma and not votes_point:
        votes_comma, votes_point = total.unclear_point, total.unclear_comma
    mark: DecimalMark = "comma" if votes_comma > votes_point else "point"
    if mark == "point" and not votes_comma and _has_plain_volumes(parts):
        return mark, True, ""
    example = "1.234 is read as 1234" if mark == "comma" else "1,234 is read as 1234"
    return mark, True, f"No cell shows the decimal mark; {example}. Name decimal_mark to be sure."


def _has_plain_volumes(parts: Sequence[RawRows]) -> bool:
    """Return whether some volume has no mark: where all are like 12,000 it may be decimal."""
    return any(
        pc.any(pc.match_substring_regex(texts_and_codes(part.table["volume"])[0], _PLAIN)).as_py()
        for part in parts
    )


def _forms(parts: Sequence[RawRows], name: str) -> NumberForms:
    found = NumberForms()
    for part in parts:
        if name in part.table.column_names:
            texts, codes = texts_and_codes(part.table[name])
            typed = part.numbers.get(name)
            if typed is not None:
                texts = texts.take(pa.array(np.unique(codes[np.isnan(typed)])))
            found += NumberForms.of(texts)
    return found


def _consistency(parts: Sequence[RawRows], mark: DecimalMark) -> float:
    """Return the share of rows in which value is volume times average price."""
    sizes = [(len(close), close.sum()) for close in _close_rows(parts, mark)]
    rows = sum(n for n, _ in sizes)
    return float(sum(close for _, close in sizes) / rows) if rows else 0.0


def _close_rows(parts: Sequence[RawRows], mark: DecimalMark) -> Iterator[np.ndarray]:
    wanted = ("volume", "value", "asp")
    left = _SAMPLE
    for part in parts:
        if left <= 0 or not set(wanted) <= set(part.table.column_names):
            continue
        columns = {}
        for name in wanted:
            texts, codes = texts_and_codes(part.table[name].slice(0, left))
            columns[name] = parse_numbers(texts, mark)[codes]
            typed = part.numbers.get(name)
            if typed is not None:
                columns[name] = np.where(np.isnan(typed[:left]), columns[name], typed[:left])
        left -= part.table.num_rows
        expected = columns["volume"] * columns["asp"]
        given = np.isfinite(columns["value"]) & np.isfinite(expected) & (expected > 0)
        close = np.abs(columns["value"] / np.where(given, expected, 1.0) - 1) <= _SAME_PRICE
        yield close[given]
