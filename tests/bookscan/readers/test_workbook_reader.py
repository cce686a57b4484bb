import datetime as dt
import zipfile

import openpyxl
import pandas as pd
import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers import workbook_reader
from book_forecast.bookscan.readers.workbook_reader import read_workbook
from book_forecast.storage.errors import UserError

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEADER = ["ISBN", "Title", "Volume", "End Date"]


def write(folder, sheets, name="sales.xlsx"):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet, rows in sheets.items():
        page = book.create_sheet(sheet)
        for row in rows:
            page.append(row)
    path = folder / name
    book.save(path)
    return path


def read(path, **hints):
    parts = list(read_workbook(path, path.name, ExportHints(**hints)))
    frames = [
        raw.table.to_pandas().astype("str").assign(sheet=raw.sheet, row=raw.rows) for raw in parts
    ]
    return pd.concat(frames, ignore_index=True)


def test_cells_of_every_type_become_the_text_a_user_sees(tmp_path):
    rows = read(
        write(
            tmp_path,
            {
                "F": [
                    HEADER,
                    [9780722532935, 1984, 3, dt.datetime(2019, 3, 2)],
                    ["978-0-7225-3293-5", "1984", "1,234", 43526],
                    [9780722532935.0, None, 2.5, dt.date(2019, 3, 2)],
                    [True, 1, 1.0, "02/03/2019"],
                ]
            },
        )
    )
    assert rows["isbn"].tolist() == ["9780722532935", "978-0-7225-3293-5", "9780722532935", "True"]
    assert rows["title"].tolist() == ["1984", "1984", "", "1"]
    assert rows["volume"].tolist() == ["3", "1,234", "2.5", "1"]
    assert rows["end_date"].str[:10].tolist() == ["2019-03-02", "43526", "2019-03-02", "02/03/2019"]


def test_every_sheet_is_read_with_its_own_row_numbers(tmp_path):
    below_heading = [["Weekly sales"], [], ["Volume", None, "ISBN", "Interval"], [5, None, "b"]]
    rows = read(write(tmp_path, {"F": [HEADER, ["a"], [], [], ["c"]], "Y": below_heading}))
    filled = rows[rows["isbn"] != ""]
    assert list(zip(filled["sheet"], filled["row"], filled["isbn"], strict=True)) == [
        ("F", 2, "a"),
        ("F", 5, "c"),
        ("Y", 4, "b"),
    ]


def test_a_table_that_starts_below_and_right_of_the_corner_keeps_its_row_numbers(tmp_path):
    rows = read(write(tmp_path, {"F": [[], [], [], [None, *HEADER], [None, "a"]]}))
    assert rows[["row", "isbn"]].to_numpy().tolist() == [[5, "a"]]


def test_row_numbers_hold_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_reader, "CHUNK_ROWS", 7)
    rows = read(write(tmp_path, {"F": [HEADER, *([str(row)] for row in range(2, 52))]}))
    assert (rows["isbn"] == rows["row"].astype("str")).all()
    assert len(rows) == 50


def test_a_sheet_of_notes_is_left_out_with_a_warning(tmp_path, caplog):
    path = write(tmp_path, {"Notes": [["Made in March"]], "F": [HEADER, ["a"]], "Empty": []})
    assert read(path)["sheet"].tolist() == ["F"]
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == 1
    assert "sales.xlsx" in warnings[0]
    assert "Notes" in warnings[0]


def test_a_chart_is_no_sheet(tmp_path):
    path = write(tmp_path, {"F": [HEADER, ["a"]]})
    book = openpyxl.load_workbook(path)
    book.create_chartsheet("Chart", 0)
    book.save(path)
    assert read(path)["sheet"].tolist() == ["F"]


@pytest.mark.parametrize(
    ("sheets", "message"),
    [
        ({"Notes": [["Made in March"]]}, "Notes of sales.xlsx cannot be used.*no column ISBN"),
        ({"F": []}, "every sheet is empty"),
        ({"F": [["ISBN", "Volume", "volume", "Interval"]]}, "two of its columns are named volume"),
    ],
)
def test_a_workbook_without_an_export_is_named_with_what_is_wrong(tmp_path, sheets, message):
    with pytest.raises(UserError, match=message) as error:
        read(write(tmp_path, sheets))
    assert "sales.xlsx" in str(error.value)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda whole: b"", "cannot be read as a workbook"),
        (lambda whole: b"ISBN,Volume\n", "cannot be read as a workbook"),
        (lambda whole: whole[: len(whole) // 2], "cannot be read as a workbook"),
        (lambda whole: OLE + bytes(600), "cannot be read as a workbook"),
        (lambda whole: OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "password"),
    ],
)
def test_a_damaged_workbook_is_named_with_what_to_do(tmp_path, damage, message):
    path = write(tmp_path, {"F": [HEADER, ["a"]]})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=message) as error:
        read(path)
    assert "sales.xlsx" in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"<worksheet><sheetData><row r='1'><c r='A1'", b"no xml", None]
)
def test_a_damaged_sheet_in_a_whole_archive_is_named(tmp_path, content):
    path = write(tmp_path, {"F": [HEADER, ["a"]]})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = content
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            if part is not None:
                archive.writestr(name, part)
    with pytest.raises(UserError, match=r"sales\.xlsx"):
        read(path)
