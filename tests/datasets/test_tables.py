"""Tables that people write by hand are read strictly, and need not be there."""

import shutil
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from kedro.io import DatasetError

from book_forecast.datasets import CsvTableDataset
from book_forecast.storage.errors import UserError

COLUMNS = ["isbn", "week", "depth"]
HEADER = "isbn,week,depth\n"
ROW = "9780722532935,2024-01-06,0.25\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "promotions"
    found.mkdir()
    return found


def load(path: Path | str) -> pd.DataFrame:
    return CsvTableDataset(filepath=str(path), columns=COLUMNS).load()


def refused(path: Path) -> str:
    with pytest.raises(UserError) as refusal:
        load(path)
    return str(refusal.value)


def test_every_file_of_a_folder_is_read_in_order_of_name_with_row_numbers(folder):
    (folder / "b.csv").write_text(HEADER + ROW)
    (folder / "a.CSV").write_text(HEADER + ROW + ROW)
    frame = load(folder)
    assert list(frame["file"]) == ["promotions/a.CSV", "promotions/a.CSV", "promotions/b.csv"]
    assert list(frame["row"]) == [2, 3, 2]
    assert list(frame["depth"]) == ["0.25"] * 3


def test_a_single_file_is_a_table_too(folder):
    (folder / "plan.csv").write_text(HEADER + ROW)
    assert list(load(folder / "plan.csv")["file"]) == ["plan.csv"]


@pytest.mark.parametrize("name", ["nowhere", "promotions", "promotions/.gitkeep"])
def test_where_there_is_nothing_there_are_no_rows(folder, name):
    (folder / ".gitkeep").touch()
    frame = load(folder.parent / name) if name != "promotions/.gitkeep" else load(folder)
    assert list(frame.columns) == ["file", "row", *COLUMNS, "surplus"]
    assert frame.empty


def test_a_file_with_a_header_alone_has_no_rows(folder):
    (folder / "plan.csv").write_text(HEADER)
    assert load(folder).empty


def test_columns_are_found_by_name_in_any_case_and_order_beside_others(folder):
    text = "\ufeffNote, Depth ,ISBN,Week\nspring,0.25, 9780722532935 ,2024-01-06\n"
    (folder / "plan.csv").write_text(text, encoding="utf-8")
    row = load(folder).iloc[0]
    assert list(row[COLUMNS]) == ["9780722532935", "2024-01-06", "0.25"]


def test_blank_rows_count_as_rows_but_are_none(folder):
    (folder / "plan.csv").write_text(HEADER + "\n,,\n" + ROW)
    assert list(load(folder)["row"]) == [4]


def test_rows_that_do_not_fit_the_header_are_handed_on_with_what_is_too_much(folder):
    text = "9780722532935,2024-01-06,0,25\n9780722532935,2024-01-06\n"
    (folder / "plan.csv").write_text(HEADER + text)
    frame = load(folder)
    assert list(frame["surplus"]) == ["25", ""]
    assert list(frame["depth"]) == ["0", ""]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "has no column isbn in its first row"),
        (b"isbn,week,rabatt\n", "has no column depth in its first row"),
        (b"isbn,week,depth,Depth\n", "has two columns depth"),
        (b"isbn;week;depth\n", "Separate its cells by commas"),
        (b"isbn,week,depth\n1,2,caf\xe9\n", r"not text in UTF-8 (row 2)"),
        (b"\xff\xfei\x00s\x00", "not text in UTF-8 (row 1)"),
        (b"isbn,week,depth\n1,2,\x00\n", "is no text"),
        (b'isbn,week,depth\n1,2,3\n"1,2,3\n4,5,6\n', "cannot be read beyond row 2"),
        (b'isbn,week,depth\n"1"2,2,3\n', "quotation mark that is not closed"),
    ],
)
def test_a_file_that_cannot_be_read_stops_with_its_name_and_what_to_do(folder, content, told):
    (folder / "good.csv").write_text(HEADER + ROW)
    (folder / "bad.csv").write_bytes(content)
    message = refused(folder)
    assert message.startswith("promotions/bad.csv ")
    assert told in message


@pytest.mark.parametrize("name", ["plan.xlsx", "plan.XLS", "plan.csv.gz", "plan.tsv", "plan.txt"])
def test_a_table_of_another_format_is_not_passed_over(folder, name):
    (folder / "good.csv").write_text(HEADER + ROW)
    (folder / name).touch()
    assert "CSV UTF-8" in refused(folder)


def test_other_files_are_passed_over_hidden_ones_without_a_word(folder, caplog):
    (folder / "plan.csv").write_text(HEADER + ROW)
    for name in (".hidden.csv", "~$plan.xlsx", "README.md"):
        (folder / name).touch()
    assert len(load(folder)) == 1
    assert [record.getMessage().split()[1] for record in caplog.records] == ["README.md"]


def test_a_file_that_is_gone_stops_by_name(folder):
    (folder / "plan.csv").symlink_to(folder / "nowhere.csv")
    assert refused(folder).startswith("promotions/plan.csv cannot be read")


def test_a_folder_in_the_cloud_is_read_like_a_local_one(folder):
    (folder / "plan.csv").write_text(HEADER + ROW)
    cloud = fsspec.filesystem("memory")
    cloud.put(f"{folder}/", "/bucket/01_raw/promotions/", recursive=True)
    cloud.touch("/bucket/01_raw/promotions/.gitkeep")
    shutil.rmtree(folder)
    try:
        assert list(load("memory:///bucket/01_raw/promotions")["file"]) == ["promotions/plan.csv"]
        assert load("memory:///bucket/01_raw/regressors").empty
    finally:
        cloud.rm("/bucket", recursive=True)


def test_such_a_table_is_never_written(folder):
    with pytest.raises(DatasetError, match="only reads"):
        CsvTableDataset(filepath=str(folder), columns=COLUMNS).save([])  # type: ignore[arg-type]
