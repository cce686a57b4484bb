"""A forecast as a file for spreadsheets: CSV or workbook."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from book_forecast.payload.forecast_reader import ReleaseForecast

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

# A spreadsheet takes a text that begins like this for a formula.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # noqa: RUF001


def file_name(forecast: ReleaseForecast, suffix: str) -> str:
    """Return a file name of ISBN and cutoff."""
    return f"forecast-{forecast.isbn}-{forecast.cutoff}.{suffix}"


def csv_file(forecast: ReleaseForecast, title: str) -> bytes:
    """Return the weeks as CSV in UTF-8, with the byte order mark that Excel needs."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_columns(forecast))
    for row in _rows(forecast, title):
        writer.writerow([harmless(v) if isinstance(v, str) else v for v in row.values()])
    return text.getvalue().encode("utf-8-sig")


def xlsx_file(forecast: ReleaseForecast, title: str, release: str) -> bytes:
    """Return the weeks as a workbook, with a second sheet that describes them."""
    # These imports take a third of a second, so they wait for the first workbook.
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
            # Otherwise a text that begins with "=" becomes a formula.
            made.data_type = "s"
        elif isinstance(value, float):
            made.number_format = "#,##0.0"
        made.font = Font(bold=bold)
        return made

    sheet = book.create_sheet("Forecast")
    sheet.freeze_panes = "A2"
    columns = _columns(forecast)
    for number, name in enumerate(columns):
        width = {"isbn": 16, "title": 40, "model": 16}.get(name, 12)
        sheet.column_dimensions[chr(ord("A") + number)].width = width
    sheet.append([cell(sheet, name, bold=True) for name in columns])
    for row in _rows(forecast, title):
        row |= {name: dt.date.fromisoformat(row[name]) for name in ("week", "cutoff")}
        sheet.append([cell(sheet, value) for value in row.values()])
    notes = book.create_sheet("About")
    notes.column_dimensions["A"].width, notes.column_dimensions["B"].width = 24, 60
    for name, text in _about(forecast, title, release).items():
        notes.append([cell(notes, name, bold=True), cell(notes, text)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _about(forecast: ReleaseForecast, title: str, release: str) -> dict[str, str]:
    levels = " or ".join(f"{level:.10g} %" for level in forecast.bounds)
    return {
        "Title": title,
        "ISBN": forecast.isbn,
        "Sales known to": str(forecast.cutoff),
        "Model": forecast.model,
        "Release": release,
        "week": "Saturday that it ends on",
        "mean": "Copies expected",
        "lo, hi": f"Copies lie between them with a probability of {levels}",
    }


def _columns(forecast: ReleaseForecast) -> list[str]:
    bounds = [f"{side}-{level:.10g}" for level in forecast.bounds for side in ("lo", "hi")]
    return ["isbn", "title", "week", "cutoff", "model", "mean", *bounds]


def _rows(forecast: ReleaseForecast, title: str) -> Iterator[dict[str, Any]]:
    """Yield a row a week, with the columns of the project's forecast tables."""
    columns = _columns(forecast)
    bounds = [bound for pair in forecast.bounds.values() for bound in pair]
    numbers = np.round(np.array([forecast.mean, *bounds]).T, 3).tolist()
    weeks = np.datetime_as_string(forecast.weeks).tolist()
    for week, values in zip(weeks, numbers, strict=True):
        row = (forecast.isbn, title, week, str(forecast.cutoff), forecast.model, *values)
        yield dict(zip(columns, row, strict=True))


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
