"""Sheets whose numbers are numbers, days are days, and texts are never formulas."""

import csv
import datetime as dt
import io
import tempfile

import openpyxl
import pytest

from book_forecast.storage.spreadsheets import Column, Sheet, harmless, write_csv, write_workbook
from tests.memory import traced_peaks

DAY = dt.date(2024, 7, 6)
COLUMNS = [Column("Title"), Column(DAY, "copies"), Column("Share", "share"), Column("Day", "day")]
TEXTS = ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "<b>&\"'", "كتاب", "bad\x00\x0bletter"]


def sheet(rows, name="View"):
    return Sheet(name, COLUMNS, rows, frozen=1)


def test_a_workbook_has_numbers_days_and_texts_as_such():
    file = io.BytesIO()
    write_workbook(file, [sheet([text, 1234.5, 0.25, DAY] for text in TEXTS), sheet([], "Empty")])
    book = openpyxl.load_workbook(file)
    assert book.sheetnames == ["View", "Empty"]
    head, *rows = book["View"].iter_rows()
    assert [cell.value for cell in head[:2]] == ["Title", dt.datetime(2024, 7, 6)]
    assert head[1].number_format == "yyyy-mm-dd"
    assert [row[0].value for row in rows] == [*TEXTS[:-1], "badletter"]
    assert {row[0].data_type for row in rows} == {"s"}
    assert {tuple(cell.data_type for cell in row[1:]) for row in rows} == {("n", "n", "d")}
    assert [cell.number_format for cell in rows[0][1:]] == ["#,##0.0", "0%", "yyyy-mm-dd"]
    assert book["View"].freeze_panes == "B2"


def test_none_is_an_empty_cell():
    file = io.BytesIO()
    write_workbook(file, [sheet([["A", None, None, None]])])
    row = openpyxl.load_workbook(file)["View"][2]
    assert [cell.value for cell in row] == ["A", None, None, None]


@pytest.mark.parametrize("text", TEXTS[:5])
def test_a_csv_file_has_no_formula(text):
    file = io.BytesIO()
    write_csv(file, sheet([[text, -1.5, None, DAY]]))
    assert file.getvalue().startswith(b"\xef\xbb\xbf")
    head, row = csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline=""))
    assert head == ["Title", "2024-07-06", "Share", "Day"]
    assert row == [f"'{text}", "-1.5", "", "2024-07-06"]
    assert harmless("plain - text") == "plain - text"


@pytest.mark.parametrize("separator", [";", "; ", "\t", "|", "\n", "\r\n", ';"', "; '"])
@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "＝1"])
def test_a_csv_file_has_no_formula_behind_another_separator(separator, start):
    file = io.BytesIO()
    write_csv(file, sheet([[f"A book{separator}{start}", 2.5, None, DAY]]))
    text = file.getvalue().decode("utf-8-sig")
    for delimiter in (",", ";", "\t", "|"):
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if cell.strip().startswith((start, f'"{start}'))]
    assert harmless("Two books; a third | a fourth - and more") == (
        "Two books; a third | a fourth - and more"
    )


def write_rows(number):
    rows = (["A", 1.0, 0.5, DAY] for _ in range(number))
    with tempfile.TemporaryFile() as file:
        write_workbook(file, [sheet(rows)])


def test_memory_does_not_grow_with_the_rows():
    _, few, many = traced_peaks(write_rows, 10, 1000, 4000)
    assert many < 1.5 * few
