"""All pipelines, unchanged, with every catalog entry on a bucket that fails now and then."""

import os
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from book_forecast.sample import sample_frame
from tests import gcs_faults as faults
from tests import processes
from tests.gcs_faults import FaultyBucket

pytest_plugins = ("tests.gcs",)

QUICK = "tune.max_trials=2,tune.folds=1,evaluate.folds=1,n_jobs=1"


@pytest.fixture
def export_on_bucket(faulty_bucket: FaultyBucket, tmp_path: Path) -> str:
    """A bucket with an export of a few titles in its folder of sales."""
    gcs_bucket = faulty_bucket.url
    frame = sample_frame(titles=6, seed=42)
    recent = frame[pd.to_datetime(frame["End Date"]) >= pd.Timestamp("2020-07-01")]
    path = tmp_path / "export.csv"
    recent.to_csv(path, index=False)
    fs, root = fsspec.core.url_to_fs(gcs_bucket)
    fs.put(str(path), f"{root}/01_raw/sales/export.csv")
    return gcs_bucket


@pytest.mark.slow
def test_the_whole_run_reads_and_writes_a_bucket_through_faults(
    faulty_bucket: FaultyBucket,
    export_on_bucket: str,
    tmp_path: Path,
    project_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each costs a second or two, after which gcsfs repeats the request.
    happened = [
        faulty_bucket.inject(faults.UNAVAILABLE, every=150, times=4),
        faulty_bucket.inject(faults.LOST_ANSWER, "POST", every=40, times=3),
        faulty_bucket.inject(faults.TORN_ANSWER, "GET", "alt=media", every=80, times=3),
    ]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    local = {path for path in (project_path / "data").rglob("*") if path.is_file()}
    parameters = f"data_root={export_on_bucket},titles=all,{QUICK}"
    words = ["-m", "kedro", "run", "--params", parameters]
    done = processes.project.run(words, project_path, os.environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(fault.happened for fault in happened)
    faulty_bucket.heal()

    def read(name: str) -> pd.DataFrame:
        return pd.read_parquet(f"{export_on_bucket}/{name}", storage_options={})

    forecasts = read("07_model_output/forecasts.parquet")
    scores = read("08_reporting/scores.parquet")
    sales = read("03_primary/weekly_sales.parquet")
    assert (forecasts.groupby("isbn")["week"].count() == 32).all()
    assert set(forecasts["isbn"]) <= set(sales["isbn"])
    assert {"seasonal_naive", "naive"} < set(scores["model"])
    assert {path for path in (project_path / "data").rglob("*") if path.is_file()} == local
    fs, root = fsspec.core.url_to_fs(export_on_bucket)
    assert fs.exists(f"{root}/02_intermediate/rejected_rows.parquet")
    assert fs.find(f"{root}/06_models/release_models")
