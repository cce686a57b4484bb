"""Releases of a panel, fitted up to an origin and rolled forward week by week after it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.accuracy.origins import Settings, run_parameters
from benchmarks.accuracy.panels import Panel
from benchmarks.runs import watch
from book_forecast.datasets import ReleaseDataset
from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.options.groups import ExecutionOptions, SelectionOptions
from book_forecast.payload.contents import Payload, Weeks
from book_forecast.pipelines.forecast.nodes import roll_forward

HORIZON = 13
"""Weeks of a fold, and of the test set inside the weeks up to an origin."""
_FITS = "ingest,preprocess,tune,train"


@dataclass(frozen=True)
class Origin:
    """A release that knows the weeks up to an origin, and the weeks after it.

    Attributes:
        panel: Name of the panel.
        number: 0 for the latest origin.
        release: As it was trained.
        weeks: isbn, week, volume of all weeks, also those after the origin.
        covariates: isbn, week, name, value of all weeks.
        days: Saturdays after the origin that are simulated, shape (weeks,).
        checkpoints: Titles that are rolled forward, from which a stopped benchmark resumes.
    """

    panel: str
    number: int
    release: Payload
    weeks: pd.DataFrame
    covariates: pd.DataFrame | None
    days: Weeks
    checkpoints: CheckpointFolder

    def rolled(self, n_jobs: int = 1) -> Iterator[Payload]:
        """Yield the release at each review: before the first simulated week, then after each."""
        first = self.days[0] - np.timedelta64(7, "D")
        for last in [first, *self.days[:-1]]:
            yield roll_forward(
                self.release,
                self.weeks,
                None,
                self.covariates,
                SelectionOptions(cutoff_date=last.astype("datetime64[D]").item()),
                ExecutionOptions(n_jobs=n_jobs),
                self.checkpoints,
            )


def origins_of(panel: Panel, work: Path, n_weeks: int, count: int, *, quick: bool) -> list[Origin]:
    """Train a release at each origin of a panel, the latest first; finished ones are read.

    Args:
        panel: The panel.
        work: Folder of the data roots.
        n_weeks: Weeks after each origin; origins are as far apart.
        count: Number of origins.
        quick: Whether few titles are taken.

    Raises:
        SystemExit: A run fails.
    """
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{work.absolute()}/mlflow.db"
    settings = Settings(work, quick, {"execution.n_jobs": 1})
    whole = work / panel.name / "whole"
    _run(panel, whole, "ingest,preprocess", None, settings)
    weeks = pd.read_parquet(whole / "05_model_input/model_input.parquet")
    file = whole / "05_model_input/covariates.parquet"
    covariates = pd.read_parquet(file) if file.exists() else None
    last, found = weeks["week"].max(), []
    for number in range(count):
        cutoff = last - pd.Timedelta(weeks=n_weeks * (number + 1))
        root = work / panel.name / str(number)
        _run(panel, root, _FITS, cutoff, settings)
        store = ReleaseDataset(filepath=str(root / "06_models/releases"), release="candidate")
        release = store.load()
        if release is None:
            raise SystemExit(f"{root} has no release: remove the folder, and start again.")
        days = np.datetime64(cutoff, "D") + np.timedelta64(7, "D") * np.arange(1, n_weeks + 1)
        folder = CheckpointFolder(root / "06_models/checkpoints")
        found.append(Origin(panel.name, number, release, weeks, covariates, days, folder))
    return found


def _run(
    panel: Panel, root: Path, pipelines: str, cutoff: pd.Timestamp | None, settings: Settings
) -> None:
    """Run some pipelines up to a week, unless they are done."""
    done = root / "done"
    if done.exists():
        return
    shutil.rmtree(root, ignore_errors=True)
    panel.write(root, settings.quick)
    parameters = run_parameters(panel, HORIZON, cutoff, settings)
    pairs = ",".join(
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in parameters.items()
    )
    watch("run", "--pipelines", pipelines, "--params", f"data_root={root},{pairs}")
    done.touch()
