"""Tables as files for spreadsheets, written row by row: memory does not grow with the rows.

Numbers are numbers and dates are dates. No text is a formula, whatever it begins with.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any, Literal, NamedTuple

MOST_ROWS = 1_048_575
"""Rows of a sheet below its headings."""
_LONGEST_TEXT = 32_767
# A spreadsheet takes a text that begins like this for a formula.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001
_HIDDEN_FORMULA = re.compile(rf"([;|\t\r\n]\s*[\"']?)(?=[{re.escape(''.join(_FORMULA))}])")

Kind = Literal["text", "copies", "whole", "share", "ratio", "money", "day"]
_FORMATS = {
    "copies": "#,##0.0",
    "whole": "#,##0",
    "share": "0%",
    "ratio": "0.00",
    "money": "#,##0.00",
    "day": "yyyy-mm-dd",
}


class Column(NamedTuple):
    """A column of a sheet.

    Attributes:
        heading: A text, or a day.
        kind: Of its values.
        width: In characters.
    """

    heading: str | dt.date
    kind: Kind = "text"
    width: int = 12


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        name: At most 31 characters.
        columns: Of its rows.
        rows: Values by column; None is an empty cell. They are read once.
        frozen: Columns that stay in place when a reader scrolls.
        is_about: Whether it describes the others: no headings, but names in its first column.
    """

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    frozen: int = 0
    is_about: bool = False


def about(rows: Iterable[Sequence[str]]) -> Sheet:
    """Return a sheet of names and texts that describes others."""
    return Sheet("About", [Column("", width=28), Column("", width=80)], rows, is_about=True)


def write_workbook(file: IO[bytes], sheets: Iterable[Sheet]) -> None:
    """Write sheets as a workbook.

    Args:
        file: Open for writing.
        sheets: At least one.
    """
    # These imports take a third of a second.
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for sheet in sheets:
        place = book.create_sheet(sheet.name)
        for number, column in enumerate(sheet.columns, start=1):
            place.column_dimensions[get_column_letter(number)].width = column.width
        cells = _Cells(place)
        if sheet.is_about:
            for name, text in sheet.rows:
                place.append([cells.heading(name), cells.value(text, "text")])
            continue
        place.freeze_panes = f"{get_column_letter(sheet.frozen + 1)}2"
        place.append([cells.heading(column.heading) for column in sheet.columns])
        kinds = [column.kind for column in sheet.columns]
        for row in sheet.rows:
            place.append([cells.value(v, kind) for v, kind in zip(row, kinds, strict=True)])
    book.save(file)


def write_csv(file: IO[bytes], sheet: Sheet) -> None:
    """Write a table as CSV in UTF-8, with the byte order mark that Excel needs.

    Args:
        file: Open for writing.
        sheet: The table.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    writer = csv.writer(text)
    writer.writerow([column.heading for column in sheet.columns])
    for row in sheet.rows:
        writer.writerow([harmless(value) if isinstance(value, str) else value for value in row])
    text.flush()
    text.detach()


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula when it reads CSV."""
    # A spreadsheet separates cells by commas, semicolons or another sign that is set there.
    text = _HIDDEN_FORMULA.sub(r"\1'", text)
    return f"'{text}" if text.startswith(_FORMULA) else text


class _Cells:
    """Cells of a sheet. A format is looked up once: for each cell it would double the time."""

    def __init__(self, place: Any) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
        from openpyxl.styles import Font

        self._place, self._make, self._illegal = place, WriteOnlyCell, ILLEGAL_CHARACTERS_RE
        self._styles: dict[str, Any] = {}
        for kind, number_format in _FORMATS.items():
            cell = WriteOnlyCell(place)
            cell.number_format = number_format
            self._styles[kind] = cell._style  # noqa: SLF001 - as openpyxl's own copies do
        self._bold = Font(bold=True)

    def heading(self, value: str | dt.date) -> Any:
        cell = self.value(value, "text" if isinstance(value, str) else "day")
        cell.font = self._bold
        return cell

    def value(self, value: Any, kind: Kind) -> Any:
        if value is None:
            return None
        if kind != "text":
            cell = self._make(self._place, value=value)
            cell._style = self._styles[kind]  # noqa: SLF001
            return cell
        cell = self._make(self._place, value=self._illegal.sub("", str(value))[:_LONGEST_TEXT])
        # Otherwise a text that begins with "=" becomes a formula.
        cell.data_type = "s"
        return cell
