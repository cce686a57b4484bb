"""Raw rows: the cells of a file as text, before any rule is applied."""

from collections.abc import Mapping
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
class Layout:
    """What a reader has found out about a sheet before its rows.

    Attributes:
        file: Path below the folder of exports, with ``/``; inside an archive ``a.zip/b.csv``.
        sheet: Name of the sheet; empty where the format has none.
        format: Suffix of the format that was read, such as ``csv`` or ``xlsx``.
        encoding: Of a text file.
        delimiter: Of a text file.
        header_row: Number of the header's row, from 1.
        headings: The file's heading of each known column.
        passed_over: Headings of the other columns.
        date_1904: Whether serial numbers of days count from 1904.
        notes: Sentences about what was passed over or guessed: hidden sheets, another encoding.
    """

    file: str
    sheet: str = ""
    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    header_row: int = 1
    headings: Mapping[str, str] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()
    date_1904: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_title_list(self) -> bool:
        """Whether the sheet is a list of titles; an export has volumes."""
        return "volume" not in self.headings


@dataclass(frozen=True)
class RawRows:
    """Some rows of one sheet.

    Attributes:
        layout: The sheet; the same object for all of its rows.
        rows: Number of each row as a spreadsheet shows it: the first row of the file is row 1, and
            blank lines count.
        table: One column of type `TEXT` per known column of the sheet, named as in
            `columns.ALL_LABELS`; an empty cell is an empty text, never null.
        numbers: Cells that the file itself holds as numbers, by column of `columns.NUMBERS`: one
            float64 a row, NaN where the cell is text. No convention of texts applies to them.
        others: A hash of each row's cells in the columns that are passed over, as uint64; None
            where there are none.
        unreadable: Rows of the same chunk that are not in `table`.
        guessed: Rows of the same chunk that are in `table` and were read by a guess, such as one
            with a character of another encoding.
    """

    layout: Layout
    rows: np.ndarray
    table: pa.Table
    numbers: Mapping[str, np.ndarray] = field(default_factory=dict)
    others: np.ndarray | None = None
    unreadable: list[UnreadableRow] = field(default_factory=list)
    guessed: list[UnreadableRow] = field(default_factory=list)

    @property
    def file(self) -> str:
        """The file of the rows."""
        return self.layout.file

    @property
    def sheet(self) -> str:
        """The sheet of the rows."""
        return self.layout.sheet


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
