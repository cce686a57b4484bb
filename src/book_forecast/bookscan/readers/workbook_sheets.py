"""The sheets of a workbook, whichever library reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from book_forecast.bookscan.readers.workbook_kinds import Kind, damaged, password

_MOST_STREAMED_COLUMNS = 100


@dataclass(frozen=True)
class Sheet:
    """A worksheet.

    Attributes:
        name: As its tab shows it.
        hidden: Whether its tab is hidden.
        rows: Opens its rows: all rows from the first one, None or an empty text for empty cells.
    """

    name: str
    hidden: bool
    rows: Callable[[], Iterator[Sequence[object]]]


@contextmanager
def open_sheets(path: Path, name: str, kind: Kind) -> Iterator[list[Sheet]]:
    """Open the worksheets of a workbook; charts are left out.

    Each sheet is loaded whole as a rectangle, which is fast, but takes memory for empty cells too.

    Raises:
        UserError: The workbook is damaged or has a password; opening the rows may raise it too.
    """
    with _open(path, name, kind) as book:

        def rows_of(sheet: str) -> Iterator[Sequence[object]]:
            try:
                cells = book.get_sheet_by_name(sheet)
            except CalamineError as error:
                raise damaged(name, error) from error
            return iter(()) if cells.height == 0 else cells.iter_rows()

        yield [
            Sheet(
                info.name,
                info.visible != SheetVisibleEnum.Visible,
                lambda sheet=info.name: rows_of(sheet),  # type: ignore[misc]
            )
            for info in book.sheets_metadata
            if info.typ == SheetTypeEnum.WorkSheet
        ]


@contextmanager
def stream_sheets(path: Path, name: str) -> Iterator[list[Sheet]]:
    """Open the worksheets of an .xlsx cell by cell, which is slow, but takes little memory.

    Cells beyond column 100 are left out.

    Raises:
        UserError: The workbook is damaged; opening or reading the rows may raise it too.
    """
    import openpyxl  # the usual way does without it, which saves its start

    def rows_of(sheet: str) -> Iterator[Sequence[object]]:
        try:
            yield from book[sheet].iter_rows(max_col=_MOST_STREAMED_COLUMNS, values_only=True)
        except (ValueError, KeyError, TypeError, SyntaxError, EOFError) as error:
            raise damaged(name, error) from error

    try:
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True)
            yield [
                Sheet(
                    sheet.title,
                    sheet.sheet_state != "visible",
                    lambda sheet=sheet.title: rows_of(sheet),  # type: ignore[misc]
                )
                for sheet in book.worksheets
            ]
    except (ValueError, KeyError, TypeError, SyntaxError, EOFError) as error:
        raise damaged(name, error) from error


def _open(path: Path, name: str, kind: Kind) -> CalamineWorkbook:
    try:
        if path.suffix.lower() in (f".{kind}", ".xlsm" if kind == "xlsx" else ""):
            return CalamineWorkbook.from_path(path)
        # By its content, because the ending is that of another kind.
        with path.open("rb") as file:
            return CalamineWorkbook.from_filelike(file)
    except PasswordError as error:
        raise password(name) from error
    except CalamineError as error:
        raise damaged(name, error) from error
