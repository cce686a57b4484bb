"""Runs that are killed again and again, beside an unbroken one: results and repeated work.

    python -m benchmarks.kill_and_resume [--titles 200] [--kills 20] [--trials 12] [--seed 1]

One run of all pipelines ends unbroken. Another is killed (SIGKILL) at random moments, every second
time together with its worker processes, and started again with the same command. Its forecasts must
equal those of the first to the bit. A title counts as repeated whenever a node begins with it once
more: the checkpoints hold all finished titles. Each process works on one title at a time, so each
kill may repeat one title per process.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from benchmarks.runs import PROJECT
from book_forecast.execution import parallel
from book_forecast.sample import sample_frame

LOG = "KILL_AND_RESUME_LOG"
WORKERS = 2
TABLES = (
    "06_models/training_models",
    "07_model_output/test_forecasts",
    "07_model_output/backtest_forecasts",
    "07_model_output/forecasts.parquet",
)
DRIVER = "from benchmarks.kill_and_resume import watched_kedro; watched_kedro()"
_do, _do_chunk = parallel._do, parallel._do_chunk  # noqa: SLF001


@dataclass(frozen=True, order=True)
class Moment:
    """Seconds after the start of a node, which is the `index`-th of the run."""

    index: int
    seconds: float
    node: str


def watched_kedro() -> None:
    """Run Kedro's command line; log the start of each node and title to a file."""
    from kedro.framework.cli import main
    from kedro.pipeline.node import Node

    run = Node.run

    def logged(self: Any, *arguments: Any, **named: Any) -> Any:
        _log("node", self.name)
        return run(self, *arguments, **named)

    Node.run = logged  # type: ignore[method-assign]
    parallel._do = do  # noqa: SLF001
    parallel._do_chunk = do_chunk  # noqa: SLF001
    main()


def do(function: Any, item: Any, checkpoint: Any) -> Any:
    """Do a title as `parallel` does, and log it."""
    _log("title", item.isbn)
    return _do(function, item, checkpoint)


def do_chunk(function: Any, chunk: Any, checkpoint: Any) -> Any:
    """Do a chunk as `parallel` does in another process, and log each title."""
    parallel._do = do  # noqa: SLF001
    return _do_chunk(function, chunk, checkpoint)


def _log(kind: str, name: str) -> None:
    with Path(os.environ[LOG]).open("a") as file:
        file.write(f"{kind} {name} {time.time():.3f}\n")


class Run(Protocol):
    """A run's process, with those that it has started."""

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end."""

    def send_signal(self, number: int, /) -> None:
        """Send a signal to it alone."""

    def kill(self) -> None:
        """End it with all that it has started."""


class Process(subprocess.Popen[bytes]):
    """A run in a process group of its own."""

    def kill(self) -> None:
        """End it with all that it has started."""
        os.killpg(self.pid, signal.SIGKILL)


@dataclass(frozen=True)
class Runs:
    """Runs of the whole project on one data root, by the same command."""

    folder: Path
    parameters: str

    @property
    def output(self) -> Path:
        """The file that gets what runs print."""
        return self.folder / "output.txt"

    @property
    def arguments(self) -> list[str]:
        """Those of Kedro's command line."""
        parameters = f"data_root={self.folder / 'data'},n_jobs={WORKERS},{self.parameters}"
        return ["run", "--params", parameters]

    @property
    def environment(self) -> dict[str, str]:
        """All environment variables."""
        return os.environ | {
            LOG: str(self.folder / LOG),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db",
            "PYTHONPATH": os.pathsep.join([str(PROJECT / "src"), str(PROJECT)]),
        }

    def start(self) -> Run:
        """Start a run."""
        with self.output.open("ab") as output:
            return Process(
                [sys.executable, "-c", DRIVER, *self.arguments],
                cwd=PROJECT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def finish(self) -> None:
        """Run to the end."""
        if self.start().wait() != 0:
            raise SystemExit(self.output.read_text()[-4000:])

    def kill_at(self, moment: Moment, everything: bool) -> str | None:
        """Run until a moment; return the running node, or None if the run was over before.

        Args:
            moment: When.
            everything: Whether to kill the worker processes as well.
        """
        before = len(self.events())
        process = self.start()
        while process.poll() is None:
            if any(name == moment.node for _, name, _ in self.events()[before:]):
                time.sleep(moment.seconds)
                break
            time.sleep(0.02)
        if process.poll() is not None:
            return None
        if everything:
            process.kill()
        else:
            process.send_signal(signal.SIGKILL)
        process.wait()
        return next(name for kind, name, _ in reversed(self.events()) if kind == "node")

    def events(self) -> list[list[str]]:
        """Return kind, name and time of all starts of a node or a title."""
        lines = (self.folder / LOG).read_text().splitlines()
        return [words for line in lines if len(words := line.split()) == 3]

    def begun(self) -> Counter[tuple[str, str]]:
        """Return how often each node has begun with each title."""
        found: Counter[tuple[str, str]] = Counter()
        node = ""
        for kind, name, _ in self.events():
            if kind == "node":
                node = name
            else:
                found[node, name] += 1
        return found

    def repeated(self) -> int:
        """Return how often a node has begun with a title once more."""
        begun = self.begun()
        return begun.total() - len(begun)

    def table(self, name: str) -> bytes:
        """Return a result as bytes, without ids of release and run, which differ between runs."""
        path = self.folder / "data" / name
        (path,) = [path] if path.is_file() else path.glob("*/*.parquet")
        frame = pd.read_parquet(path).drop(columns="release", errors="ignore")
        frame.attrs = {}
        return frame.to_parquet()


def prepared(folder: Path, titles: int, parameters: str, since: str = "2000-01-01") -> Runs:
    """Return runs on a new folder with an export of generated titles.

    Args:
        folder: A new one.
        titles: How many.
        parameters: More of `--params`.
        since: First week of the export.
    """
    frame = sample_frame(titles=titles, seed=42)
    frame = frame[pd.to_datetime(frame["End Date"]) >= pd.Timestamp(since)]
    sales = folder / "data/01_raw/sales"
    sales.mkdir(parents=True)
    frame.to_csv(sales / "export.csv", index=False)
    (folder / LOG).touch()
    return Runs(folder, parameters)


def moments_of(unbroken: Runs, ended: float, kills: int, seed: int) -> list[Moment]:
    """Draw random moments of a run from its first node to its end, in order."""
    draw = random.Random(seed)
    nodes = [(float(at), name) for kind, name, at in unbroken.events() if kind == "node"]
    found = []
    for at in sorted(draw.uniform(nodes[0][0], ended) for _ in range(kills)):
        index = max(index for index, (began, _) in enumerate(nodes) if began <= at)
        found.append(Moment(index, at - nodes[index][0], nodes[index][1]))
    return found


def kill_all(broken: Runs, moments: Sequence[Moment]) -> tuple[int, int]:
    """Kill a run at all moments, then let it end.

    Args:
        broken: Runs that have not begun.
        moments: In order.

    Returns:
        Number of kills that met a run, which may be over before the moment as it resumes, and
        number of repeated titles.
    """
    before = None
    kills = twice = 0
    for number, moment in enumerate(moments):
        # The run resumes within the same node.
        done = before.seconds if before and before.node == moment.node else 0.0
        at = broken.kill_at(replace(moment, seconds=moment.seconds - done), number % 2 == 0)
        before = moment
        kills += at is not None
        how = f"killed in {at}" if at else "over before it was killed"
        print(f"{how}: {broken.repeated() - twice} titles repeated", flush=True)
        twice = broken.repeated()
    broken.finish()
    print(f"left alone: {broken.repeated() - twice} titles repeated")
    return kills, broken.repeated()


def differences(one: Runs, other: Runs) -> list[str]:
    """Return the names of results that differ in any bit."""
    return [name for name in TABLES if one.table(name) != other.table(name)]


def main() -> None:
    """Print a line per kill, and the number of titles that were computed twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trials", type=int, default=12, help="tune.max_trials")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    asked = parser.parse_args()
    parameters = f"titles=all,tune.max_trials={asked.trials},tune.min_trials=1"
    with tempfile.TemporaryDirectory() as folder:
        unbroken = prepared(Path(folder, "unbroken"), asked.titles, parameters)
        broken = prepared(Path(folder, "broken"), asked.titles, parameters)
        began = time.time()
        unbroken.finish()
        ended = time.time()
        work = unbroken.begun()
        print(f"unbroken: {ended - began:.0f} s, {work.total()} times a title", flush=True)
        moments = moments_of(unbroken, ended, asked.kills, asked.seed)
        kills, repeated = kill_all(broken, moments)
        limit = WORKERS * kills
        different = differences(unbroken, broken)
        # After a promotion, a resumed run compares with a champion, which the unbroken one lacks.
        complete = work.keys() <= broken.begun().keys()
        print(f"killed {kills} times: {repeated} titles computed twice, {limit} allowed")
        print(f"results that differ: {', '.join(different) or 'none'}")
        raise SystemExit(bool(different) or repeated > limit or not complete)


if __name__ == "__main__":
    main()
