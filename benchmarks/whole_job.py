"""Wall time, memory and busy cores of `kedro run` over generated titles, SARIMA alone.

    python -m benchmarks.whole_job [--sizes 100 300 1000] [--rest 10000] [--exports 16000]

Each size is a run in a data folder of its own. "Not on titles" is the share of the wall time in
which no title is searched, fitted or evaluated: start-up, reading, scores, figures, MLflow, the
release. Memory is that of all processes together, with shared pages counted once (PSS), looked at
twice a second; so is the process time. `--rest` times ingest, preprocess and forecast alone, from a
release whose titles were not searched; `--exports` times ingest of so many titles' rows.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PROJECT = Path(__file__).resolve().parents[1]
STAMP = re.compile(r"^(\d\d:\d\d:\d\d) ")
SEARCHED = re.compile(r"Selected (\d+) of")
ON_TITLES = re.compile(r"(?:Tuning|Fitting|Evaluating|Comparing): \d+ titles in ([\d.]+) s")
ALONE = "families=sarima"
UNSEARCHED = "tune.max_trials=1,tune.min_trials=1,tune.folds=1"


@dataclass
class Watch:
    """What a run has taken.

    Attributes:
        wall: Seconds.
        memory: Most bytes of all processes together.
        lines: Of its log.
        samples: Wall clock and process time so far, in seconds.
    """

    wall: float = 0.0
    memory: int = 0
    lines: list[str] = field(default_factory=list)
    samples: list[tuple[dt.datetime, float]] = field(default_factory=list)

    def seconds_of(self, first: str, last: str) -> float:
        """Wall time between two lines of the log."""
        begin, end = self._between(first, last)
        return (end - begin).total_seconds()

    def busy(self, first: str, last: str) -> float:
        """Cores at work between two lines of the log, in the mean."""
        begin, end = self._between(first, last)
        inside = [(at, used) for at, used in self.samples if begin <= at <= end]
        if len(inside) < 2:
            return float("nan")
        (start, before), (stop, after) = inside[0], inside[-1]
        return (after - before) / (stop - start).total_seconds()

    def _between(self, first: str, last: str) -> tuple[dt.datetime, dt.datetime]:
        stamps = []
        for text in (first, last):
            line = next(line for line in self.lines if text in line)
            match = STAMP.match(line)
            assert match, line
            day = self.samples[0][0]
            clock = dt.time.fromisoformat(match[1])
            found = dt.datetime.combine(day.date(), clock)
            stamps.append(found if clock >= day.time().replace(microsecond=0) else found + DAY)
        return stamps[0], stamps[1]


DAY = dt.timedelta(days=1)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 300, 1000])
    parser.add_argument("--rest", type=int, nargs="*", default=[10_000])
    parser.add_argument("--exports", type=int, nargs="*", default=[16_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        if options.sizes:
            print_whole(options.sizes, Path(folder))
            print()
        if options.rest:
            print_rest(options.rest, Path(folder))
            print()
        if options.exports:
            print_exports(options.exports, Path(folder))


def print_whole(sizes: list[int], folder: Path) -> None:
    """A row a size."""
    print(
        "| titles | searched | wall, s | of it tune, s | core-s a title searched | "
        "cores busy in tune | not on titles | memory, MB |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        given = f"data_root={export(folder, size)},titles=all,{ALONE}"
        seen = watch("run", "--params", given)
        searched = next(int(m[1]) for line in seen.lines if (m := SEARCHED.search(line)))
        tune = ("Running node: tune_titles", "titles in")
        on_titles = sum(float(m[1]) for line in seen.lines if (m := ON_TITLES.search(line)))
        elsewhere = 1.0 - on_titles / seen.wall
        core_seconds = seen.samples[-1][1] / searched
        print(
            f"| {size} | {searched} | {seen.wall:.0f} | {seen.seconds_of(*tune):.0f} | "
            f"{core_seconds:.2f} | {seen.busy(*tune):.2f} | {elsewhere:.0%} | "
            f"{seen.memory / 1e6:.0f} |",
            flush=True,
        )


def print_rest(sizes: list[int], folder: Path) -> None:
    """A row a size."""
    print("| titles | ingest, s | preprocess, s | forecast, s | in all, s | memory, MB |")
    print("|---|---|---|---|---|---|")
    for size in sizes:
        data = export(folder, size)
        given = ("--params", f"data_root={data},titles=all,{ALONE}")
        first = [watch("run", "--pipeline", name, *given) for name in ("ingest", "preprocess")]
        watch("run", "--pipeline", "tune", "--params", f"{given[1]},{UNSEARCHED}")
        watch("run", "--pipeline", "train", *given)
        watch("release", "promote", "--data-root", str(data))
        seen = [*first, watch("run", "--pipeline", "forecast", *given)]
        walls = [one.wall for one in seen]
        memory = max(one.memory for one in seen) / 1e6
        shown = " | ".join(f"{wall:.1f}" for wall in (*walls, sum(walls)))
        print(f"| {size} | {shown} | {memory:.0f} |", flush=True)


def print_exports(sizes: list[int], folder: Path) -> None:
    """A row a size."""
    print("| titles | rows of CSV | ingest, s | memory, MB |")
    print("|---|---|---|---|")
    for size in sizes:
        data = export(folder, size)
        with (data / "01_raw/sales/sample.csv").open("rb") as file:
            rows = sum(1 for _ in file) - 1
        seen = watch("run", "--pipeline", "ingest", "--params", f"data_root={data}")
        print(f"| {size} | {rows:,} | {seen.wall:.1f} | {seen.memory / 1e6:.0f} |", flush=True)


def export(folder: Path, titles: int) -> Path:
    """A data folder with an export of generated titles."""
    data = folder / str(titles)
    sales = data / "01_raw/sales/sample.csv"
    if not sales.exists():
        sales.parent.mkdir(parents=True)
        watch("sample", "--titles", str(titles), "--format", "csv", "--output", str(sales))
    return data


def watch(*arguments: str) -> Watch:
    """Run a command of Kedro's, and look at all its processes meanwhile."""
    seen = Watch()
    with tempfile.TemporaryFile("w+") as log:
        began = time.monotonic()
        process = psutil.Popen(
            [sys.executable, "-m", "kedro", *arguments],
            cwd=PROJECT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        used: dict[int, float] = {}
        while process.poll() is None:
            seen.memory = max(seen.memory, _look(process, used))
            seen.samples.append((dt.datetime.now(), sum(used.values())))  # noqa: DTZ005
            time.sleep(0.5)
        seen.wall = time.monotonic() - began
        log.seek(0)
        seen.lines = log.read().splitlines()
    if process.returncode:
        raise SystemExit("\n".join([f"kedro {' '.join(arguments)} failed:", *seen.lines[-20:]]))
    return seen


def _look(process: psutil.Process, used: dict[int, float]) -> int:
    """Bytes of all processes together; notes the process time of each."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += one.memory_full_info().pss
                times = one.cpu_times()
                used[one.pid] = times.user + times.system
    return total


if __name__ == "__main__":
    main()
