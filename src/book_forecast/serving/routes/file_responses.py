"""Sheets as files that a browser downloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fastapi import Response

from book_forecast.serving.sheets.files import CSV_TYPE, XLSX_TYPE, csv_of
from book_forecast.serving.sheets.workbook import workbook_of
from book_forecast.storage.spreadsheets import Sheet


def file_of(sheets: Sequence[Sheet], name: str, suffix: Literal["csv", "xlsx"]) -> Response:
    """Return sheets as a workbook, or the first of them as CSV."""
    content = csv_of(sheets[0]) if suffix == "csv" else workbook_of(sheets)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{suffix}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=CSV_TYPE if suffix == "csv" else XLSX_TYPE, headers=headers)
