"""Reading text exports: any usual encoding and delimiter, blank lines and ragged rows."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from book_forecast.bookscan.columns import (
    HEADER_SEARCH,
    DoubledColumnError,
    MissingColumnsError,
    find_header,
)
from book_forecast.bookscan.isbn import is_isbn
from book_forecast.bookscan.rows import TEXT, RawRows, UnreadableRow, texts_and_codes
from book_forecast.storage.errors import UserError

_BLOCK_BYTES = 1 << 25
_SNIFFED_BYTES = 1 << 18
_DELIMITERS = ",;\t|"
_LONGEST_VALUE = 200
_ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True)
class _Layout:
    """How a text export is laid out; rows and lines count from 1."""

    encoding: str
    delimiter: str
    width: int
    places: dict[str, int]
    header_row: int
    header_line: int
    header_is_all: bool


def read_csv(path: Path, name: str) -> Iterator[RawRows]:
    """Read a text export a stretch at a time.

    UTF-8 with or without mark, UTF-16 with mark, otherwise Windows-1252; comma, semicolon, tab or
    bar between the cells. A row with too many cells is handed on as unreadable; one with too few is
    taken as if its last cells were empty, unless it spans lines: then each line is unreadable.

    Args:
        path: The local file.
        name: How to name it in messages and in the rows.

    Yields:
        The rows below the header.

    Raises:
        UserError: It is not text, its header lacks a needed column, or it breaks off in a quote.
    """
    layout = _find_layout(path, name)
    if layout.header_is_all:
        return
    stretches = _Stretches(name, layout)
    try:
        for batch in _open(path, layout, stretches):
            yield stretches.take(pa.Table.from_batches([batch]))
        rest = stretches.take_rest()
        if len(rest.rows) or rest.unreadable:
            yield rest
    except (pa.ArrowInvalid, UnicodeError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{name} cannot be read beyond row {stretches.next_row - 1} ({reason}). Look there for "
            "a quotation mark that is not closed, or export the file again."
        ) from error


class _Stretches:
    """Numbers the rows of successive batches, and sees to those that do not fit the header."""

    def __init__(self, name: str, layout: _Layout) -> None:
        self.next_row = layout.header_row + 1
        self._name = name
        self._layout = layout
        self._ragged: dict[int, str] = {}

    def __call__(self, row: pa_csv.InvalidRow) -> str:
        """Keep a ragged row for later; pyarrow calls this while it parses."""
        # pyarrow counts from the file's first line, where a quoted heading may span several.
        layout = self._layout
        self._ragged[row.number - layout.header_line + layout.header_row] = row.text
        return "skip"

    def take(self, table: pa.Table) -> RawRows:
        """Number a batch, and add the rows among it that were too short."""
        ragged = np.array(sorted(self._ragged), dtype=np.int64)
        candidates = np.arange(self.next_row, self.next_row + table.num_rows + len(ragged))
        rows = np.setdiff1d(candidates, ragged, assume_unique=True)[: table.num_rows]
        if len(rows):
            self.next_row = int(rows[-1]) + 1
        return self._mend(table, rows, [int(row) for row in ragged if row < self.next_row])

    def take_rest(self) -> RawRows:
        """Return the rows that were too short after the last batch."""
        empty = pa.table({str(place): pa.array([], TEXT) for place in self._layout.places.values()})
        return self._mend(empty, np.empty(0, np.int64), sorted(self._ragged))

    def _mend(self, table: pa.Table, rows: np.ndarray, ragged: list[int]) -> RawRows:
        layout = self._layout
        short: dict[int, list[str]] = {}
        unreadable = []
        for row in ragged:
            text = self._ragged.pop(row)
            cells = _split(text, layout.delimiter)
            if cells is None or any(cell.strip() for cell in cells[layout.width :]):
                unreadable += _unreadable(row, text)
            else:
                padding = [""] * (layout.width - len(cells))
                short[row] = (cells + padding)[: layout.width]
        table = table.rename_columns(list(layout.places))
        for at in sorted(_find_swallowing(table, layout), reverse=True):
            cells = [str(column[at].as_py()) for column in table.columns]
            unreadable += _unreadable(int(rows[at]), layout.delimiter.join(cells))
            table = pa.concat_tables([table[:at], table[at + 1 :]])
            rows = np.delete(rows, at)
        if short:
            columns = {
                column: pa.array([cells[place] for cells in short.values()]).cast(TEXT)
                for column, place in layout.places.items()
            }
            table = pa.concat_tables([table, pa.table(columns)])
            rows = np.concatenate([rows, np.array(list(short), dtype=np.int64)])
        return RawRows(self._name, "", rows, table, unreadable)


def _find_swallowing(table: pa.Table, layout: _Layout) -> set[int]:
    """Return the rows of which a cell goes on into another row, at whose quotation mark it ends.

    Such a row has the header's number of cells; it shows by the other row's ISBN in its cell.
    """
    found: set[int] = set()
    isbn_at = layout.places["isbn"]
    for column, place in layout.places.items():
        if place <= isbn_at:
            continue
        texts, codes = texts_and_codes(table[column])
        broken = [
            number
            for number in np.flatnonzero(pc.match_substring_regex(texts, r"[\r\n]"))
            if any(
                len(cells := line.split(layout.delimiter)) > place and is_isbn(cells[isbn_at])
                for line in texts[int(number)].as_py().splitlines()[1:]
            )
        ]
        if broken:
            found.update(np.flatnonzero(np.isin(codes, broken)).tolist())
    return found


def _split(text: str, delimiter: str) -> list[str] | None:
    """Return a row's cells, or None where it swallows other rows in a cell without end."""
    if "\n" in text.strip() or len(text) > csv.field_size_limit():
        return None
    return next(csv.reader([text], delimiter=delimiter), [])


def _unreadable(row: int, text: str) -> list[UnreadableRow]:
    lines = [line[:_LONGEST_VALUE] for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        reason = "more cells than the header: a delimiter inside a cell without quotation marks?"
    else:
        reason = "no fit for the header, over several lines: a quotation mark that is not closed?"
    # Each line counts, so that a quotation mark that swallows half a file shows in the share.
    return [UnreadableRow(row, line, reason) for line in lines]


def _open(path: Path, layout: _Layout, on_ragged: _Stretches) -> pa_csv.CSVStreamingReader:
    names = [str(place) for place in range(layout.width)]
    wanted = [str(place) for place in layout.places.values()]
    return pa_csv.open_csv(
        path,
        read_options=pa_csv.ReadOptions(
            use_threads=False,  # with threads pyarrow does not number ragged rows
            block_size=_BLOCK_BYTES,
            skip_rows=layout.header_line,
            column_names=names,
            encoding=layout.encoding,
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=layout.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,  # they count as rows
            invalid_row_handler=on_ragged,
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(wanted, TEXT), include_columns=wanted
        ),
    )


def _find_layout(path: Path, name: str) -> _Layout:
    encoding = _find_encoding(path, name)
    with path.open("rb") as file:
        start = file.read(_SNIFFED_BYTES)
    text = start.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="ignore")
    lines = io.StringIO(text, newline=None).readlines()
    if not any(line.strip() for line in lines):
        raise UserError(f"{name} is empty. Export it again, or take it out of the folder.")
    problem: MissingColumnsError | None = None
    for delimiter in _DELIMITERS:
        try:
            header_row, header_line, width, places = _find_header(lines, delimiter)
        except MissingColumnsError as error:
            if problem is None or len(error.missing) < len(problem.missing):
                problem = error
            continue
        except DoubledColumnError as error:
            raise UserError(f"{name} cannot be used: {error}. Remove or rename one.") from error
        is_all = len(start) < _SNIFFED_BYTES and header_line >= len(lines)
        return _Layout(encoding, delimiter, width, places, header_row, header_line, is_all)
    raise UserError(
        f"{name} cannot be used: {problem}. A sales export needs ISBN, Volume, and End Date or "
        "Interval in its header; export it with them, or take it out of the folder."
    )


def _find_header(lines: list[str], delimiter: str) -> tuple[int, int, int, dict[str, int]]:
    """Return the header's row and last line, both from 1, its width and its known columns."""
    reader = csv.reader(lines, delimiter=delimiter)
    records: list[list[str]] = []
    ends: list[int] = []
    try:
        for record in islice(reader, HEADER_SEARCH):
            records.append(record)
            ends.append(reader.line_num)
    except csv.Error:  # a cell without end; what came before it may still hold the header
        pass
    place, places = find_header(records)
    return place + 1, ends[place], len(records[place]), places


def _find_encoding(path: Path, name: str) -> str:
    with path.open("rb") as file:
        start = file.read(4)
        if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        if start == _ZIP_MAGIC:
            raise UserError(
                f"{name} is no text file but looks like a workbook. Give it the ending .xlsx if "
                "it is one, or export it again as CSV."
            )
        for encoding in ("utf-8", "cp1252"):
            file.seek(0)
            if _is_text(file, encoding):
                return encoding
    raise UserError(
        f"{name} is not text in UTF-8 or Windows-1252. It may be damaged or of another kind than "
        "its name says: export it again as CSV (UTF-8)."
    )


def _is_text(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(_BLOCK_BYTES):
            if b"\0" in block:
                return False
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
