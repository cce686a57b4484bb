import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.isbn import normalise_isbn
from book_forecast.bookscan.readers import parquet_reader
from book_forecast.bookscan.readers.parquet_reader import read_parquet
from book_forecast.storage.errors import UserError

ISBN = 9780722532935


def write(folder, columns):
    path = folder / "sales.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def read(path):
    parts = list(read_parquet(path, path.name, ExportHints()))
    return pd.concat(
        [raw.table.to_pandas().astype("str").assign(row=raw.rows) for raw in parts],
        ignore_index=True,
    )


@pytest.mark.parametrize(
    "isbn",
    [
        pa.array([ISBN]),
        pa.array([float(ISBN)]),
        pa.array([str(ISBN)]),
        pa.array([str(ISBN)], pa.large_string()),
        pa.array([str(ISBN)], pa.string_view()),
        pa.array([str(ISBN)]).dictionary_encode(),
        pa.array([ISBN]).dictionary_encode(),
        pa.array([Decimal(ISBN)]),
    ],
    ids=lambda array: str(array.type),
)
def test_an_isbn_of_any_type_is_read(tmp_path, isbn):
    rows = read(write(tmp_path, {"isbn": isbn, "Volume": [1], "Interval": [201909]}))
    assert normalise_isbn(rows.loc[0, "isbn"]) == str(ISBN)


@pytest.mark.parametrize(
    "date",
    [
        pa.array([dt.date(2019, 3, 31)]),
        pa.array([dt.date(2019, 3, 31)], pa.date64()),
        pa.array([dt.datetime(2019, 3, 31)]),
        pa.array([dt.datetime(2019, 3, 31)], pa.timestamp("ns")),
        pa.array([dt.datetime(2019, 3, 30, 23)], pa.timestamp("us", "Europe/Paris")),
        pa.array(["2019-03-31"]),
    ],
    ids=lambda array: str(array.type),
)
def test_a_date_of_any_type_keeps_its_own_day(tmp_path, date):
    rows = read(write(tmp_path, {"isbn": [ISBN], "volume": [1.5], "END_DATE": date}))
    assert rows.loc[0, "end_date"].startswith("2019-03-31")


def test_null_and_a_column_of_nulls_are_empty_cells(tmp_path):
    path = write(
        tmp_path,
        {"isbn": [ISBN, None], "volume": [None, 2], "interval": [1, 2], "title": pa.nulls(2)},
    )
    assert read(path)[["isbn", "volume", "title"]].to_numpy().tolist() == [
        [str(ISBN), "", ""],
        ["", "2", ""],
    ]


def test_rows_count_from_two_across_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_reader, "CHUNK_ROWS", 7)
    numbers = list(range(2, 52))
    rows = read(write(tmp_path, {"isbn": numbers, "volume": numbers, "interval": numbers}))
    assert (rows["isbn"] == rows["row"].astype("str")).all()
    assert len(rows) == 50


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"isbn": [ISBN], "interval": [201909]}, "no column Volume"),
        ({"isbn": [ISBN], "volume": [1], "Volume": [1], "interval": [1]}, "two of its columns"),
        ({"isbn": [[ISBN]], "volume": [1], "interval": [1]}, "cannot be read as Parquet"),
        ({"isbn": [b"x"], "volume": [1], "interval": [1]}, "binary"),
    ],
)
def test_a_table_that_is_no_export_is_named_with_what_is_wrong(tmp_path, columns, message):
    with pytest.raises(UserError, match=message) as error:
        read(write(tmp_path, columns))
    assert "sales.parquet" in str(error.value)


@pytest.mark.parametrize(
    "damage", [lambda whole: b"", lambda whole: b"ISBN", lambda whole: whole[:-10]]
)
def test_a_damaged_file_is_named_with_what_to_do(tmp_path, damage):
    path = write(tmp_path, {"isbn": [ISBN], "volume": [1], "interval": [201909]})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"sales\.parquet cannot be read as Parquet.*again"):
        read(path)


@pytest.mark.parametrize(
    ("volume", "numbers"),
    [
        (pa.array([3, None]), [3, np.nan]),
        (pa.array([2.5, -1]), [2.5, -1]),
        (pa.array([Decimal("2.50"), Decimal(3)]), [2.5, 3]),
        (pa.array([3, 4]).dictionary_encode(), [3, 4]),
        (pa.array([2**63 + 1, 1], pa.uint64()), [2.0**63, 1]),
        (pa.array(["3", "4"]), None),
        (pa.array([True, False]), None),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_numbers_are_those_of_a_column_of_numbers(tmp_path, volume, numbers):
    path = write(tmp_path, {"isbn": [ISBN] * 2, "volume": volume, "interval": [201909] * 2})
    (raw,) = read_parquet(path, path.name, ExportHints())
    if numbers is None:
        assert "volume" not in raw.numbers
    else:
        np.testing.assert_array_equal(raw.numbers["volume"], numbers)


def test_rows_differ_in_columns_that_are_passed_over_and_lists_do_not_matter(tmp_path):
    columns = {"isbn": [ISBN] * 3, "volume": [1] * 3, "interval": [201909] * 3}
    path = write(tmp_path, columns | {"region": ["a", "a", "b"], "tags": [[1], [2], [3]]})
    (raw,) = read_parquet(path, path.name, ExportHints())
    first, second, third = np.asarray(raw.others).tolist()
    assert first == second != third
    (raw,) = read_parquet(write(tmp_path, columns), "sales.parquet", ExportHints())
    assert raw.others is None
