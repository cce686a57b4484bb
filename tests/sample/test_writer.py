import logging
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from book_forecast.sample import (
    sample_frame,
    sample_tables,
    workbook,
    write_sample,
    writer,
)
from book_forecast.sample.character import ProductClass
from book_forecast.storage.errors import UserError

COMMITTED = Path(__file__).parents[2] / "data" / "01_raw" / "sales" / "bookscan_sample.xlsx"


def read_workbook(path: Path) -> dict[str, pd.DataFrame]:
    return pd.read_excel(path, sheet_name=None, engine="calamine")


def assert_same_rows(read: pd.DataFrame, expected: pd.DataFrame) -> None:
    expected = expected.reset_index(drop=True)
    """Compare all cells; ISBNs may be numbers and dates text in what was read."""
    read = read.assign(ISBN=read.ISBN.astype(str), **{"End Date": pd.to_datetime(read["End Date"])})
    pd.testing.assert_frame_equal(read, expected, check_dtype=False, check_exact=True)


@pytest.fixture(scope="module")
def five_titles() -> pd.DataFrame:
    return sample_frame(titles=5)


@pytest.mark.parametrize("file_format", ["xlsx", "csv", "parquet"])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, file_format: writer.Format) -> None:
    paths = [tmp_path / f"{name}.{file_format}" for name in ("one", "two", "three")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        assert write_sample(path, titles=2, seed=seed, format=file_format) == path
    one, two, three = (path.read_bytes() for path in paths)
    assert one == two
    assert one != three


def test_the_workbook_in_git_is_what_the_generator_writes(sales: pd.DataFrame) -> None:
    sheets = read_workbook(COMMITTED)
    assert list(sheets) == list(ProductClass)
    for name, sheet in sheets.items():
        assert_same_rows(sheet, sales[sales["Product Class"] == name])
    assert COMMITTED.stat().st_size <= 3_000_000


def test_csv_and_parquet_hold_the_same_rows(tmp_path: Path, five_titles: pd.DataFrame) -> None:
    csv = write_sample(tmp_path / "new" / "sales.csv", titles=5, format="csv")
    parquet = write_sample(tmp_path / "sales.parquet", titles=5, format="parquet")
    assert_same_rows(pd.read_csv(csv), five_titles)
    assert_same_rows(pd.read_parquet(parquet), five_titles)


def test_specialist_isbns_are_numbers_as_in_careless_exports() -> None:
    book = openpyxl.load_workbook(COMMITTED, read_only=True)
    kinds = {sheet.title: type(sheet["A2"].value) for sheet in book.worksheets}
    book.close()
    assert kinds == {name: int if name.startswith("S") else str for name in ProductClass}


def test_more_rows_than_a_sheet_holds_are_refused_with_another_format(tmp_path: Path) -> None:
    path = tmp_path / "sales.xlsx"
    with pytest.raises(UserError, match=r"sheet 'F Adult Fiction'.*1,000 rows.*--format csv"):
        workbook.write_workbook(path, titles=5, seed=1, max_rows=1_000)
    assert not path.exists()


def test_far_too_many_titles_are_refused_without_generating_them_all(tmp_path: Path) -> None:
    # All of them would take hours.
    with pytest.raises(UserError, match=r"9,000,000 titles do not fit into a workbook"):
        write_sample(tmp_path / "sales.xlsx", titles=9_000_000)
    assert not list(tmp_path.iterdir())


def test_a_sheet_may_be_full_to_its_last_row(tmp_path: Path, five_titles: pd.DataFrame) -> None:
    most = five_titles["Product Class"].value_counts().max()
    path = tmp_path / "sales.xlsx"
    assert workbook.write_workbook(path, 5, 42, max_rows=most + 1) == len(five_titles)
    with pytest.raises(UserError):
        workbook.write_workbook(path, 5, 42, max_rows=most)


def test_a_write_that_fails_half_way_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tables_until_the_disk_is_full(titles: int, seed: int) -> Iterator[pa.Table]:
        yield from sample_tables(titles, seed)
        raise OSError("No space left on device")

    path = write_sample(tmp_path / "sales.csv", titles=1, format="csv")
    before = path.read_bytes()
    monkeypatch.setattr(writer, "sample_tables", tables_until_the_disk_is_full)
    with pytest.raises(OSError, match="No space left"):
        write_sample(path, titles=2, format="csv")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "titles", "file_format", "message"),
    [
        ("sales.csv", 0, "csv", "titles must be at least 1, got 0"),
        ("sales.ods", 1, "ods", "format must be one of xlsx, csv, parquet, got 'ods'"),
        ("sales.csv", 1, "xlsx", r"ends with \.xlsx"),
    ],
)
def test_what_cannot_be_written_is_refused(
    tmp_path: Path, name: str, titles: int, file_format: writer.Format, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        write_sample(tmp_path / name, titles=titles, format=file_format)
    assert not list(tmp_path.iterdir())


def test_what_was_written_and_where_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        path = write_sample(tmp_path / "sales.parquet", titles=2, format="parquet")
    assert caplog.messages == [f"Wrote 1280 weekly sales of 2 generated titles to {path}"]
