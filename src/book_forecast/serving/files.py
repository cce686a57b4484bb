"""A forecast as a file that a spreadsheet opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from book_forecast.payload.forecast_reader import ReleaseForecast

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# What begins like this is a formula to a spreadsheet, whoever wrote the book's title.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001


def file_name(answer: ReleaseForecast, suffix: str) -> str:
    """What a file is called: ISBN and last week known."""
    return f"forecast-{answer.isbn}-{answer.cutoff}.{suffix}"


def csv_file(answer: ReleaseForecast, title: str) -> bytes:
    """The weeks as CSV in UTF-8, with the mark that Excel knows it by."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_columns(answer))
    for row in _rows(answer, title):
        writer.writerow([_harmless(v) if isinstance(v, str) else v for v in row.values()])
    return text.getvalue().encode("utf-8-sig")


def xlsx_file(answer: ReleaseForecast, title: str, release: str) -> bytes:
    """The weeks as a workbook, with a second sheet that says what they are.

    Args:
        answer: The forecast.
        title: What the book is called.
        release: What the forecast is of.
    """
    # Takes a third of a second, which nobody else need wait for.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    book = Workbook(write_only=True)

    def cell(sheet: Any, value: object, *, bold: bool = False) -> Any:
        if isinstance(value, str):
            value = ILLEGAL_CHARACTERS_RE.sub("", value)
        made = WriteOnlyCell(sheet, value=value)
        if isinstance(value, str):
            # A text that begins with "=" is a text.
            made.data_type = "s"
        elif isinstance(value, float):
            made.number_format = "#,##0.0"
        made.font = Font(bold=bold)
        return made

    sheet = book.create_sheet("Forecast")
    sheet.freeze_panes = "A2"
    columns = _columns(answer)
    for number, name in enumerate(columns):
        width = {"isbn": 16, "title": 40, "model": 16}.get(name, 12)
        sheet.column_dimensions[chr(ord("A") + number)].width = width
    sheet.append([cell(sheet, name, bold=True) for name in columns])
    for row in _rows(answer, title):
        row["week"], row["cutoff"] = _day(row["week"]), _day(row["cutoff"])
        sheet.append([cell(sheet, value) for value in row.values()])
    notes = book.create_sheet("About")
    notes.column_dimensions["A"].width, notes.column_dimensions["B"].width = 24, 60
    for name, text in _about(answer, title, release).items():
        notes.append([cell(notes, name, bold=True), cell(notes, text)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _about(answer: ReleaseForecast, title: str, release: str) -> dict[str, str]:
    levels = " or ".join(f"{_text(level)} %" for level in answer.bounds)
    return {
        "Title": title,
        "ISBN": answer.isbn,
        "Sales known to": str(answer.cutoff),
        "Model": answer.model,
        "Release": release,
        "week": "Saturday that it ends on",
        "mean": "Copies expected",
        "lo, hi": f"Copies lie between them with a probability of {levels}",
    }


def _text(level: float) -> str:
    return f"{level:.10g}"


def _columns(answer: ReleaseForecast) -> list[str]:
    levels = [_text(level) for level in answer.bounds]
    bounds = [f"{side}-{level}" for level in levels for side in ("lo", "hi")]
    return ["isbn", "title", "week", "cutoff", "model", "mean", *bounds]


def _rows(answer: ReleaseForecast, title: str) -> Iterator[dict[str, Any]]:
    """A row a week, with the columns of the project's forecast tables."""
    columns = _columns(answer)
    sides = [side for pair in answer.bounds.values() for side in pair]
    numbers = np.round(np.array([answer.mean, *sides]).T, 3).tolist()
    weeks = np.datetime_as_string(answer.weeks).tolist()
    for week, values in zip(weeks, numbers, strict=True):
        known = (answer.isbn, title, week, str(answer.cutoff), answer.model, *values)
        yield dict(zip(columns, known, strict=True))


def _day(text: str) -> object:
    return np.datetime64(text, "D").item()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
