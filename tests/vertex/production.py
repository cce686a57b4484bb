"""This project's jobs on the emulated Vertex: submitted in its production environment, and run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from book_forecast.sample import sample_frame
from tests.vertex.cloud import Cloud
from tests.vertex.executors import ROOT, Outcome

TITLES = 4
QUICK = "tune.max_trials=2,tune.folds=1,evaluate.folds=1,n_jobs=1,min_success_rate=0"
FOLDS = "tune.forecast_folds"
REGISTRY = "europe-west1-docker.pkg.dev/books/books"


@dataclass(frozen=True)
class Production:
    """This project's jobs, and how those ended that have run.

    Attributes:
        whole: The job of all pipelines, in one shard.
        sharded: That of all pipelines in three shards; it does not run.
        weekly: That of a delivery without a training; it does not run.
        refresh: The schedule of a delivery with the trainings that it needs, as Vertex has got it.
        tune: That of folds in two shards, on the data of the first.
        outcomes: Of `whole` and `tune`.
        local: Files in this project's own data folder before.
    """

    whole: str
    sharded: str
    weekly: str
    refresh: dict[str, Any]
    tune: str
    outcomes: dict[str, Outcome]
    local: set[Path]

    @property
    def jobs(self) -> dict[str, list[str]]:
        """The jobs by the name of their pipeline."""
        return {
            "__default__": [self.whole, self.sharded],
            "weekly": [self.weekly],
            "tune": [self.tune],
        }


@contextmanager
def in_background(google: Cloud) -> Iterator[Future[Production]]:
    """Submit and run this project's jobs beside other tests."""
    google.make_bucket("books")
    frame = sample_frame(titles=TITLES, seed=42)
    recent = frame[pd.to_datetime(frame["End Date"]) >= pd.Timestamp("2021-07-01")]
    google.bucket.pipe("books/01_raw/sales/export.csv", recent.to_csv(index=False).encode())
    # What an operator sets.
    environment = {
        "BOOK_FORECAST_BUCKET": "books",
        "BOOK_FORECAST_PROJECT": "books",
        "BOOK_FORECAST_ARTIFACTS": "gs://artifacts",
        "BOOK_FORECAST_REGISTRY": REGISTRY,
        "BOOK_FORECAST_SERVICE_ACCOUNT": "steps@books.iam.gserviceaccount.com",
        "BOOK_FORECAST_IMAGE": f"{REGISTRY}/pipelines:1",
        "BOOK_FORECAST_TITLES": str(TITLES),
        "MLFLOW_TRACKING_URI": google.mlflow,
    }
    common = ["--env", "production", "--params", QUICK]
    commands = [
        ["run", "--pipeline", "__default__", *common],
        ["run", "--pipeline", "tune", *common, "--shards", "2", "--from-nodes", FOLDS],
        ["run", "--pipeline", "weekly", *common],
        ["run", "--pipeline", "__default__", *common, "--shards", "3"],
        ["schedule", "--pipeline", "refresh", *common],
    ]
    local = set((ROOT / "data").rglob("*"))
    process = google.start(ROOT, *commands, **environment)

    def run() -> Production:
        whole = google.submitted("__default__", 0, process)
        outcomes = {whole: google.execute(whole, ROOT)}
        tune = google.submitted("tune", 0, process)
        if outcomes[whole].succeeded:
            outcomes[tune] = google.execute(tune, ROOT)
        output, _ = process.communicate()
        assert process.returncode == 0, output
        (weekly,), (_, sharded) = google.jobs("weekly"), google.jobs("__default__")
        (refresh,) = google.schedules("book_forecast")
        return Production(whole, sharded, weekly, refresh, tune, outcomes, local)

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run)
        process.kill()
