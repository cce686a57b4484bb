"""All pipelines from an export to forecasts, as the command line runs them."""

from pathlib import Path

import pandas as pd
import pytest

from tests.runs import export, kedro_run, table

PIPELINES = ("ingest", "preprocess", "tune", "train", "evaluate", "forecast", "decide")
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


@pytest.fixture(scope="module")
def data(whole_run: Path) -> Path:
    """A folder in which a whole run has been."""
    printed = (whole_run.parent / "done").read_text()
    assert "Errors on the test weeks" in printed
    assert str(whole_run / "07_model_output/forecasts.parquet") in printed
    return whole_run


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
