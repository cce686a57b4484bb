import zipfile

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers import limited, workbook_kinds
from book_forecast.bookscan.readers.limited import LimitedReader
from book_forecast.bookscan.readers.parquet_reader import read_parquet
from book_forecast.bookscan.readers.workbook_reader import read_workbook
from book_forecast.storage.errors import UserError
from tests.bookscan.readers.binary_workbooks import write_ods

HEADER = ["ISBN", "Volume", "End Date", "Channel"]
ROW = ["9780722532935", 3, "2019-03-02", "Online"]


@pytest.fixture(scope="module")
def reader():
    reader = LimitedReader()
    yield reader
    reader.close()


def write(folder, cells=()):
    book = openpyxl.Workbook()
    for row in (HEADER, ROW, ROW):
        book.active.append(row)
    for place, value in cells:
        book.active[place] = value
    path = folder / "sales.xlsx"
    book.save(path)
    return path


def replace_part(path, part, change):
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, change(content) if name == part else content)


def assert_same(limited_parts, parts):
    for found, expected in zip(limited_parts, parts, strict=True):
        assert found.layout == expected.layout
        assert found.rows.tolist() == expected.rows.tolist()
        assert found.table.schema == expected.table.schema
        for name in expected.table.column_names:
            texts = (raw.table[name].cast(pa.string()) for raw in (found, expected))
            assert next(texts).equals(next(texts))
        assert found.numbers.keys() == expected.numbers.keys()
        for name, numbers in expected.numbers.items():
            np.testing.assert_array_equal(found.numbers[name], numbers)
        np.testing.assert_array_equal(found.others, expected.others)
        assert (found.unreadable, found.guessed) == (expected.unreadable, expected.guessed)
        assert found.layout is limited_parts[0].layout


def test_a_workbook_is_the_same_as_without_limits(reader, tmp_path):
    path, hints = write(tmp_path), ExportHints(sheets=["Sheet"])
    found = list(reader.read_workbook(path, "a/sales.xlsx", hints))
    assert_same(found, list(read_workbook(path, "a/sales.xlsx", hints)))
    assert found[0].numbers["volume"].tolist() == [3, 3]


def test_parquet_is_the_same_as_without_limits(reader, tmp_path):
    rows = 300_000
    columns = {"isbn": np.arange(rows), "volume": np.arange(rows) / 2, "interval": [201909] * rows}
    path = tmp_path / "sales.parquet"
    pq.write_table(pa.table(columns | {"title": ["t", None, "u"] * (rows // 3)}), path)
    found = list(reader.read_parquet(path, "sales.parquet", ExportHints()))
    assert len(found) == 2
    assert_same(found, list(read_parquet(path, "sales.parquet", ExportHints())))


def test_an_export_without_rows_still_shows(reader, tmp_path):
    path = tmp_path / "sales.parquet"
    pq.write_table(pa.table({"isbn": [1], "volume": [1], "interval": [1]})[:0], path)
    (raw,) = reader.read_parquet(path, "sales.parquet", ExportHints())
    assert len(raw.rows) == raw.table.num_rows == 0


def test_a_stray_cell_in_the_last_corner_hides_no_row(reader, tmp_path):
    path = write(tmp_path, [("XFD1048576", "x")])
    (raw,) = reader.read_workbook(path, "sales.xlsx", ExportHints())
    assert raw.rows.tolist() == [2, 3]
    assert raw.table["isbn"].to_pylist() == [ROW[0]] * 2


def test_names_of_far_too_many_sheets_are_refused(reader, tmp_path):
    path = write(tmp_path)
    sheet = b'<sheet name="%d" sheetId="%d" state="visible" r:id="rId1"/>'
    names = b"".join(sheet % (number, number) for number in range(2, 100_002))
    replace_part(
        path, "xl/workbook.xml", lambda xml: xml.replace(b"</sheets>", names + b"</sheets>")
    )
    with pytest.raises(UserError, match=r"sales\.xlsx .* has 100,001 sheets") as error:
        list(reader.read_workbook(path, "sales.xlsx", ExportHints()))
    assert len(str(error.value)) < 600


def test_a_million_sheet_names_are_refused_before_they_are_read(reader, tmp_path):
    path = write(tmp_path)
    sheets = b'<sheet name="a" sheetId="2" state="visible" r:id="rId1"/>' * 1_000_000
    end = b"</sheets>"
    replace_part(path, "xl/workbook.xml", lambda xml: xml.replace(end, sheets + end))
    with pytest.raises(UserError, match=r"sales\.xlsx .* list of sheets and names has 57 MB"):
        list(reader.read_workbook(path, "sales.xlsx", ExportHints()))


def test_entities_that_multiply_are_refused(reader, tmp_path):
    path = write(tmp_path)
    entities = "".join(
        f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 10)
    )
    kind = f'<!DOCTYPE worksheet [<!ENTITY a0 "ha">{entities}]>'.encode()
    cell = b'<row r="9"><c r="A9" t="inlineStr"><is><t>&a9;</t></is></c></row></sheetData>'
    replace_part(
        path, "xl/worksheets/sheet1.xml", lambda xml: kind + xml.replace(b"</sheetData>", cell)
    )
    with pytest.raises(UserError, match=r"sales\.xlsx cannot be read as a workbook"):
        list(reader.read_workbook(path, "sales.xlsx", ExportHints()))


def test_a_part_that_unpacks_to_far_more_than_sales_is_refused(reader, tmp_path):
    path = write(tmp_path)
    blanks = b" " * (workbook_kinds._BOMB_BYTES + 1)
    replace_part(path, "xl/worksheets/sheet1.xml", lambda xml: xml + blanks)
    with pytest.raises(UserError, match=r"sales\.xlsx .*sheet1\.xml unpacks to 268 MB"):
        list(reader.read_workbook(path, "sales.xlsx", ExportHints()))


def test_a_sheet_that_needs_too_much_memory_is_refused(reader, tmp_path, monkeypatch):
    monkeypatch.setattr(limited, "_MEMORY", 1 << 29)
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(1000, np.int32)), ["x" * 2_000_000])
    path = tmp_path / "sales.parquet"
    table = pa.table({"isbn": [1] * 1000, "volume": [1] * 1000, "interval": [1] * 1000})
    pq.write_table(table.append_column("title", texts), path, store_schema=False)
    with pytest.raises(UserError, match=r"sales\.parquet .* needs more than 0\.5 GB"):
        list(reader.read_parquet(path, "sales.parquet", ExportHints()))


def test_a_row_that_says_it_is_repeated_a_billion_times_is_refused(reader, tmp_path):
    path = write_ods(tmp_path / "sales.ods", [HEADER, ["a"] * 200], repeated=10**9)
    with pytest.raises(UserError, match=r"sales\.ods cannot be read"):
        list(reader.read_workbook(path, "sales.ods", ExportHints()))


def test_a_file_that_takes_too_long_is_refused_and_the_next_is_read(reader, tmp_path, monkeypatch):
    path = write(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(limited, "_SECONDS", 1e-4)
        patch.setattr(limited, "_SECONDS_PER_BYTE", 0)
        with pytest.raises(UserError, match=r"sales\.xlsx cannot be read: it takes longer than"):
            list(reader.read_workbook(path, "sales.xlsx", ExportHints()))
    (raw,) = reader.read_workbook(path, "sales.xlsx", ExportHints())
    assert len(raw.rows) == 2


def test_two_files_may_be_read_at_the_same_time(reader, tmp_path):
    path = write(tmp_path)
    first = reader.read_workbook(path, "first.xlsx", ExportHints())
    second = reader.read_workbook(path, "second.xlsx", ExportHints())
    assert [next(first).file, next(second).file] == ["first.xlsx", "second.xlsx"]
    assert list(first) == list(second) == []


def test_a_fault_of_a_library_is_a_sentence_about_the_file(reader, tmp_path):
    path = write(tmp_path)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("xl/workbook.xml").header_offset
    path.write_bytes(content[: offset + 60] + bytes(40) + content[offset + 100 :])
    with pytest.raises(UserError, match=r"^sales\.xlsx cannot be read"):
        list(reader.read_workbook(path, "sales.xlsx", ExportHints()))
