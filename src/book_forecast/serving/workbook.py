"""Writes a workbook in a process of its own: for ten thousand titles it takes seconds.

    python -m book_forecast.serving.workbook < sheets.json > book.xlsx

In the service itself it would delay requests, and need memory that is never given back.
"""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from book_forecast.serving.no_pandas import keep_pandas_out

if TYPE_CHECKING:  # the process that writes needs nothing else of the service
    from book_forecast.serving.tables import Sheet

_SECONDS = 300.0
_NICENESS = 10
_FORMATS = {
    "copies": "#,##0.0",
    "whole": "#,##0",
    "share": "0%",
    "money": "#,##0.00",
    "day": "yyyy-mm-dd",
}
_WIDTHS = {"ISBN": 16, "Title": 40, "Author": 24, "Why": 60}
_one_at_a_time = threading.Lock()


def workbook_of(sheets: Sequence[Sheet]) -> bytes:
    """Return sheets as a workbook.

    Raises:
        RuntimeError: If the process that writes it fails.
    """
    content = orjson.dumps([asdict(sheet) for sheet in sheets])
    with _one_at_a_time:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", __spec__.name],
            input=content,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"The workbook could not be written: {last}")
    return done.stdout


def main() -> None:
    """Read sheets from standard input, and write the workbook to standard output."""
    keep_pandas_out()
    os.nice(_NICENESS)
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for sheet in orjson.loads(sys.stdin.buffer.read()):
        _write(book.create_sheet(sheet["name"]), sheet)
    book.save(sys.stdout.buffer)


def _write(place: Any, sheet: dict[str, Any]) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    bold = Font(bold=True)

    def text(value: object, *, strong: bool = False) -> Any:
        cell = WriteOnlyCell(place, value=_clean(str(value)))
        # Otherwise a text that begins with "=" becomes a formula.
        cell.data_type = "s"
        if strong:
            cell.font = bold
        return cell

    def cell(value: Any, kind: str) -> Any:
        if value is None:
            return None
        if kind == "text":
            return text(value)
        found = dt.date.fromisoformat(value) if kind == "day" else value
        made = WriteOnlyCell(place, value=found)
        made.number_format = _FORMATS[kind]
        return made

    if sheet["is_about"]:
        place.column_dimensions["A"].width, place.column_dimensions["B"].width = 28, 80
        for name, value in sheet["rows"]:
            place.append([text(name, strong=True), text(value)])
        return
    place.freeze_panes = "A2"
    for number, (heading, _) in enumerate(sheet["columns"], 1):
        place.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(heading, 14)
    place.append([text(heading, strong=True) for heading, _ in sheet["columns"]])
    kinds = [kind for _, kind in sheet["columns"]]
    for row in sheet["rows"]:
        place.append([cell(value, kind) for value, kind in zip(row, kinds, strict=True)])


def _clean(text: str) -> str:
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    return str(ILLEGAL_CHARACTERS_RE.sub("", text))


if __name__ == "__main__":
    main()
