"""The overhead of ZenML on the local stack: start-up, each step, and shards.

    python -m benchmarks.zenml_overhead --repeats 3

`kedro run` and `kedro zenml run` run the same nodes of the sample in turn; ZenML's first run has an
empty store. Then the search over all titles runs without shards, and in shards one after the other.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.runs import PROJECT


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        data = home / "data"
        shutil.copytree(PROJECT / "data/01_raw", data / "01_raw")
        os.environ |= {
            "ZENML_CONFIG_PATH": str(home / "zenml"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db",
        }
        seconds("-m", "kedro", "run", "--params", f"data_root={data}")
        measure(data, repeats)
        compare_shards(data, repeats)


def measure(data: Path, repeats: int) -> None:
    """Time both commands in turn, and the commands that only plan."""
    whole = ["--params", f"data_root={data}"]
    first, out = seconds("-m", "kedro", "zenml", "run", *whole)
    print(f"first run of all, empty store: {first:.1f} s, of it start-up {ready(out):.1f} s")
    plain, wrapped, started = [], [], []
    for _ in range(repeats):
        plain.append(seconds("-m", "kedro", "run", *whole)[0])
        taken, out = seconds("-m", "kedro", "zenml", "run", *whole)
        wrapped.append(taken)
        started.append(ready(out))
    steps = int(re.findall(r"All (\d+) steps", out)[-1])
    extra = statistics.median(wrapped) - statistics.median(plain)
    print(f"kedro run: {spread(plain)}; kedro zenml run: {spread(wrapped)}; {steps} steps")
    print(f"start-up of kedro zenml run: {spread(started)}")
    a_step = (extra - statistics.median(started)) / steps
    print(f"added in all: {extra:.1f} s; without the start-up {a_step:.2f} s a step")
    helps = [seconds("-m", "zenml_runner", "--help")[0] for _ in range(repeats)]
    compiles = [seconds("-m", "kedro", "zenml", "compile", *whole)[0] for _ in range(repeats)]
    print(f"python -m zenml_runner --help: {spread(helps)}; compile: {spread(compiles)}")


def compare_shards(data: Path, repeats: int, shards: int = 4) -> None:
    """Time the search without and with shards in turn, each without checkpoints."""
    where = ["--params", f"data_root={data},titles=all"]
    seconds("-m", "kedro", "run", "--pipeline", "preprocess", *where)
    taken: dict[int, list[float]] = {1: [], shards: []}
    for _ in range(repeats):
        for count, found in taken.items():
            shutil.rmtree(data / "06_models")
            command = ["kedro", "zenml", "run", "--pipeline", "tune", "--shards", str(count)]
            _, out = seconds("-m", *command, *where)
            found.append(float(re.findall(r"steps done in ([\d.]+) s", out)[-1]))
    ratio = statistics.median(taken[shards]) / statistics.median(taken[1])
    print(
        f"tune of all titles: {spread(taken[1])}; in {shards} shards: {spread(taken[shards])}; "
        f"ratio {ratio:.2f}"
    )


def seconds(*arguments: str) -> tuple[float, str]:
    """Return the wall time of a command, and its output."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - started, done.stdout


def ready(output: str) -> float:
    """Return the seconds to the first step, which the command prints."""
    return float(re.findall(r"Ready after ([\d.]+) s", output)[-1])


def spread(values: list[float]) -> str:
    """Return median and range."""
    return f"{statistics.median(values):.1f} s ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
