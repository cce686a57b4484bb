"""A forecast as a file for spreadsheets: CSV or workbook."""

from __future__ import annotations

import io

import numpy as np

from book_forecast.payload.forecast_reader import ReleaseForecast
from book_forecast.storage.spreadsheets import Column, Sheet, about, write_csv, write_workbook

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def file_name(forecast: ReleaseForecast, suffix: str) -> str:
    """Return a file name of ISBN and cutoff."""
    return f"forecast-{forecast.isbn}-{forecast.cutoff}.{suffix}"


def csv_of(sheet: Sheet) -> bytes:
    """Return a table as CSV for spreadsheets."""
    content = io.BytesIO()
    write_csv(content, sheet)
    return content.getvalue()


def csv_file(forecast: ReleaseForecast, title: str) -> bytes:
    """Return the weeks of a title as CSV."""
    return csv_of(_sheet(forecast, title))


def xlsx_file(forecast: ReleaseForecast, title: str, release: str) -> bytes:
    """Return the weeks of a title as a workbook, with a second sheet that describes them."""
    content = io.BytesIO()
    sheets = [_sheet(forecast, title), about(_about(forecast, title, release).items())]
    write_workbook(content, sheets)
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


def _sheet(forecast: ReleaseForecast, title: str) -> Sheet:
    """Return a row a week, with the columns of the project's forecast tables."""
    bounds = [f"{side}-{level:.10g}" for level in forecast.bounds for side in ("lo", "hi")]
    columns = [
        Column("isbn", width=16),
        Column("title", width=40),
        *(Column(name, "day") for name in ("week", "cutoff")),
        Column("model", width=16),
        *(Column(name, "copies") for name in ("mean", *bounds)),
    ]
    paths = [forecast.mean, *(bound for pair in forecast.bounds.values() for bound in pair)]
    numbers = np.round(np.array(paths).T, 3).tolist()
    cutoff = forecast.cutoff.item()
    rows = [
        (forecast.isbn, title, week, cutoff, forecast.model, *values)
        for week, values in zip(forecast.weeks.tolist(), numbers, strict=True)
    ]
    return Sheet("Forecast", columns, rows)
