from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io.core import DatasetError

from book_forecast.datasets import BigQueryTableDataset
from book_forecast.storage.errors import find_user_error
from tests.bigquery.service import Service
from tests.bigquery.tables import OPTIONS

NAME = "books-test.books.forecasts"


def forecasts(cutoff: str, mean: float = 1.0, titles: int = 3) -> pd.DataFrame:
    """A frame as forecasts are, with one title whose cutoff is older than the others'."""
    newest = pd.Timestamp(cutoff)
    cutoffs = [newest - pd.Timedelta(days=70), *[newest] * (titles - 1)]
    frame = pd.DataFrame({"isbn": [f"978000000000{n}" for n in range(titles)], "cutoff": cutoffs})
    return frame.assign(week=frame["cutoff"] + pd.Timedelta(days=7), mean=mean, **{"lo-80": 0.5})


@pytest.fixture
def by_run(tmp_path: Path) -> BigQueryTableDataset:
    """A table with a partition for each run."""
    return dataset(tmp_path, as_of="cutoff", cluster=["isbn"])


def dataset(folder: Path, **options: Any) -> BigQueryTableDataset:
    path = str(folder / "forecasts.parquet")
    return BigQueryTableDataset(filepath=path, bigquery=OPTIONS, table="forecasts", **options)


def refused(entry: BigQueryTableDataset, frame: pd.DataFrame) -> str:
    """The sentence with which a save ends."""
    with pytest.raises(DatasetError) as refusal:
        entry.save(frame)
    error = find_user_error(refusal.value)
    assert error is not None
    return str(error)


def stored(bigquery: Service) -> pd.DataFrame:
    return bigquery.tables[NAME].rows.to_pandas()


def test_a_run_replaces_its_own_partition_and_no_other(
    bigquery: Service, by_run: BigQueryTableDataset
):
    by_run.save(forecasts("2024-06-01"))
    by_run.save(forecasts("2024-06-08"))
    by_run.save(forecasts("2024-06-08", mean=2.0, titles=2))
    found = stored(bigquery).groupby("as_of")["mean"].agg(["size", "max"])
    assert found["size"].tolist() == [3, 2]
    assert found["max"].tolist() == [1.0, 2.0]
    options = bigquery.tables[NAME].options
    assert options["timePartitioning"]["field"] == "as_of"
    assert options["clustering"]["fields"] == ["isbn"]


def test_the_file_is_as_without_bigquery_and_is_what_others_read(
    bigquery: Service, by_run: BigQueryTableDataset
):
    frame = forecasts("2024-06-01")
    by_run.save(frame)
    pd.testing.assert_frame_equal(by_run.load(), frame)
    pd.testing.assert_frame_equal(pd.read_parquet(str(by_run._filepath)), frame)


def test_fields_have_types_and_names_of_bigquery(bigquery: Service, tmp_path: Path):
    frame = forecasts("2024-06-01").assign(n=np.int32(1), late=True, none=None, kind="a")
    frame["kind"] = frame["kind"].astype("category")
    frame["made"] = pd.Timestamp("2024-06-01 12:30")
    dataset(tmp_path).save(frame)
    fields = {each["name"]: each["type"] for each in bigquery.tables[NAME].fields}
    days, numbers = dict.fromkeys(("cutoff", "week"), "DATE"), {"mean": "FLOAT", "lo_80": "FLOAT"}
    others = {"n": "INTEGER", "late": "BOOLEAN", "kind": "STRING", "made": "DATETIME"}
    assert fields == {"isbn": "STRING"} | days | numbers | others


def test_a_table_without_runs_is_replaced_whole(bigquery: Service, tmp_path: Path):
    entry = dataset(tmp_path, partition="week")
    entry.save(forecasts("2024-06-01"))
    entry.save(forecasts("2024-07-06", titles=2))
    assert len(stored(bigquery)) == 2
    entry.save(forecasts("2024-07-06").iloc[:0].astype(object))
    assert stored(bigquery).empty
    assert bigquery.tables[NAME].fields[3]["type"] == "FLOAT"


def test_no_rows_make_no_table_and_take_no_run_away(
    bigquery: Service, by_run: BigQueryTableDataset
):
    nothing = forecasts("2024-06-01").iloc[:0]
    by_run.save(nothing)
    assert NAME not in bigquery.tables
    by_run.save(forecasts("2024-06-01"))
    by_run.save(nothing)
    assert len(stored(bigquery)) == 3


def test_a_large_table_is_uploaded_as_a_whole(bigquery: Service, tmp_path: Path):
    draw = np.random.default_rng(1).normal(size=1_000_000)
    dataset(tmp_path).save(pd.DataFrame({"mean": draw}))
    assert bigquery.tables[NAME].rows.num_rows == 1_000_000


def test_another_level_is_another_field_beside_those_of_former_runs(
    bigquery: Service, by_run: BigQueryTableDataset
):
    by_run.save(forecasts("2024-06-01"))
    by_run.save(forecasts("2024-06-08").assign(**{"lo-99": 0.1}).drop(columns="lo-80"))
    found = stored(bigquery).set_index("as_of")
    assert found["lo_99"].notna().sum() == 3
    assert found["lo_80"].notna().sum() == 3


def test_numbers_take_the_type_that_the_table_has(bigquery: Service, tmp_path: Path):
    entry = dataset(tmp_path, as_of="cutoff")
    entry.save(forecasts("2024-06-01").assign(n=1, mean=1.5))
    entry.save(forecasts("2024-06-08").assign(n=[1.0, np.nan, 2.0], mean=1))
    assert {each["name"]: each["type"] for each in bigquery.tables[NAME].fields}["n"] == "INTEGER"
    message = refused(entry, forecasts("2024-06-15").assign(n=0.5))
    assert "its field n is INTEGER, and the values are double" in message
    assert len(stored(bigquery)) == 6


@pytest.mark.parametrize("options", [{"as_of": "cutoff"}, {"partition": "week"}, {}])
def test_a_table_of_another_form_is_named_and_unchanged(
    bigquery: Service, tmp_path: Path, options: dict[str, str]
):
    dataset(tmp_path, **options).save(forecasts("2024-06-01"))
    before = bigquery.tables[NAME]
    entry = dataset(tmp_path, **options)
    assert "field mean is FLOAT" in refused(entry, forecasts("2024-06-01").assign(mean="high"))
    other = dataset(tmp_path, partition="cutoff")
    partitioned = refused(other, forecasts("2024-06-01"))
    assert "is partitioned by" in partitioned
    assert "and not by cutoff" in partitioned
    assert bigquery.tables[NAME] is before


def test_a_column_that_somebody_has_added_is_not_lost(bigquery: Service, tmp_path: Path):
    entry = dataset(tmp_path)
    entry.save(forecasts("2024-06-01").assign(note="look"))
    message = refused(entry, forecasts("2024-06-08"))
    assert "its field note (NULLABLE STRING) is not what this version writes" in message
    assert set(stored(bigquery)["note"]) == {"look"}


def test_values_that_no_table_has_are_refused_by_name(bigquery: Service, tmp_path: Path):
    frame = forecasts("2024-06-01").assign(parts=pd.Series([[1], [2], [3]]))
    assert "Column parts cannot be written" in refused(dataset(tmp_path), frame)
    assert NAME not in bigquery.tables
