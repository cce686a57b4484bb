"""The cost of a title: seconds of one core to tune it, and memory of the frames it is part of.

    python -m benchmarks.title_costs --data ROOT [--titles 120] [--quick]

ROOT is a data root after ingest and preprocess. docs/scale.md and benchmarks/stragglers.py use the
figures.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.runs import configured
from book_forecast.execution.fingerprints import fingerprint
from book_forecast.options.groups import BacktestOptions
from book_forecast.pipelines.evaluate.scores import score_titles
from book_forecast.pipelines.preprocess.nodes import build_model_input
from book_forecast.pipelines.tune.search import Search, search_title
from book_forecast.sarima import compile_core
from book_forecast.series.history import title_histories

SPLIT_SIZE = 32
MODELS = ("sarima", "seasonal_naive", "naive")
BOUNDS = ("lo-80", "hi-80", "lo-95", "hi-95")
SHARES = np.linspace(0.0, 1.0, 11)


def main() -> None:
    """Print the seconds by deciles, then a line for each frame and number of titles."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--titles", type=int, default=120, help="how many to tune")
    parser.add_argument("--quick", action="store_true", help="10 titles, small frames")
    given = parser.parse_args()
    found = np.array(tuning_seconds(given.data, 10 if given.quick else given.titles))
    print(f"tuning {len(found)} titles: mean {found.mean():.2f} s of one core, deciles")
    print("  " + ", ".join(f"{second:.2f}" for second in np.quantile(found, SHARES)))
    parts = (500, 1000) if given.quick else (1000, 2000, 4000)
    tasks = [(given.data, stage, part) for stage in STAGES for part in parts]
    # A process of its own for each, whose peak of memory is its own.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        list(pool.map(print_stage, *zip(*tasks, strict=True)))


def tuning_seconds(data: Path, count: int) -> list[float]:
    """Return the process time of one core for titles at equal distances in the catalogue."""
    models, origins = configured(), BacktestOptions().origins
    histories = title_histories(pd.read_parquet(data / "05_model_input/training_weeks.parquet"))
    rows = np.linspace(0, len(histories) - 1, count).astype(int)
    compile_core()
    found = []
    with threadpool_limits(1):
        for history in (histories[row] for row in rows):
            began = time.process_time()
            search_title(Search(history, origins.of_title(history.volumes), models))
            found.append(time.process_time() - began)
    return found


def print_stage(data: Path, stage: str, part: int) -> None:
    """Print memory and seconds of one stage on the first titles, in this process alone."""
    isbns = pd.read_parquet(data / "03_primary/titles.parquet", columns=["isbn"])["isbn"]
    before = _peak()
    began = time.perf_counter()
    titles, rows = STAGES[stage](data, isbns.iloc[min(part, len(isbns)) - 1])
    print(
        f"{stage:10} {titles:6} titles {rows:9} rows {time.perf_counter() - began:6.1f} s "
        f"{_peak() - before:6.0f} MB above {before:.0f}",
        flush=True,
    )


def preprocess(data: Path, last: str) -> tuple[int, int]:
    """Lay out the long frame from weekly sales."""
    sales = _until(data / "03_primary/weekly_sales.parquet", last)
    selected = pd.DataFrame({"isbn": sales["isbn"].unique()})
    missing = pd.DataFrame({"week": pd.Series(dtype="datetime64[us]")})
    return len(selected), len(build_model_input(sales, missing, selected, SPLIT_SIZE))


def shard(data: Path, last: str) -> tuple[int, int]:
    """Read and fingerprint the weeks, as every shard of tune and train does first."""
    weeks = _until(data / "05_model_input/training_weeks.parquet", last)
    fingerprint(weeks[["isbn", "week", "volume"]])
    return len(title_histories(weeks)), len(weeks)


def scores(data: Path, last: str) -> tuple[int, int]:
    """Score the forecasts of all shards, as one process of evaluate does."""
    weeks = _until(data / "05_model_input/model_input.parquet", last)
    isbns = weeks["isbn"].unique()
    cutoffs = weeks["week"].max() - pd.to_timedelta([7 * n for n in (32, 64, 77, 90)], unit="D")
    one = pd.MultiIndex.from_product(
        [isbns, MODELS, cutoffs, range(1, SPLIT_SIZE + 1)], names=["isbn", "model", "cutoff", "h"]
    ).to_frame(index=False)
    one["week"] = one["cutoff"] + pd.to_timedelta(7 * one.pop("h"), unit="D")
    one = one.astype({"isbn": "str", "model": "str"})
    forecasts = one.assign(**dict.fromkeys(("mean", *BOUNDS), 1.0))
    del one
    test = forecasts["cutoff"] == cutoffs[0]
    models = pd.DataFrame({"isbn": isbns, "model": MODELS[0]})
    score_titles(forecasts[test], forecasts[~test], models, weeks, [80, 95])
    return len(isbns), len(forecasts)


def _until(path: Path, last: str) -> pd.DataFrame:
    return pd.read_parquet(path, filters=[("isbn", "<=", last)])


def _peak() -> float:
    """Most memory of this process so far, in MB; a child's `ru_maxrss` would begin with ours."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


STAGES: dict[str, Callable[[Path, str], tuple[int, int]]] = {
    "preprocess": preprocess,
    "shard": shard,
    "scores": scores,
}


if __name__ == "__main__":
    main()
