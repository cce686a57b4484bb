import datetime as dt
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers import workbook_reader
from book_forecast.bookscan.readers.workbook_reader import read_workbook
from book_forecast.storage.errors import UserError
from tests.bookscan.readers.binary_workbooks import OLE, write_ods, write_xls, write_xlsb

HEADER = ["ISBN", "Title", "Volume", "End Date"]


def write(folder, sheets, name="sales.xlsx", states=(), epoch=None):
    book = openpyxl.Workbook()
    book.epoch = epoch or book.epoch
    book.remove(book.active)
    for sheet, rows in sheets.items():
        page = book.create_sheet(sheet)
        for row in rows:
            page.append(row)
    for sheet, state in dict(states).items():
        book[sheet].sheet_state = state
    path = folder / name
    book.save(path)
    return path


def parts(path, **hints):
    return list(read_workbook(path, path.name, ExportHints(**hints)))


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


def test_numbers_are_those_of_the_file_and_texts_have_none(tmp_path):
    cells = [3, 2.5, True, "1,234", None, dt.datetime(2019, 3, 2), -1]
    rows = [["ISBN", "Volume", "Interval"], *([1, cell, 201909] for cell in cells)]
    (raw,) = parts(write(tmp_path, {"F": rows}))
    np.testing.assert_array_equal(
        raw.numbers["volume"], [3, 2.5, np.nan, np.nan, np.nan, np.nan, -1]
    )
    assert set(raw.numbers) == {"volume"}


def test_copies_of_a_row_are_told_from_rows_of_another_channel(tmp_path):
    channels = ["Shops", "Shops", "Online", None, 7]
    rows = [[*HEADER, "Region"], *(["a", "t", 1, "x", channel] for channel in channels)]
    (raw,) = parts(write(tmp_path, {"F": rows}))
    assert raw.others[0] == raw.others[1]
    assert len(set(raw.others.tolist())) == 4
    assert raw.layout.passed_over == ("Region",)
    (plain,) = parts(write(tmp_path, {"F": [HEADER, ["a"]]}))
    assert plain.others is None


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_passed_over_with_a_note(tmp_path, state):
    sheets = {"Backup": [HEADER, ["b"]], "F": [HEADER, ["a"]], "T": [HEADER, ["c"]]}
    found = parts(write(tmp_path, sheets, states={"Backup": state}))
    assert [raw.sheet for raw in found] == ["F", "T"]
    assert found[0].layout.notes == ("Hidden sheets are passed over: Backup.",)
    assert found[1].layout.notes == ()


def test_the_sheets_that_the_user_names_are_read_and_no_others(tmp_path):
    sheets = {"Backup": [HEADER, ["b"]], "F": [HEADER, ["a"]], "T": [HEADER, ["c"]]}
    path = write(tmp_path, sheets, states={"Backup": "hidden"})
    assert read(path, sheets=["t", "Backup"])["isbn"].tolist() == ["c", "b"]
    with pytest.raises(UserError, match=r"no sheet Sales.*are Backup, F, T"):
        read(path, sheets=["F", "Sales"])


def test_a_workbook_with_sales_on_hidden_sheets_alone_names_the_option(tmp_path):
    sheets = {"Notes": [["Made in March"]], "F": [HEADER, ["a"]]}
    path = write(tmp_path, sheets, states={"F": "hidden"})
    with pytest.raises(UserError, match=r'exports: \{"sales.xlsx": \{sheets: \["F"\]\}\}'):
        read(path)


def test_dates_of_a_1904_workbook_are_right_and_serials_are_marked(tmp_path):
    rows = [HEADER, ["a", "t", 1, dt.date(2019, 3, 2)], ["b", "t", 1, 42064]]
    path = write(tmp_path, {"F": rows}, epoch=openpyxl.utils.datetime.CALENDAR_MAC_1904)
    (raw,) = parts(path)
    assert raw.layout.date_1904
    assert [text[:10] for text in raw.table["end_date"].to_pylist()] == ["2019-03-02", "42064"]
    (raw,) = parts(write(tmp_path, {"F": rows}))
    assert not raw.layout.date_1904


@pytest.mark.parametrize("date_1904", [False, True])
@pytest.mark.parametrize(
    ("write_kind", "kind"), [(write_xls, "xls"), (write_xlsb, "xlsb"), (write_ods, "ods")]
)
def test_other_kinds_of_workbooks_are_read(tmp_path, write_kind, kind, date_1904):
    rows = [HEADER, [9780722532935.0, "Los años", 3.0, 42064.0]]
    (raw,) = parts(write_kind(tmp_path / f"sales.{kind}", rows, date_1904=date_1904))
    assert raw.table.to_pylist() == [
        {"isbn": "9780722532935", "title": "Los años", "volume": "3", "end_date": "42064"}
    ]
    assert raw.numbers["volume"].tolist() == [3]
    assert (raw.layout.format, raw.layout.date_1904) == (kind, date_1904)


def test_formatted_dates_of_an_old_1904_workbook_are_right(tmp_path):
    rows: list[list[str | float]] = [[*HEADER], ["a", "t", 3.0, 42064.0]]
    (raw,) = parts(write_xls(tmp_path / "sales.xls", rows, date_1904=True, dates=3))
    assert raw.table["end_date"].to_pylist() == ["2019-03-02"]


def test_the_content_decides_the_kind_whatever_the_ending(tmp_path):
    path = write(tmp_path, {"F": [HEADER, ["a"]]}).rename(tmp_path / "sales.xls")
    assert read(path)["isbn"].tolist() == ["a"]
    (tmp_path / "text.xls").write_text("ISBN\tVolume\n")
    with pytest.raises(UserError, match=r"text\.xls .* ending \.csv"):
        read(tmp_path / "text.xls")


def test_cells_of_hidden_rows_and_columns_count(tmp_path):
    path = write(tmp_path, {"F": [HEADER, ["a", "t", 1, "x"], ["b", "t", 1, "x"]]})
    book = openpyxl.load_workbook(path)
    book["F"].row_dimensions[3].hidden = True
    book["F"].column_dimensions["B"].hidden = True
    book.save(path)
    assert read(path)["isbn"].tolist() == ["a", "b"]


def test_cell_by_cell_the_same_rows_are_read(tmp_path):
    rows = [["Report"], [], HEADER, ["a", None, 2.5, dt.datetime(2019, 3, 2)], [], ["b", 1, 3, "x"]]
    path = write(tmp_path, {"F": rows, "B": rows}, states={"B": "hidden"})
    (whole,) = parts(path)
    (streamed,) = read_workbook(path, path.name, ExportHints(), streamed=True)
    assert streamed.layout == whole.layout
    assert streamed.rows.tolist() == whole.rows.tolist() == [4, 6]
    dates = [raw.table["end_date"].to_pylist() for raw in (streamed, whole)]
    assert [[text[:10] for text in texts] for texts in dates] == [["2019-03-02", "x"]] * 2
    others = [raw.table.drop_columns(["end_date"]).to_pylist() for raw in (streamed, whole)]
    assert others[0] == others[1]
