"""Reader of text exports: usual encodings and delimiters, blank lines and ragged rows."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from book_forecast.bookscan.cell_hashes import hash_rows
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.isbn import is_isbn
from book_forecast.bookscan.readers.encodings import MARK, REASON
from book_forecast.bookscan.readers.text_layout import PASSED_OVER, TextLayout, find_text_layout
from book_forecast.bookscan.rows import (
    CHUNK_ROWS,
    TEXT,
    Layout,
    RawRows,
    UnreadableRow,
    texts_and_codes,
)
from book_forecast.storage.errors import UserError

# pyarrow reads many blocks ahead; a row must fit into one.
_BLOCK_BYTES = 1 << 22
_LONGEST_VALUE = 200
_CUT = "the file ends inside this row: it is cut, export it again"


def read_csv(path: Path, name: str, hints: ExportHints) -> Iterator[RawRows]:
    """Read a text export in chunks.

    The encoding is UTF-8, UTF-16 or Windows-1252; commas, semicolons, tabs or bars separate cells.
    Bytes of Windows-1252 in a UTF-8 file are decoded as such, and their rows are reported. A row
    with too many cells is unreadable. One with too few has empty cells at its end; if it spans
    several lines, each of them is unreadable. So is a last row without its end.

    Args:
        path: The local file.
        name: Its name in messages and rows.
        hints: Columns, delimiter and encoding that the user names.

    Yields:
        The rows below the header; an empty part where there are none.

    Raises:
        UserError: The file is not text, lacks a required column, or ends inside a quotation.
    """
    layout = find_text_layout(path, name, hints)
    if not layout.has_rows:
        yield _Chunks(name, layout).take_rest()
        return
    chunks = _Chunks(name, layout, is_cut=not _ends_with_line(path))
    try:
        with _open(path, layout, chunks) as batches:
            for table in _gather(batches):
                yield chunks.take(table)
        rest = chunks.take_rest()
        if len(rest.rows) or rest.unreadable:
            yield rest
    except (pa.ArrowInvalid, UnicodeError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{name} cannot be read beyond row {chunks.next_row - 1} ({reason}). Look there for "
            "a quotation mark that is not closed, or export the file again."
        ) from error


def _notes(layout: TextLayout, is_cut: bool) -> tuple[str, ...]:
    mixed = "Some characters are Windows-1252 in a UTF-8 file."
    volume_is_last = layout.header.positions.get("volume") == layout.header.width - 1
    cut = "Its last line has no end: the last volume may be cut. Export it again to be sure."
    return (mixed,) * layout.encoding.mixed + (cut,) * (is_cut and volume_is_last)


def _ends_with_line(path: Path) -> bool:
    """Return whether the last line of a file is complete, in any encoding."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8))
        return file.read().rstrip(b"\0 ").endswith((b"\n", b"\r"))


def _gather(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join batches to tables of `CHUNK_ROWS` or more, with one dictionary a column."""
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(part.num_rows for part in gathered) >= CHUNK_ROWS:
            yield pa.Table.from_batches(gathered).unify_dictionaries().combine_chunks()
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered).unify_dictionaries().combine_chunks()


class _Chunks:
    """Numbers the rows of successive batches, and handles rows that do not fit the header."""

    def __init__(self, name: str, layout: TextLayout, is_cut: bool = False) -> None:
        self.next_row = layout.header_row + 1
        self._is_cut = is_cut
        self._short_rows = 0
        self._shown = Layout(
            file=name,
            format="csv",
            encoding=layout.encoding.name,
            delimiter=layout.delimiter,
            header_row=layout.header_row,
            headings=layout.header.headings,
            passed_over=layout.header.passed_over,
            notes=_notes(layout, is_cut),
        )
        self._layout = layout
        self._ragged: dict[int, str] = {}

    def __call__(self, row: pa_csv.InvalidRow) -> str:
        """Store a ragged row; pyarrow calls this while it parses."""
        # pyarrow counts lines from the start of the file; a quoted heading may span several.
        layout = self._layout
        text = row.text.replace(MARK, "") if layout.encoding.mixed else row.text
        self._ragged[row.number - layout.header_line + layout.header_row] = text
        return "skip"

    def take(self, table: pa.Table) -> RawRows:
        """Number the rows of a batch, and add its rows with too few cells."""
        ragged = np.array(sorted(self._ragged), dtype=np.int64)
        candidates = np.arange(self.next_row, self.next_row + table.num_rows + len(ragged))
        rows = np.setdiff1d(candidates, ragged, assume_unique=True)[: table.num_rows]
        if len(rows):
            self.next_row = int(rows[-1]) + 1
        return self._repair(table, rows, [int(row) for row in ragged if row < self.next_row])

    def take_rest(self) -> RawRows:
        """Return the rows with too few cells after the last batch."""
        empty = pa.table({str(at): pa.array([], TEXT) for at in self._layout.columns.values()})
        cut: list[UnreadableRow] = []
        last = max(self._ragged, default=0)
        only_one = not self._short_rows and len(self._ragged) == 1
        if self._is_cut and only_one and self._is_sale(self._ragged[last]):
            cut = [UnreadableRow(last, self._ragged.pop(last)[:_LONGEST_VALUE], _CUT)]
        rest = self._repair(empty, np.empty(0, np.int64), sorted(self._ragged))
        rest.unreadable.extend(cut)
        return rest

    def _is_sale(self, text: str) -> bool:
        cells = _split(text, self._layout.delimiter) or []
        at = self._layout.columns["isbn"]
        return len(cells) > at and is_isbn(cells[at])

    def _repair(self, table: pa.Table, rows: np.ndarray, ragged: list[int]) -> RawRows:
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
                self._short_rows += 1
        table = table.rename_columns(list(layout.columns))
        for at in sorted(_find_swallowing(table, layout), reverse=True):
            cells = [str(column[at].as_py()) for column in table.columns]
            unreadable += _unreadable(int(rows[at]), layout.delimiter.join(cells))
            table = pa.concat_tables([table[:at], table[at + 1 :]])
            rows = np.delete(rows, at)
        if short:
            columns = {
                column: pa.array([cells[at] for cells in short.values()]).cast(TEXT)
                for column, at in layout.columns.items()
            }
            table = pa.concat_tables([table, pa.table(columns)])
            rows = np.concatenate([rows, np.array(list(short), dtype=np.int64)])
        return self._assemble(table, rows, unreadable)

    def _assemble(
        self, table: pa.Table, rows: np.ndarray, unreadable: list[UnreadableRow]
    ) -> RawRows:
        guessed: list[UnreadableRow] = []
        if self._layout.encoding.mixed:
            table, guessed = _remove_marks(table, rows)
        others = [name for name in table.column_names if name.startswith(PASSED_OVER)]
        hashes = hash_rows([table[name] for name in others])
        table = table.drop_columns(others)
        return RawRows(
            self._shown, rows, table, others=hashes, unreadable=unreadable, guessed=guessed
        )


def _remove_marks(table: pa.Table, rows: np.ndarray) -> tuple[pa.Table, list[UnreadableRow]]:
    """Return the table without the marks of guessed characters, and the cells that had some."""
    guessed = []
    for place, name in enumerate(table.column_names):
        texts, codes = texts_and_codes(table[name])
        marked = np.asarray(pc.match_substring(texts, MARK))
        if not marked.any():
            continue
        if not name.startswith(PASSED_OVER):
            for at in np.flatnonzero(marked[codes]):
                value = texts[int(codes[at])].as_py().replace(MARK, "")
                guessed.append(UnreadableRow(int(rows[at]), value[:_LONGEST_VALUE], REASON))
        clean = pc.replace_substring(texts, MARK, "").take(pa.array(codes))
        table = table.set_column(place, name, pc.dictionary_encode(clean).cast(TEXT))
    return table, guessed


def _find_swallowing(table: pa.Table, layout: TextLayout) -> set[int]:
    """Return the positions of rows with a cell that contains another row.

    An unclosed quotation mark makes such a row; it has the header's number of cells. The other
    row's ISBN inside the cell reveals it.
    """
    found: set[int] = set()
    isbn_at = layout.columns["isbn"]
    for column, at in layout.header.positions.items():
        if at <= isbn_at:
            continue
        texts, codes = texts_and_codes(table[column])
        broken = [
            number
            for number in np.flatnonzero(pc.match_substring_regex(texts, r"[\r\n]"))
            if any(
                len(cells := line.split(layout.delimiter)) > at and is_isbn(cells[isbn_at])
                for line in texts[int(number)].as_py().splitlines()[1:]
            )
        ]
        if broken:
            found.update(np.flatnonzero(np.isin(codes, broken)).tolist())
    return found


def _split(text: str, delimiter: str) -> list[str] | None:
    """Return a row's cells, or None if a cell of it contains other rows."""
    if "\n" in text.strip() or len(text) > csv.field_size_limit():
        return None
    return next(csv.reader([text], delimiter=delimiter), [])


def _unreadable(row: int, text: str) -> list[UnreadableRow]:
    lines = [line[:_LONGEST_VALUE] for line in text.splitlines() if line.strip()]
    if len(lines) == 1:
        reason = "more cells than the header: a delimiter inside a cell without quotation marks?"
    else:
        reason = "no fit for the header, over several lines: a quotation mark that is not closed?"
    # Each line counts, so that an unclosed quotation mark raises the share of rejected rows.
    return [UnreadableRow(row, line, reason) for line in lines]


def _open(path: Path, layout: TextLayout, on_ragged: _Chunks) -> pa_csv.CSVStreamingReader:
    names = [str(at) for at in range(layout.width)]
    wanted = [str(at) for at in layout.columns.values()]
    return pa_csv.open_csv(
        layout.encoding.open(path) if layout.encoding.mixed else path,
        read_options=pa_csv.ReadOptions(
            use_threads=False,  # with threads pyarrow does not number ragged rows
            block_size=_BLOCK_BYTES,
            skip_rows=layout.header_line,
            column_names=names,
            encoding=layout.encoding.name,
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
