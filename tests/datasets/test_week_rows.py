"""Tables of forecasts that are read one week at a time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io.core import DatasetError

from book_forecast.datasets import TitleRowsDataset, WeekRowsDataset
from book_forecast.storage.errors import UserError

WEEKS = pd.date_range("2024-01-06", periods=32, freq="7D").as_unit("us")


def forecasts(titles: int) -> pd.DataFrame:
    isbns = [f"978{n:010d}" for n in range(titles)]
    mean = np.arange(titles * len(WEEKS), dtype=float)
    frame = pd.DataFrame(
        {
            "isbn": pd.Series(np.repeat(isbns, len(WEEKS)), dtype="str"),
            "week": np.tile(WEEKS, titles),
            "release": "2024-01-01T00.00.00-00000000",
            "mean": mean,
        }
    )
    bounds = {f"{side}-{level}": mean for level in (9.5, 80, 95) for side in ("lo", "hi")}
    return frame.assign(**bounds)


def saved(path: Path, frame: pd.DataFrame) -> WeekRowsDataset:
    TitleRowsDataset(filepath=str(path)).save(frame)
    return WeekRowsDataset(filepath=str(path))


def test_a_week_has_the_means_and_the_widest_bounds_of_all_titles(tmp_path):
    frame = forecasts(5)
    read = saved(tmp_path / "2024-01-06.parquet", frame).load()
    expected = frame.loc[frame["week"] == WEEKS[3], ["isbn", "week", "mean", "lo-95", "hi-95"]]
    pd.testing.assert_frame_equal(read(WEEKS[3]), expected.reset_index(drop=True))
    assert read(WEEKS[-1] + pd.Timedelta(weeks=1)).empty


def test_a_table_without_bounds_has_means_alone(tmp_path):
    frame = forecasts(2)[["isbn", "week", "mean"]]
    read = saved(tmp_path / "2024-01-06.parquet", frame).load()
    assert list(read(WEEKS[0]).columns) == ["isbn", "week", "mean"]


def test_a_week_costs_a_fraction_of_the_whole_table(tmp_path):
    path = tmp_path / "2024-01-06.parquet"
    read = saved(path, forecasts(5000)).load()
    whole = TitleRowsDataset(filepath=str(path)).load()
    rows = read(WEEKS[3])
    assert len(rows) == 5000
    assert rows.memory_usage(deep=True).sum() < whole.memory_usage(deep=True).sum() / 32


def test_a_week_of_a_damaged_table_is_an_error_that_names_it_or_the_same_rows(tmp_path):
    path = tmp_path / "2024-01-06.parquet"
    read = saved(path, forecasts(50)).load()
    whole, content = read(WEEKS[0]), path.read_bytes()
    problems = []
    for place in range(0, len(content), 499):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        try:
            rows = read(WEEKS[0])
        except UserError as error:
            problems.append(str(error))
        else:
            pd.testing.assert_frame_equal(rows, whole)
    assert len(problems) > 20
    assert all(f"{path} is damaged" in problem for problem in problems)
    assert all("Restore it from a copy" in problem for problem in problems)


def test_it_only_reads(tmp_path):
    with pytest.raises(DatasetError, match="only reads"):
        WeekRowsDataset(filepath=str(tmp_path / "t.parquet")).save(forecasts(1))
