"""monitor reads what the service logs: the two agree on the form of a file."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from kedro.io import DataCatalog

from book_forecast import settings
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.pipelines.monitor.nodes import compare_arms
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.release.served_log import ServedLog
from book_forecast.storage.environment import EnvironmentConfigLoader
from tests.releases import payloads

NAME = "served_forecasts"
ISBN = payloads.isbn(1)


@pytest.fixture
def logged(project_path: Path, tmp_path: Path) -> dict[str, Any]:
    """The catalog's entry, after a service has logged two answers in the data root."""
    served = ServedRelease(ForecastReader(payloads.release()), "x")
    log = ServedLog(str(tmp_path / "07_model_output" / NAME))
    log.start()
    for _ in range(2):
        log.note("champion", served, ISBN, 4)
    assert log.close(60) == 0
    conf, given = str(project_path / "conf"), {"data_root": str(tmp_path)}
    loader = EnvironmentConfigLoader(conf, "development", given, **settings.CONFIG_LOADER_ARGS)
    entry: dict[str, Any] = loader["catalog"][NAME]
    return entry


def compared(entry: dict[str, Any], sales: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
    """What is wrong with the files, and what was served."""
    tables = DataCatalog.from_config({NAME: entry}).load(NAME)
    state, _, served = compare_arms(None, None, None, tables, sales, None, MonitorOptions())
    return state["damaged"], served


@pytest.fixture
def sales() -> pd.DataFrame:
    week = pd.Timestamp(payloads.CUTOFF) + pd.Timedelta(weeks=1)
    return pd.DataFrame({"isbn": [ISBN], "week": [week], "volume": [10.0]})


def test_answers_of_a_service_are_counted_and_scored(logged: dict[str, Any], sales: pd.DataFrame):
    damaged, served = compared(logged, sales)
    assert damaged == []
    assert served[["arm", "titles", "answers", "n"]].to_numpy().tolist() == [["champion", 1, 2, 1]]


def test_a_file_with_a_flipped_bit_is_named(
    logged: dict[str, Any], sales: pd.DataFrame, tmp_path: Path
):
    (file,) = tmp_path.rglob("*.parquet")
    described = pq.ParquetFile(file).metadata.row_group(0)
    columns = [described.column(at) for at in range(described.num_columns)]
    (mean,) = [column for column in columns if column.path_in_schema == "mean"]
    content = bytearray(file.read_bytes())
    content[mean.data_page_offset + mean.total_compressed_size - 3] ^= 1
    file.write_bytes(content)
    (problem,), served = compared(logged, sales)
    assert file.name in problem
    assert "Delete it: the answers in it are not counted" in problem
    assert served.empty
