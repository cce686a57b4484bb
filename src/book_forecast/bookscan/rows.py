"""Raw rows: the texts of a file, before any rule is applied."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CHUNK_ROWS = 250_000
"""Rows that a reader yields at once, which bounds memory."""

TEXT = pa.dictionary(pa.int32(), pa.string())
"""The type of every raw column: dictionary-encoded texts."""


@dataclass(frozen=True)
class UnreadableRow:
    """A row without cells, because it does not fit the header."""

    row: int
    value: str
    reason: str


@dataclass(frozen=True)
class RawRows:
    """Some rows of one sheet, as text.

    Attributes:
        file: Name of the file.
        sheet: Name of the sheet; empty where the format has none.
        rows: Number of each row as a spreadsheet shows it: the first row of the file is row 1, and
            blank lines count.
        table: One column of type `TEXT` per known column of the sheet, named as in
            `columns.LABELS`; an empty cell is an empty text, never null.
        unreadable: Rows of the same chunk that are not in `table`.
    """

    file: str
    sheet: str
    rows: np.ndarray
    table: pa.Table
    unreadable: list[UnreadableRow] = field(default_factory=list)


def to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert a column of any simple type to `TEXT`: null to the empty text, dates to ISO form.

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
    """Return the distinct texts of a column of `RawRows.table`, and the code of each row."""
    whole = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # pyarrow returns one for a column without chunks
        return pa.array([], pa.string()), np.empty(0, np.int32)
    return whole.dictionary, whole.indices.to_numpy(zero_copy_only=False)
