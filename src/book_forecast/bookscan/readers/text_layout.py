"""Encoding, delimiter and header of a text export."""

import csv
import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from book_forecast.bookscan.cell_hashes import MOST_COLUMNS
from book_forecast.bookscan.columns import (
    HEADER_SEARCH,
    DuplicateColumnError,
    Header,
    MissingColumnsError,
    find_header,
)
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers.encodings import TextEncoding, find_encoding
from book_forecast.bookscan.readers.refusals import refuse_columns, refuse_duplicate
from book_forecast.storage.errors import UserError

PASSED_OVER = "passed over "
"""Begins the names of columns that are read for their hashes alone."""

_SNIFFED_BYTES = 1 << 18
_DELIMITERS = ",;\t|"
_MOST_CELLS = 2000


@dataclass(frozen=True)
class TextLayout:
    """Layout of a text export; rows and lines count from 1.

    Attributes:
        encoding: How its bytes become characters.
        delimiter: Between cells.
        header: Its known columns.
        header_row: Row of the header.
        header_line: Last line of that row.
        has_rows: Whether anything is below it.
        columns: Places of the known columns and of those that are passed over.
    """

    encoding: TextEncoding
    delimiter: str
    header: Header
    header_row: int
    header_line: int
    has_rows: bool
    columns: dict[str, int]

    @property
    def width(self) -> int:
        """Number of the header's cells."""
        return self.header.width


def find_text_layout(path: Path, name: str, hints: ExportHints) -> TextLayout:
    """Find encoding, delimiter and header of a text export.

    Args:
        path: The local file.
        name: Its name in messages.
        hints: Columns, delimiter and encoding that the user names.

    Raises:
        UserError: The file is empty, no text, or has no header with the required columns.
    """
    encoding = find_encoding(path, name, hints.encoding)
    with path.open("rb") as file:
        start = file.read(_SNIFFED_BYTES)
    whole = len(start) < _SNIFFED_BYTES
    lines = io.StringIO(encoding.decode(start), newline=None).readlines()
    if whole and not any(line.strip() for line in lines):
        raise UserError(f"{name} is empty. Export it again, or remove it from the folder.")
    if not whole and len(lines) == 1:
        raise _no_header(name)
    given = hints.delimiter and ("\t" if hints.delimiter == "tab" else hints.delimiter)
    problems: list[tuple[MissingColumnsError, list[list[str]]]] = []
    for delimiter in given or _DELIMITERS:
        records, ends = _first_records(lines, delimiter)
        try:
            header = find_header(records, hints.columns)
        except MissingColumnsError as error:
            problems.append((error, records))
            continue
        except DuplicateColumnError as error:
            raise refuse_duplicate(name, error) from error
        if header.width > _MOST_CELLS:
            raise UserError(
                f"{name} cannot be used: its header has {header.width:,} cells, and at most "
                f"{_MOST_CELLS:,} are read. Export it again, or remove it from the folder."
            )
        header_line = ends[header.row]
        if not whole and header_line == len(lines):
            raise _no_header(name)
        has_rows = not whole or header_line < len(lines)
        columns = _columns(header)
        return TextLayout(
            encoding, delimiter, header, header.row + 1, header_line, has_rows, columns
        )
    # Of several delimiters the one that finds most headings is the right one.
    nearest = min(problems, key=lambda item: (len(item[0].missing), -_width(item[1])))
    raise refuse_columns(name, *nearest, hints.columns)


def _no_header(name: str) -> UserError:
    return UserError(
        f"{name} cannot be used: its first line is longer than {_SNIFFED_BYTES:,} bytes, and no "
        "header is. Export it again, or remove it from the folder."
    )


def _width(records: list[list[str]]) -> int:
    return max((len(record) for record in records), default=0)


def _columns(header: Header) -> dict[str, int]:
    """Return the places of the known columns, and of those that are passed over."""
    return header.positions | {f"{PASSED_OVER}{at}": at for at in header.others[:MOST_COLUMNS]}


def _first_records(lines: list[str], delimiter: str) -> tuple[list[list[str]], list[int]]:
    """Return the first records, and the last line of each, from 1."""
    reader = csv.reader(lines, delimiter=delimiter)
    records: list[list[str]] = []
    ends: list[int] = []
    try:
        for record in islice(reader, HEADER_SEARCH):
            records.append(record)
            ends.append(reader.line_num)
    except csv.Error:  # an unclosed cell; an earlier record may be the header
        pass
    return records, ends
