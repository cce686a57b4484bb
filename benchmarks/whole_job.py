"""Wall time, memory and busy cores of `kedro run` over generated titles, SARIMA alone.

    python -m benchmarks.whole_job [--sizes 100 300 1000] [--rest 10000] [--exports 16000]

Each size is a run on a data root of its own. "Not on titles" is the share of the wall time in which
no title is searched, fitted or evaluated: start-up, reading, scores, figures, MLflow, the release.
Memory is that of all processes together, with shared pages counted once (PSS). Memory and process
time are sampled twice a second. `--rest` times ingest, preprocess and forecast alone, from a
release without a search; `--exports` times ingest of the rows of so many titles.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from pathlib import Path

from benchmarks.runs import export, watch

SEARCHED = re.compile(rb"Selected (\d+) of")
ON_TITLES = re.compile(rb"(?:Tuning|Fitting|Evaluating|Comparing): \d+ titles in ([\d.]+) s")
ALONE = "families=sarima"
UNSEARCHED = "tune.max_trials=1,tune.min_trials=1,folds=1"


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
    """Print a row per size."""
    print(
        "| titles | searched | wall, s | of it tune, s | core-s a title searched | "
        "cores busy in tune | not on titles | memory, MB |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for size in sizes:
        given = f"data_root={export(folder / str(size), size)},titles=all,{ALONE}"
        seen = watch("run", "--params", given)
        (searched,) = map(int, SEARCHED.findall(seen.log))
        tune, busy = seen.between(b"Running node: search_orders", b"titles in")
        elsewhere = 1.0 - sum(map(float, ON_TITLES.findall(seen.log))) / seen.wall
        print(
            f"| {size} | {searched} | {seen.wall:.0f} | {tune:.0f} | "
            f"{seen.core_seconds / searched:.2f} | {busy:.2f} | {elsewhere:.0%} | "
            f"{seen.memory / 1e6:.0f} |",
            flush=True,
        )


def print_rest(sizes: list[int], folder: Path) -> None:
    """Print a row per size."""
    print("| titles | ingest, s | preprocess, s | forecast, s | in all, s | memory, MB |")
    print("|---|---|---|---|---|---|")
    for size in sizes:
        data = export(folder / str(size), size)
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
    """Print a row per size."""
    print("| titles | rows of CSV | ingest, s | memory, MB |")
    print("|---|---|---|---|")
    for size in sizes:
        data = export(folder / str(size), size)
        with (data / "01_raw/sales/sample.csv").open("rb") as file:
            rows = sum(1 for _ in file) - 1
        seen = watch("run", "--pipeline", "ingest", "--params", f"data_root={data}")
        print(f"| {size} | {rows:,} | {seen.wall:.1f} | {seen.memory / 1e6:.0f} |", flush=True)


if __name__ == "__main__":
    main()
