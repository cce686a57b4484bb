"""Reader of workbooks: every sheet with the columns of an export."""

import datetime as dt
import logging
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
)

from book_forecast.bookscan.columns import (
    HEADER_SEARCH,
    NUMBERS,
    DuplicateColumnError,
    MissingColumnsError,
    find_header,
)
from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.rows import CHUNK_ROWS, TEXT, Layout, RawRows
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

# Both encrypted .xlsx files and old .xls workbooks are containers of this kind.
_OLE_MAGIC = b"\xd0\xcf\x11\xe0"


def read_workbook(path: Path, name: str, hints: ExportHints) -> Iterator[RawRows]:
    """Read a workbook in chunks.

    A warning names sheets without the required columns, such as notes, if another sheet has them.
    Empty sheets and charts are ignored.

    Args:
        path: The local file.
        name: Its name in messages and rows.
        hints: Columns and sheets that the user names.

    Yields:
        The rows below each sheet's header; an empty part where there are none.

    Raises:
        UserError: The file is damaged, has a password, or no sheet has the required columns.
    """
    ignored: list[str] = []
    used = 0
    with _open(path, name) as book:
        for info in book.sheets_metadata:
            if info.typ != SheetTypeEnum.WorkSheet:
                continue
            try:
                sheet = book.get_sheet_by_name(info.name)
            except CalamineError as error:
                raise _damaged(name, error) from error
            if sheet.height == 0:
                continue
            try:
                yield from _read_sheet(sheet, name, hints)
                used += 1
            except MissingColumnsError as error:
                ignored.append(f"{info.name}: {error}")
            except DuplicateColumnError as error:
                raise UserError(
                    f"Sheet {info.name} of {name} cannot be used: {error}. Remove or rename one."
                ) from error
    if not used:
        raise UserError(
            f"{name} cannot be used: no sheet has the columns ISBN, Volume, and End Date or "
            f"Interval ({'; '.join(ignored) or 'every sheet is empty'}). Export it with them, or "
            "remove it from the folder."
        )
    for sheet_problem in ignored:
        logger.warning("Ignored a sheet of %s that is no export, %s", name, sheet_problem)


def _open(path: Path, name: str) -> CalamineWorkbook:
    with path.open("rb") as file:
        start = file.read(len(_OLE_MAGIC))
    if start == _OLE_MAGIC:
        raise UserError(
            f"{name} has a password or is an old .xls by another name. Open it in Excel and save "
            "it as .xlsx without a password."
        )
    try:
        return CalamineWorkbook.from_path(path)
    except PasswordError as error:
        raise UserError(f"{name} has a password. Save it without one.") from error
    except CalamineError as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> UserError:
    return UserError(
        f"{name} cannot be read as a workbook ({error}). It may be damaged or only half copied: "
        "export or copy it again, or remove it from the folder."
    )


def _read_sheet(sheet: CalamineSheet, name: str, hints: ExportHints) -> Iterator[RawRows]:
    cells = sheet.iter_rows()
    top = list(islice(cells, HEADER_SEARCH))
    header = find_header([[_cell_text(cell) for cell in row] for row in top], hints.columns)
    below = chain(top[header.row + 1 :], cells)
    first_row = header.row + 2
    layout = Layout(
        file=name,
        sheet=sheet.name,
        format="xlsx",
        header_row=header.row + 1,
        headings=header.headings,
        passed_over=header.passed_over,
    )
    chunk = list(islice(below, CHUNK_ROWS))
    while True:
        cells_of = {column: [row[at] for row in chunk] for column, at in header.positions.items()}
        table = pa.table({column: _column(cells) for column, cells in cells_of.items()})
        numbers = {column: _numbers(cells_of[column]) for column in NUMBERS if column in cells_of}
        rows = np.arange(first_row, first_row + len(chunk))
        yield RawRows(layout, rows, table, numbers)
        first_row += len(chunk)
        if not (chunk := list(islice(below, CHUNK_ROWS))):
            return


def _numbers(cells: Sequence[object]) -> np.ndarray:
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
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.date):
        return cell.isoformat()
    return str(cell)
