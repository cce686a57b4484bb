import numpy as np
import pandas as pd
import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers import csv_reader
from book_forecast.bookscan.readers.csv_reader import read_csv
from book_forecast.storage.errors import UserError

HEADER = "ISBN,Title,Volume,End Date"


def write(folder, content, encoding="utf-8", name="sales.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def read(path, **hints):
    """All rows of a file, by row number, as a spreadsheet shows them."""
    parts = list(read_csv(path, path.name, ExportHints(**hints)))
    frames = [raw.table.to_pandas().astype("str").set_index(raw.rows) for raw in parts]
    return pd.concat(frames).sort_index(), [bad for raw in parts for bad in raw.unreadable]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_encodings_delimiters_and_line_ends_make_no_difference(
    tmp_path, encoding, delimiter, line_end
):
    lines = ["ISBN,Title,Volume,End Date", "9780722532935,Los años de Zoë,3,02/03/2019", ""]
    content = line_end.join(lines).replace(",", delimiter)
    rows, unreadable = read(write(tmp_path, content, encoding))
    assert unreadable == []
    assert rows.loc[2].to_dict() == {
        "isbn": "9780722532935",
        "title": "Los años de Zoë",
        "volume": "3",
        "end_date": "02/03/2019",
    }


def test_columns_may_stand_in_any_order_among_others(tmp_path):
    rows, _ = read(write(tmp_path, "Rank,volume,INTERVAL,isbn\n1,5,201909,9780722532935\n"))
    assert rows.loc[2].to_dict() == {"volume": "5", "interval": "201909", "isbn": "9780722532935"}


def test_blank_lines_and_quoted_line_ends_keep_the_row_numbers_of_a_spreadsheet(tmp_path):
    content = f'{HEADER}\na,first,1,x\n\nb,"on two\nlines",2,x\r\n\r\n\nc,"said ""no""",3,x'
    rows, _ = read(write(tmp_path, content))
    assert rows.loc[rows["isbn"] != "", "isbn"].to_dict() == {2: "a", 4: "b", 7: "c"}
    assert rows.loc[4, "title"] == "on two\nlines"
    assert rows.loc[7, "title"] == 'said "no"'


def test_rows_are_numbered_below_a_heading(tmp_path):
    rows, _ = read(write(tmp_path, f'"Sales,\nweekly"\n\n{HEADER}\na,t,1,x\nb,t\nc,t,2,x\n'))
    assert rows["isbn"].to_dict() == {4: "a", 5: "b", 6: "c"}


def test_short_rows_are_filled_and_long_ones_reported(tmp_path):
    content = f"{HEADER}\na,t,1,x\nb,t,2\n\nc,Gold, Frankincense,3,x\nd,t,4,x,,\nTotal\ne,t,5,x\n"
    rows, unreadable = read(write(tmp_path, content))
    assert rows["isbn"].to_dict() == {2: "a", 3: "b", 4: "", 6: "d", 7: "Total", 8: "e"}
    assert rows.loc[3, "end_date"] == ""
    assert [(bad.row, bad.value) for bad in unreadable] == [(5, "c,Gold, Frankincense,3,x")]
    assert "more cells than the header" in unreadable[0].reason


def test_ragged_rows_at_the_end_are_not_lost(tmp_path):
    rows, unreadable = read(write(tmp_path, f"{HEADER}\na,t,1,x\nb,t\nc,t,3,x,y\n"))
    assert rows["isbn"].to_dict() == {2: "a", 3: "b"}
    assert [bad.row for bad in unreadable] == [4]


def test_row_numbers_hold_across_many_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_reader, "_BLOCK_BYTES", 256)
    monkeypatch.setattr(csv_reader, "CHUNK_ROWS", 20)
    rng = np.random.default_rng(1)
    kinds = rng.choice(["good", "blank", "short", "long"], 500, p=[0.7, 0.1, 0.1, 0.1])
    line = {"good": "{0},t,1,x", "blank": "", "short": "{0},t", "long": "{0},t,1,x,y"}
    lines = [line[kind].format(row) for row, kind in enumerate(kinds, start=2)]
    path = write(tmp_path, "\n".join([HEADER, *lines]) + "\n")
    rows, unreadable = read(path)
    assert len(list(read_csv(path, "sales.csv", ExportHints()))) > 10
    assert (rows["isbn"][rows["isbn"] != ""] == rows.index[rows["isbn"] != ""].astype("str")).all()
    assert [bad.row for bad in unreadable] == (np.flatnonzero(kinds == "long") + 2).tolist()
    assert len(rows) == (kinds != "long").sum()


@pytest.mark.parametrize("content", [HEADER, f"{HEADER}\n", f"{HEADER}\n\n"])
def test_a_header_alone_gives_no_rows(tmp_path, content):
    parts = list(read_csv(write(tmp_path, content), "sales.csv", ExportHints()))
    assert all(
        cell == "" for raw in parts for row in raw.table.to_pylist() for cell in row.values()
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "sales.csv is empty"),
        (b"\n \n", "sales.csv is empty"),
        (b"ISBN,Title\n9780722532935,x\n", "no column Volume and no column End Date or Interval"),
        (b"ISBN;Volume;Rank\n", "no column End Date or Interval"),
        (b"ISBN,Volume,Interval,volume\n", "two of its columns are named volume"),
        (bytes(range(256)) * 10, "it has NUL bytes"),
        (b"PK\x03\x04" + b"x" * 100, "looks like a workbook"),
        (b"\x81\x8d\x8f" * 10, "not text in UTF-8 or Windows-1252"),
    ],
)
def test_a_file_that_is_no_export_is_named_with_what_is_wrong(tmp_path, content, message):
    with pytest.raises(UserError, match=message) as error:
        read(write(tmp_path, content))
    assert "sales.csv" in str(error.value)


def test_a_quotation_mark_that_is_not_closed_loses_no_rows_silently(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_reader, "_BLOCK_BYTES", 256)
    lines = [f"{row},t,1,x" for row in range(3, 200)]
    with pytest.raises(UserError, match=r"beyond row .* quotation mark"):
        read(write(tmp_path, "\n".join([HEADER, 'a,"t,1,x', *lines])))


@pytest.mark.parametrize("close", ["", '"'])
def test_every_line_that_an_open_quotation_mark_swallows_is_reported(tmp_path, close):
    rows, unreadable = read(
        write(tmp_path, f'{HEADER}\na,t,1,x\nb,"t,1,x\nc,t,1,x\nd,t,1,{close}x')
    )
    assert rows["isbn"].to_dict() == {2: "a"}
    assert [bad.value[0] for bad in unreadable] == ["b", "c", "d"]
    assert {bad.row for bad in unreadable} == {3}
    assert "quotation mark" in unreadable[0].reason


def test_rows_between_an_open_quotation_mark_and_the_next_are_reported(tmp_path):
    first, second, third = "9780722532935", "9780241003008", "9786700000014"
    lines = [f"{first},t,1,x", f'{first},"t,1,x', f'{second},"t",1,x', f"{third},t,1,x"]
    rows, unreadable = read(write(tmp_path, "\n".join([HEADER, *lines])))
    assert rows["isbn"].to_dict() == {2: first, 4: third}
    assert [bad.value[:13] for bad in unreadable] == [first, second]
    assert {bad.row for bad in unreadable} == {3}


def test_a_title_over_two_lines_is_a_title(tmp_path):
    rows, unreadable = read(write(tmp_path, f'{HEADER}\na,"1984, or,\n1985, maybe",1,x'))
    assert rows["title"].tolist() == ["1984, or,\n1985, maybe"]
    assert not unreadable


def test_copies_of_a_row_are_told_from_rows_of_another_channel(tmp_path):
    channels = ["Shops", "Shops", "Online", ""]
    lines = [f"{HEADER},Region", *(f"a,t,1,x,{channel}" for channel in channels), "a,t,1,x"]
    hashes = {
        int(row): int(other)
        for raw in read_csv(write(tmp_path, "\n".join(lines)), "sales.csv", ExportHints())
        for row, other in zip(raw.rows, np.asarray(raw.others), strict=True)
    }
    assert hashes[2] == hashes[3]
    assert hashes[5] == hashes[6]
    assert len(set(hashes.values())) == 3


def test_a_file_of_known_columns_alone_has_no_hashes(tmp_path):
    (raw,) = read_csv(write(tmp_path, f"{HEADER}\na,t,1,x\n"), "sales.csv", ExportHints())
    assert raw.others is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{HEADER},{','.join(map(str, range(3000)))}\n", "its header has 3,004 cells"),
        (f"{HEADER},{'x' * 300_000}\n", "its first line is longer"),
        ("x" * 300_000, "its first line is longer"),
    ],
)
def test_a_header_that_no_export_has_is_refused(tmp_path, content, message):
    with pytest.raises(UserError, match=rf"sales\.csv cannot be used: {message}"):
        read(write(tmp_path, content))


def test_a_file_that_starts_with_blanks_alone_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"sales\.csv cannot be used.*Its first rows are empty"):
        read(write(tmp_path, "\n" * 300_000 + f"{HEADER}\na,t,1,x\n"))


def test_a_row_longer_than_a_block_is_refused_by_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_reader, "_BLOCK_BYTES", 4096)
    path = write(tmp_path, f"{HEADER}\na,t,1,x\nb,{'t' * 50_000},1,x\n")
    with pytest.raises(UserError, match=r"sales\.csv cannot be read beyond row"):
        read(path)


ISBN = "9780722532935"


def test_a_last_row_that_the_file_cuts_is_unreadable(tmp_path):
    rows, unreadable = read(write(tmp_path, f"{HEADER}\n{ISBN},t,1,x\n{ISBN},t,23"))
    assert rows["volume"].to_dict() == {2: "1"}
    assert [(bad.row, bad.value) for bad in unreadable] == [(3, f"{ISBN},t,23")]
    assert "the file ends inside this row" in unreadable[0].reason


@pytest.mark.parametrize(
    "end", [f"{ISBN},t,23,x", f"{ISBN},t,23\n", f"{ISBN},t,2\n{ISBN},t,23", "Source: shops, 2026"]
)
def test_a_last_row_without_its_end_is_a_row_where_nothing_shows_a_cut(tmp_path, end):
    rows, unreadable = read(write(tmp_path, f"{HEADER}\n{ISBN},t,1,x\n{end}"))
    assert len(rows) == 2 + end.count(f"\n{ISBN}")
    assert not unreadable


@pytest.mark.parametrize(("end", "is_told"), [("", True), ("\n", False)])
def test_a_last_volume_that_may_be_cut_is_told(tmp_path, end, is_told):
    path = write(tmp_path, f"ISBN,End Date,Volume\n{ISBN},x,12{end}")
    notes = next(read_csv(path, path.name, ExportHints())).layout.notes
    assert any("may be cut" in note for note in notes) == is_told
