"""Kedro runs on small exports, as the command line starts them."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

from book_forecast.sample import sample_frame
from book_forecast.storage.locks import locked
from runner_testing.warm import Warm
from tests.mlflow_stores import empty_store
from tests.processes import project as project_processes

QUICK = "titles=all,folds=1,tune.max_trials=2,tune.min_trials=1"


def kedro_run(
    project: Path,
    data: Path,
    *arguments: str,
    more: str = "",
    command: tuple[str, ...] = ("kedro", "run"),
    processes: int = 1,
    anew: bool = False,
    fork_of: Warm = project_processes,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run Kedro on a data root to its end.

    Args:
        project: The folder of the project.
        data: The data root; MLflow's store is beside it.
        arguments: More of the command line.
        more: More parameters.
        command: The module that Python runs, and its first words.
        processes: For the work on titles. Two would import everything twice more.
        anew: Whether Python starts anew instead of with its libraries imported.
        fork_of: Has these libraries imported.
        variables: More environment variables.
    """
    parameters = f"data_root={data},{QUICK},n_jobs={processes}" + (f",{more}" if more else "")
    words = ["-m", *command, *arguments, "--params", parameters]
    # A new process creates its own, as on a new machine.
    store = f"sqlite:///{data.parent}/mlflow.db" if anew else empty_store(data.parent)
    environment = os.environ | {"MLFLOW_TRACKING_URI": store} | variables
    if not anew:
        return fork_of.run(words, project, environment)
    return subprocess.run(
        [sys.executable, *words],
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
    """Write an export of five titles and their list to a data root; return the root."""
    frame = sample_frame(titles=5, seed=42)
    recent = frame[pd.to_datetime(frame["End Date"]) >= pd.Timestamp("2020-07-01")]
    sales = folder / "01_raw/sales"
    sales.mkdir(parents=True)
    recent.to_csv(sales / "export.csv", index=False)
    lists = recent.drop_duplicates("ISBN")[["ISBN", "Title"]].assign(**{"Pub Date": "31/12/2019"})
    lists.to_csv(sales / "isbn list.csv", index=False)
    return folder


def whole_run(shared: Path, project: Path) -> Path:
    """The data root of a whole run on `export`, to read or to copy.

    Args:
        shared: A folder that all processes of this session of tests share; the first that asks
            makes the run there, and others wait for it.
        project: The folder of the project.
    """
    root = shared / "whole"
    with locked(shared / "whole.lock", patience=600.0):
        if not (root / "done").exists():
            data = export(root / "data")
            done = kedro_run(project, data, processes=2, anew=True)
            assert done.returncode == 0, done.stdout + done.stderr
            (root / "done").write_text(done.stdout)
    return root / "data"
