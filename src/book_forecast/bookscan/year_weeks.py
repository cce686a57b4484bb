"""Weeks that an export has in two columns: a year and the number of the week."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from book_forecast.bookscan.rows import TEXT, RawRows, texts_and_codes

_LAST_WEEK = 53
_MOSTLY = 0.5


def join_years(raw: RawRows) -> RawRows:
    """Return rows whose intervals are a year and a week, from columns with one of them each.

    The week's number is in the column of intervals or in that of dates. Rows without a column of
    years, and those whose weeks are whole intervals or dates, stay as they are.
    """
    names = raw.table.column_names
    weeks = next((name for name in ("interval", "end_date") if name in names), None)
    if "year" not in names or weeks is None:
        return raw
    week_texts, week_codes = texts_and_codes(raw.table[weeks])
    numbers = [_number(text) for text in week_texts.to_pylist()]
    filled = [text for text in week_texts.to_pylist() if text.strip()]
    if sum(number is not None for number in numbers) <= _MOSTLY * len(filled):
        return raw
    year_texts, year_codes = texts_and_codes(raw.table["year"])
    years = [text.strip().removesuffix(".0") for text in year_texts.to_pylist()]
    pairs, of_rows = np.unique(
        year_codes.astype(np.int64) * len(numbers) + week_codes, return_inverse=True
    )
    texts = [_join(years[pair // len(numbers)], numbers[pair % len(numbers)]) for pair in pairs]
    joined = pa.DictionaryArray.from_arrays(
        pa.array(of_rows, pa.int32()), pa.array(texts, pa.string())
    )
    table = raw.table.drop_columns([weeks]).append_column("interval", joined.cast(TEXT))
    return replace(raw, table=table)


def _number(text: str) -> int | None:
    bare = text.strip().lower().removeprefix("week").removeprefix("wk").removeprefix("w")
    bare = bare.removeprefix("kw").strip().removesuffix(".0")
    number = int(bare) if bare.isdecimal() else 0
    return number if 1 <= number <= _LAST_WEEK else None


def _join(year: str, week: int | None) -> str:
    return "" if week is None or not year else f"{year}{week:02d}"
