"""A run that a signal ends, in its processes and in MLflow."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.runs import PROJECT
from book_forecast.sample import sample_frame
from runner_testing.warm import Command
from tests import processes
from tests.signals import interruptible

PARAMETERS = (
    "titles=all,tune.max_trials=200,tune.min_trials=200,folds=1,execution.n_jobs=2,"
    "families=sarima,naive"
)

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path):
    """A folder with twelve titles, whose name has characters that mean something elsewhere."""
    folder = tmp_path / "a [b] #1, é"
    sales = folder / "01_raw/sales"
    sales.mkdir(parents=True)
    frame = sample_frame(titles=12, seed=42)
    frame[frame["End Date"] >= "2020-07-01"].to_csv(sales / "export.csv", index=False)
    return folder


def interrupted(folder: Path, number: int) -> tuple[int, str]:
    """Run until the search has begun, send a signal, and return exit code and output.

    Ctrl-C reaches a run as a terminal sends it: Python has started anew, and all processes of its
    group get the signal. SIGTERM reaches the run alone, and SIGKILL ends it with all its processes.
    """
    words = ["-m", "kedro", "run", "--data-root", str(folder), "--params", PARAMETERS]
    output = folder.parent / f"output-{number}.txt"
    if number == signal.SIGINT:
        terminal = started_in_a_terminal([sys.executable, *words], folder, output)
        _wait_for_the_search(terminal, output)
        os.killpg(terminal.pid, number)
        return terminal.wait(120), output.read_text()
    command = processes.project.start(words, PROJECT / "notebooks", environment(folder), output)
    _wait_for_the_search(command, output)
    if number == signal.SIGKILL:
        command.kill()
    else:
        command.send_signal(number)
    return command.wait(120), output.read_text()


def started_in_a_terminal(words: list[str], folder: Path, output: Path) -> subprocess.Popen[bytes]:
    with output.open("w") as file, interruptible():
        return subprocess.Popen(
            words,
            cwd=PROJECT / "notebooks",
            env=environment(folder),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _wait_for_the_search(process: subprocess.Popen[bytes] | Command, output: Path) -> None:
    while process.poll() is None:
        if output.exists() and "search_orders" in output.read_text():
            break
        time.sleep(0.05)
    time.sleep(3.0)


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder.parent}/mlflow.db"}


def statuses(folder: Path) -> list[str]:
    """The states of all runs in MLflow, the oldest first."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(environment(folder)["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("book_forecast")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], order_by=["start_time ASC"])
    return [run.info.status for run in runs]


def test_signals_end_a_run_in_order_and_the_next_one_sets_a_killed_one_right(folder):
    for number, name in ((signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")):
        code, output = interrupted(folder, number)
        assert code == 128 + number
        assert "Traceback" not in output
        assert "resource_tracker" not in output
        assert max(map(len, output.partition("Interrupted")[0].splitlines())) <= 160
        paragraph = output[output.index("Interrupted by ") :]
        assert paragraph.startswith(f"Interrupted by {name}. Its MLflow run ")
        assert "Finished: ingest, preprocess. It was in tune.search_orders." in paragraph
        resume = shlex.split(paragraph.splitlines()[-1])
        assert resume == [
            "python",
            "-m",
            "kedro",
            "run",
            "--data-root",
            str(folder),
            "--params",
            PARAMETERS,
        ]
    assert statuses(folder) == ["KILLED", "KILLED"]

    interrupted(folder, signal.SIGKILL)
    assert statuses(folder) == ["KILLED", "KILLED", "RUNNING"]
    words = ["-m", "kedro", "run", "--pipeline", "ingest", "--data-root", str(folder)]
    done = processes.project.run(words, PROJECT, environment(folder))
    assert done.returncode == 0, done.stderr
    assert "MLflow: one run whose process was killed, now KILLED" in done.stderr
    assert statuses(folder) == ["KILLED", "KILLED", "KILLED", "FINISHED"]
