"""Workbooks of the service: small ones at once, large ones in a process of their own."""

import datetime as dt
import io
import sys

import openpyxl
import pytest

from book_forecast.serving.sheets.workbook import workbook_of
from book_forecast.storage.spreadsheets import Column, Sheet, about

COLUMNS = [Column("title"), Column("week", "day"), Column("mean", "copies")]


def sheets(titles):
    rows = ((f"=Title {n}", dt.date(2024, 6, 29) if n else None, n / 4) for n in range(titles))
    return [Sheet("Titles", COLUMNS, rows, frozen=1), about([("Release", "2024-07-01")])]


@pytest.mark.parametrize("titles", [3, 1000])
def test_a_workbook_has_every_row_with_its_types(titles):
    book = openpyxl.load_workbook(io.BytesIO(workbook_of(sheets(titles))))
    head, *rows = book["Titles"].iter_rows()
    assert [cell.value for cell in head] == ["title", "week", "mean"]
    assert len(rows) == titles
    assert (rows[2][0].data_type, rows[2][0].value) == ("s", "=Title 2")
    assert rows[0][1].value is None
    assert rows[2][1].value == dt.datetime(2024, 6, 29)
    assert [row[2].value for row in rows] == [n / 4 for n in range(titles)]
    assert [row[1].value for row in book["About"]] == ["2024-07-01"]


def test_only_a_large_workbook_starts_a_process(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/there/is/no/python")
    assert workbook_of(sheets(3))
    with pytest.raises(FileNotFoundError):
        workbook_of(sheets(1000))
