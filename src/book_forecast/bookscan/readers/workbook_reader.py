"""Reader of workbooks: every sheet with the columns of an export."""

import datetime as dt
import json
import logging
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as pa

from book_forecast.bookscan.cell_hashes import MOST_COLUMNS, hash_rows
from book_forecast.bookscan.columns import (
    HEADER_SEARCH,
    NUMBERS,
    DuplicateColumnError,
    Header,
    MissingColumnsError,
    find_header,
)
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers.refusals import refuse_columns, refuse_duplicate
from book_forecast.bookscan.readers.workbook_kinds import Kind, find_kind, has_1904_dates
from book_forecast.bookscan.readers.workbook_sheets import Sheet, open_sheets, stream_sheets
from book_forecast.bookscan.rows import CHUNK_ROWS, TEXT, Layout, RawRows
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_MOST_SHEETS = 1000
_MOST_NAMES = 5
_LONGEST_NAME = 40

_Row = tuple[int, Sequence[object]]


def read_workbook(
    path: Path, name: str, hints: ExportHints, *, streamed: bool = False
) -> Iterator[RawRows]:
    """Read a workbook in chunks.

    Sheets whose tab is hidden are passed over, unless the user names them. A warning names sheets
    without the required columns, such as notes, if another sheet has them. Empty sheets and charts
    are ignored. Cells of hidden rows and columns count as others do.

    Args:
        path: The local file.
        name: Its name in messages and rows.
        hints: Columns and sheets that the user names.
        streamed: Read an .xlsx cell by cell, in little memory.

    Yields:
        The rows below each sheet's header that are not blank; an empty part where there are none.

    Raises:
        UserError: The file is damaged, has a password, or no sheet has the required columns.
        MemoryError: A sheet needs too much memory at once.
    """
    kind = find_kind(path, name)
    if streamed and kind != "xlsx":
        raise MemoryError
    opened = stream_sheets(path, name) if streamed else open_sheets(path, name, kind)
    with opened as sheets:
        yield from _Workbook(name, kind, has_1904_dates(path, kind), hints).read(sheets)


class _Workbook:
    """Reads the sheets of one workbook, and remembers those that are no exports."""

    def __init__(self, name: str, kind: Kind, date_1904: bool, hints: ExportHints) -> None:
        self._name = name
        self._kind = kind
        self._date_1904 = date_1904
        self._hints = hints
        self._notes: tuple[str, ...] = ()
        self._ignored: list[tuple[str, MissingColumnsError, list[list[str]]]] = []

    def read(self, sheets: Sequence[Sheet]) -> Iterator[RawRows]:
        hidden = [sheet.name for sheet in sheets if sheet.hidden]
        chosen = self._choose(sheets)
        passed_over = [name for name in hidden if name not in {sheet.name for sheet in chosen}]
        if passed_over:
            self._notes = (f"Hidden sheets are passed over: {_listed(passed_over)}.",)
        used = False
        for sheet in chosen:
            for raw in self._read_sheet(sheet):
                used = True
                yield raw
        if not used:
            raise self._refuse(passed_over)
        for sheet_name, error, _ in self._ignored:
            message = f"sheet {sheet_name[:30]} of {self._name[:40]}: {error}"
            logger.warning("Ignored %.140s", message)

    def _choose(self, sheets: Sequence[Sheet]) -> list[Sheet]:
        wanted = self._hints.sheets
        if wanted is None:
            chosen = [sheet for sheet in sheets if not sheet.hidden]
            if len(chosen) > _MOST_SHEETS:
                raise UserError(
                    f"{self._name} cannot be used: it has {len(chosen):,} sheets, and at most "
                    f"{_MOST_SHEETS:,} are read. Name those with sales in the parameters, such as "
                    f"{_option(self._name, [chosen[0].name])}."
                )
            return chosen
        by_name = {sheet.name.strip().casefold(): sheet for sheet in sheets}
        unknown = [name for name in wanted if name.strip().casefold() not in by_name]
        if unknown:
            raise UserError(
                f"{self._name} has no sheet {_listed(unknown)}, which exports names. Its sheets are"
                f" {_listed([sheet.name for sheet in sheets], 300, 12)}. Correct the name."
            )
        return [by_name[name.strip().casefold()] for name in dict.fromkeys(wanted)]

    def _read_sheet(self, sheet: Sheet) -> Iterator[RawRows]:
        cells = enumerate(sheet.rows(), start=1)
        top = list(islice(cells, HEADER_SEARCH))
        if not any(map(_is_filled, top)):
            return
        texts = [[_cell_text(cell) for cell in row] for _, row in top]
        try:
            header = find_header(texts, self._hints.columns)
        except DuplicateColumnError as error:
            raise refuse_duplicate(self._name, error, sheet.name) from error
        except MissingColumnsError as error:
            if self._hints.sheets is not None:
                raise refuse_columns(
                    self._name, error, texts, self._hints.columns, sheet.name
                ) from error
            self._ignored.append((sheet.name, error, texts))
            return
        layout = Layout(
            file=self._name,
            sheet=sheet.name,
            format=self._kind,
            header_row=header.row + 1,
            headings=header.headings,
            passed_over=header.passed_over,
            date_1904=self._date_1904,
            notes=self._notes,
        )
        self._notes = ()
        below = filter(_is_filled, chain(top[header.row + 1 :], cells))
        chunk = list(islice(below, CHUNK_ROWS))
        while True:
            yield _raw_rows(layout, header, chunk)
            if not (chunk := list(islice(below, CHUNK_ROWS))):
                return

    def _refuse(self, hidden: Sequence[str]) -> UserError:
        if self._ignored:
            sheet, error, texts = min(self._ignored, key=lambda item: len(item[1].missing))
            refusal = refuse_columns(self._name, error, texts, self._hints.columns, sheet)
            if not hidden:
                return refusal
        reason = "no visible sheet is an export" if self._ignored else "every sheet is empty"
        if not hidden:
            return UserError(
                f"{self._name} cannot be used: {reason}. Export it again, or remove it from the "
                "folder."
            )
        return UserError(
            f"{self._name} cannot be used: {reason}, and the sheets {_listed(hidden)} are hidden. "
            f"Show the sheet with the sales in Excel, or name it in the parameters, such as "
            f"{_option(self._name, hidden[:1])}."
        )


def _option(name: str, sheets: Sequence[str]) -> str:
    listed = ", ".join(json.dumps(sheet[:_LONGEST_NAME], ensure_ascii=False) for sheet in sheets)
    return f'exports: {{"{name}": {{sheets: [{listed}]}}}}'


def _listed(names: Sequence[str], room: int = 200, most: int = _MOST_NAMES) -> str:
    shown: list[str] = []
    for name in names[:most]:
        if shown and len(", ".join([*shown, name])) > room:
            break
        shown.append(name[:_LONGEST_NAME])
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _is_filled(row: _Row) -> bool:
    cells = row[1]
    if len(cells) and cells[0] is not None and cells[0] != "":
        return True
    return cells.count(None) + cells.count("") < len(cells)  # fast for a million blank rows


def _raw_rows(layout: Layout, header: Header, chunk: Sequence[_Row]) -> RawRows:
    rows = np.array([number for number, _ in chunk], dtype=np.int64)
    cells_of = {column: _cells(chunk, at) for column, at in header.positions.items()}
    table = pa.table({column: _column(cells) for column, cells in cells_of.items()})
    numbers = {column: _numbers(cells_of[column]) for column in NUMBERS if column in cells_of}
    others = [pa.chunked_array([_column(_cells(chunk, at))]) for at in header.others[:MOST_COLUMNS]]
    hashes = hash_rows(others)
    return RawRows(layout, rows, table, numbers, hashes)


def _cells(chunk: Sequence[_Row], at: int) -> list[object]:
    return [row[at] if at < len(row) else None for _, row in chunk]


def _numbers(cells: Sequence[object]) -> np.ndarray:
    # A bool is an int, but no number of copies.
    return np.array(
        [float(cell) if type(cell) in (int, float) else np.nan for cell in cells],  # type: ignore[arg-type]
        dtype=np.float64,
    )


def _column(cells: Sequence[object]) -> pa.DictionaryArray:
    converted: dict[tuple[type, object], str] = {}
    texts = []
    for cell in cells:
        if type(cell) is str:
            texts.append(cell)
            continue
        # Without the type, 1, 1.0 and True are the same key.
        key = (type(cell), cell)
        if key not in converted:
            converted[key] = _cell_text(cell)
        texts.append(converted[key])
    return pa.array(texts, pa.string()).dictionary_encode().cast(TEXT)


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.date):
        return cell.isoformat()
    return str(cell)
