"""Raw rows on their way from a file to the cleaning rules."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK_ROWS = 250_000
"""How many rows a reader hands on at a time; it bounds memory."""

TEXT = pa.dictionary(pa.int32(), pa.string())
"""The type of every raw column: texts, each distinct one stored once."""


@dataclass(frozen=True)
class UnreadableRow:
    """A row that has no cells to clean, because it does not fit the header."""

    row: int
    value: str
    reason: str


@dataclass(frozen=True)
class RawRows:
    """Some rows of one sheet, as text.

    Attributes:
        file: Name of the file.
        sheet: Name of the sheet; empty where the format has none.
        rows: Number of each row as a spreadsheet shows it: the header is row 1 where nothing
            stands above it, blank lines count.
        table: One column of type `TEXT` per known column of the sheet, named as in
            `columns.LABELS`; an empty cell is an empty text, never null.
        unreadable: Rows of the same stretch that have no place in `table`.
    """

    file: str
    sheet: str
    rows: np.ndarray
    table: pa.Table
    unreadable: list[UnreadableRow] = field(default_factory=list)


def to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Turn a column of any simple type into `TEXT`; null becomes the empty text.

    Args:
        column: Numbers, texts, dates, times or truth values.

    Returns:
        As many texts; dates in ISO form, in their own time zone.

    Raises:
        pyarrow.ArrowInvalid: The type has no text form, such as a list.
        pyarrow.ArrowNotImplementedError: Likewise.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = pc.local_timestamp(column)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise pa.ArrowInvalid("binary values are no text")
    texts = column.cast(pa.string()).fill_null("")
    return pc.dictionary_encode(texts).cast(TEXT)


def texts_and_codes(column: pa.ChunkedArray) -> tuple[pa.StringArray, np.ndarray]:
    """Split a raw column into its distinct texts and each row's place among them.

    Args:
        column: A column of `RawRows.table`.

    Returns:
        The distinct texts, and one int per row.
    """
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # how pyarrow gives back a column without chunks
        return pa.array([], pa.string()), np.empty(0, np.int32)
    return whole.dictionary, whole.indices.to_numpy(zero_copy_only=False)
