"""The weekly command after deliveries that come in part, late and corrected."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from book_forecast.sample import sample_frame
from tests.runs import kedro_run

CHEAP = "families=naive,seasonal_naive,reporting.max_title_plots=1"

pytestmark = pytest.mark.slow


def deliver(data: Path, name: str, rows: pd.DataFrame) -> None:
    folder = data / "01_raw/sales"
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_csv(folder / name, index=False)


def recent_sales() -> tuple[pd.DataFrame, pd.Series]:
    """Rows of six titles' last years, and the week of each."""
    sales = sample_frame(titles=6, seed=42)
    dates = pd.to_datetime(sales["End Date"])
    recent = dates >= pd.Timestamp("2021-07-01")
    return sales[recent], dates[recent]


@pytest.fixture(scope="module")
def before_both_weeks(tmp_path_factory: pytest.TempPathFactory, project_path: Path) -> Path:
    """A data root after a run on all weeks but the last two, to copy."""
    sales, dates = recent_sales()
    data = tmp_path_factory.mktemp("before") / "data"
    deliver(data, "a.csv", sales[dates < sorted(dates.unique())[-2]])
    made = kedro_run(project_path, data, more=CHEAP)
    assert made.returncode == 0, made.stderr
    return data


def copies(before: Path, folder: Path, *names: str) -> list[Path]:
    """Copy a data root, and the store of MLflow that knows its release."""
    shutil.copy(before.parent / "mlflow.db", folder)
    return [shutil.copytree(before, folder / name) for name in names]


def forecasts(data: Path) -> pd.DataFrame:
    frame = pd.read_parquet(data / "07_model_output/forecasts.parquet")
    frame.attrs = {}
    return frame


def payload(data: Path) -> dict[str, bytes]:
    (folder,) = (path.parent for path in data.glob("06_models/releases/*/manifest.json"))
    return {"manifest.json": (folder / "manifest.json").read_bytes()}


def test_two_weeks_in_part_late_and_corrected_end_as_one_clean_delivery(
    tmp_path: Path, project_path: Path, before_both_weeks: Path
) -> None:
    sales, dates = recent_sales()
    first, second = sorted(dates.unique())[-2:]
    step, clean = copies(before_both_weeks, tmp_path, "step", "clean")

    def week(data: Path, *arguments: str) -> str:
        done = kedro_run(project_path, data, "--pipeline", "weekly", *arguments, more=CHEAP)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    wrong = sales[dates == first].assign(Volume=lambda rows: rows["Volume"] * 3)
    deliver(step, "b.csv", wrong)
    deliver(step, "c.csv", sales[dates == second].head(1))
    log = week(step)
    assert f"Week {second:%Y-%m-%d} is incomplete: 1 of" in log
    assert f"Newest week of sales: {second:%Y-%m-%d}" in log
    assert "Changed most:" in log
    assert log.count("put newer exports into 01_raw/sales") == 1
    deliver(step, "d.csv", sales[dates >= first])
    older = kedro_run(project_path, step, "--pipeline", "forecast", more=CHEAP)
    assert "01_raw/sales has 1 newer files (d.csv)" in older.stdout + older.stderr
    week(step)
    deliver(clean, "b.csv", sales[dates >= first])
    week(clean)
    pd.testing.assert_frame_equal(forecasts(step), forecasts(clean), rtol=0, atol=1e-9)
    assert payload(step) == payload(clean)
    files = {path: path.read_bytes() for path in step.glob("07_model_output/**/*.parquet")}
    week(step)
    assert {path: path.read_bytes() for path in files} == files


def test_an_impossible_week_stays_out_until_it_is_accepted_or_corrected(
    tmp_path: Path, project_path: Path, before_both_weeks: Path
) -> None:
    sales, dates = recent_sales()
    first, second = sorted(dates.unique())[-2:]
    data, lacking, right = copies(before_both_weeks, tmp_path, "data", "lacking", "right")

    def week(root: Path, more: str = "") -> str:
        given = ",".join(filter(None, (CHEAP, "hold_back=false", more)))
        done = kedro_run(project_path, root, "--pipeline", "weekly", more=given)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def is_broken(root: Path) -> bool:
        status = json.loads((root / "08_reporting/monitor_status.json").read_text())
        return bool(status["state"] == "broken")

    def left_out(root: Path) -> list[pd.Timestamp]:
        return list(pd.read_parquet(root / "03_primary/weeks_left_out.parquet")["week"])

    before = forecasts(data)
    wrong = sales[dates == first].assign(Volume=lambda rows: rows["Volume"] * 20)
    deliver(data, "b.csv", wrong)
    log = week(data)
    assert (left_out(data), is_broken(data)) == ([first], True)
    pd.testing.assert_frame_equal(forecasts(data), before)
    accepting = f"accepted_weeks={first:%Y-%m-%d}"
    assert f"--params {accepting}`" in log
    week(data, accepting)
    assert (left_out(data), is_broken(data)) == ([], False)
    assert forecasts(data)["mean"].sum() > 1.5 * before["mean"].sum()

    # A usual week follows: the wrong one is missing, as if nobody had reported it. The forecast
    # that has counted it is too high, and does not judge.
    for root in (data, lacking):
        deliver(root, "c.csv", sales[dates == second])
        week(root)
    assert (left_out(data), is_broken(data)) == ([first], False)
    assert left_out(lacking) == []
    pd.testing.assert_frame_equal(forecasts(data), forecasts(lacking), rtol=0, atol=1e-9)

    for root in (data, right):
        deliver(root, "d.csv", sales[dates >= first])
        week(root)
        assert left_out(root) == []
    pd.testing.assert_frame_equal(forecasts(data), forecasts(right), rtol=0, atol=1e-9)
