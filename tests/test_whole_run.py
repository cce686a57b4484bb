"""The six pipelines from an export to forecasts, as the command line runs them."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from book_forecast.sample import sample_frame

PIPELINES = ("ingest", "preprocess", "tune", "train", "evaluate", "forecast")
QUICK = "titles=all,folds=1,tune.max_trials=2,tune.min_trials=1"
COLUMNS = {
    "02_intermediate/rejected_rows.parquet": {"file", "sheet", "row", "column", "value", "reason"},
    "02_intermediate/rejected_titles.parquet": {"file", "row", "column", "value", "reason"},
    "03_primary/titles.parquet": {"isbn", "title", "author", "publication_date"},
    "03_primary/weekly_sales.parquet": {"isbn", "week", "volume", "value", "asp", "rrp"},
    "03_primary/titles_left_out.parquet": {"isbn", "reason"},
    "06_models/specifications.parquet": {"isbn", "model", "weights", "fallback_reason"},
    "07_model_output/forecasts.parquet": {
        *("isbn", "week", "cutoff", "model", "release", "mean", "lo-80")
    },
    "08_reporting/scores.parquet": {"isbn", "model", "cutoff", "metric", "value"},
}

pytestmark = pytest.mark.slow


def kedro_run(
    project: Path,
    data: Path,
    *arguments: str,
    more: str = "",
    command: tuple[str, ...] = ("run",),
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    parameters = f"data_root={data},{QUICK}" + (f",{more}" if more else "")
    words = [sys.executable, "-m", "kedro", *command, *arguments, "--params", parameters]
    store = f"sqlite:///{data.parent}/mlflow.db"
    environment = os.environ | {"MLFLOW_TRACKING_URI": store} | variables
    return subprocess.run(
        words,
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def table(path: Path) -> pd.DataFrame:
    """A table without the id of the release it came from, which is each run's own."""
    return pd.read_parquet(path).drop(columns="release", errors="ignore")


def export(folder: Path) -> Path:
    frame = sample_frame(titles=5, seed=42)
    recent = frame[pd.to_datetime(frame["End Date"]) >= pd.Timestamp("2020-07-01")]
    sales = folder / "01_raw/sales"
    sales.mkdir(parents=True)
    recent.to_csv(sales / "export.csv", index=False)
    lists = recent.drop_duplicates("ISBN")[["ISBN", "Title"]].assign(**{"Pub Date": "31/12/2019"})
    lists.to_csv(sales / "isbn list.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, project_path: Path) -> Path:
    """A folder in which a whole run has been."""
    folder = export(tmp_path_factory.mktemp("whole") / "data")
    done = kedro_run(project_path, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Errors on the test weeks" in done.stdout
    assert str(folder / "07_model_output/forecasts.parquet") in done.stdout
    return folder


@pytest.mark.parametrize("path", COLUMNS)
def test_what_others_build_on_lies_where_it_should(data, path):
    assert set(pd.read_parquet(data / path).columns) >= COLUMNS[path]


def test_publication_dates_come_from_a_list_among_the_exports(data):
    titles = pd.read_parquet(data / "03_primary/titles.parquet")
    assert len(titles) == 5
    assert (titles["publication_date"] == pd.Timestamp("2019-12-31")).all()


def test_each_pipeline_alone_goes_on_from_what_the_one_before_wrote(data, project_path, tmp_path):
    folder = export(tmp_path / "data")
    for pipeline in PIPELINES:
        done = kedro_run(project_path, folder, "--pipeline", pipeline)
        assert done.returncode == 0, done.stdout + done.stderr
    for path in ("07_model_output/forecasts.parquet", "08_reporting/scores.parquet"):
        pd.testing.assert_frame_equal(table(folder / path), table(data / path), check_exact=True)


def test_a_run_with_too_many_fallbacks_fails_after_everything_is_written(project_path, tmp_path):
    folder = export(tmp_path / "data")
    # A title that varies in its last training week alone shows the search nothing.
    sales = folder / "01_raw/sales/flat.csv"
    weeks = pd.date_range("2022-01-01", "2024-06-29", freq="W-SAT").strftime("%Y-%m-%d")
    flat = pd.DataFrame({"ISBN": 9786797871191, "End Date": weeks, "Volume": 5})
    flat.loc[len(flat) - 33, "Volume"] = 8
    flat.to_csv(sales, index=False)
    done = kedro_run(project_path, folder, more="min_success_rate=1,families=sarima")
    assert done.returncode == 1
    assert "below min_success_rate 1.0" in done.stderr
    assert "Traceback" not in done.stderr
    assert (folder / "07_model_output/forecasts.parquet").exists()
    assert "Errors on the test weeks" in done.stdout
