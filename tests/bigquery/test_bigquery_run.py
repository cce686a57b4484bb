"""The environment `bigquery`: its configuration, and a week of it."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog

from book_forecast import settings
from book_forecast.datasets import BigQueryTableDataset
from book_forecast.storage.environment import EnvironmentConfigLoader
from book_forecast.storage.errors import find_user_error
from tests.bigquery.service import Service
from tests.bigquery.tables import arrow
from tests.runs import kedro_run

BOOKS = "books-test.books"


def catalog(project: Path, env: str) -> dict[str, Any]:
    conf, arguments = str(project / "conf"), settings.CONFIG_LOADER_ARGS
    return dict(EnvironmentConfigLoader(conf, env, {"data_root": "d"}, **arguments)["catalog"])


def test_entries_keep_their_file_and_what_other_rooms_read_of_them(
    project_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BOOK_FORECAST_BIGQUERY_PROJECT", "books-test")
    monkeypatch.setenv("BOOK_FORECAST_BIGQUERY_DATASET", "books")
    base, changed = catalog(project_path, "production"), catalog(project_path, "bigquery")
    assert base.keys() == changed.keys()
    differing = {name for name in base if base[name] != changed[name] and name[0] != "_"}
    assert {"sales_exports", "forecasts", "scores", "monitor_scores"} < differing
    for name in differing - {"sales_exports"}:
        own = {key: value for key, value in base[name].items() if key != "type"}
        assert own.items() <= changed[name].items()
        assert changed[name]["bigquery"]["project"] == "books-test"
        made = DataCatalog.from_config({name: changed[name]}).get(name)
        assert isinstance(made, BigQueryTableDataset)


def test_parameters_and_steps_are_those_of_production(project_path: Path):
    for name in ("parameters.yml", "zenml.yml"):
        files = [project_path / "conf" / env / name for env in ("production", "bigquery")]
        assert files[0].read_text() == files[1].read_text()


def test_a_name_that_is_not_set_is_asked_for_before_any_node(project_path: Path):
    config = catalog(project_path, "bigquery")
    with pytest.raises(Exception, match="no BigQuery project") as refusal:
        DataCatalog.from_config({"sales_exports": config["sales_exports"]}).get("sales_exports")
    error = find_user_error(refusal.value)
    assert error is not None
    assert "set BOOK_FORECAST_BIGQUERY_PROJECT" in str(error)


def test_empty_variables_as_containers_have_them_are_none(
    project_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BOOK_FORECAST_BIGQUERY_PROJECT", "books-test")
    monkeypatch.setenv("BOOK_FORECAST_BIGQUERY_DATASET", "books")
    without = catalog(project_path, "bigquery")
    for name in ("SALES", "QUERY", "SINCE", "LOCATION"):
        monkeypatch.setenv(f"BOOK_FORECAST_BIGQUERY_{name}", "")
    assert catalog(project_path, "bigquery") == without
    assert without["sales_exports"]["filepath"] is None
    assert without["sales_exports"]["table"] == "sales"


@pytest.mark.slow
def test_a_week_reads_sales_from_bigquery_and_writes_tables_to_it(
    bigquery: Service, whole_run: Path, tmp_path: Path, project_path: Path
):
    data = tmp_path / "data"
    shutil.copytree(whole_run, data)
    exports = data / "01_raw/sales"
    sales = pd.read_csv(exports / "export.csv", dtype={"ISBN": str})
    shutil.rmtree(exports)
    sales.columns = [name.replace(" ", "_") for name in sales.columns]
    sales["End_Date"] = pd.to_datetime(sales["End_Date"])
    newest = sales[sales["End_Date"] == sales["End_Date"].max()]
    later = newest.assign(End_Date=newest["End_Date"] + pd.Timedelta(days=7), Interval=None)
    sales = pd.concat([sales, later], ignore_index=True).drop(columns="Interval")
    bigquery.put(
        f"{BOOKS}.sales",
        arrow(sales),
        timePartitioning={"type": "DAY", "field": "End_Date"},
        requirePartitionFilter=True,
    )
    folder = tmp_path / "node"
    done = kedro_run(
        *(project_path, data, "--env", "bigquery", "--pipeline", "weekly"),
        more="reporting.max_title_plots=1",
        BOOK_FORECAST_METRICS_FOLDER=str(folder),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = (folder / "book_forecast_bigquery_weekly.prom").read_text()
    assert 'book_forecast_forecast_titles{environment="bigquery",pipeline="weekly"} 5.0' in metrics
    week = newest["End_Date"].iloc[0] + pd.Timedelta(days=7)
    weekly = pd.read_parquet(data / "03_primary/weekly_sales.parquet")
    assert weekly["week"].max() == week
    assert weekly["volume"].sum() == sales["Volume"].sum()
    file = pd.read_parquet(data / "07_model_output/forecasts.parquet")
    table = bigquery.tables[f"{BOOKS}.forecasts"].rows.to_pandas()
    assert set(table["as_of"]) == {week.date()}
    assert table["mean"].tolist() == file["mean"].tolist()
    assert table["lo_80"].tolist() == file["lo-80"].tolist()
    for name in ("totals", "delivery_checks", "monitor_scores", "monitor_weeks"):
        rows = bigquery.tables[f"{BOOKS}.{name}"].rows
        (path,) = [*data.glob(f"0*/{name}.parquet")]
        assert rows.num_rows == len(pd.read_parquet(path)) > 0, name
