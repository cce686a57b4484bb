"""The search beside the best model of its whole space: error and seconds.

    python -m benchmarks.tuning [--titles 8] [--quick]

Every model of the space is scored on the folds of each title, then the search runs with its
defaults, on complete series and on the first titles of the sample. The error is the objective of
the search, the mean over the folds; process time of one core.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks.runs import configured, export, watch
from benchmarks.series import history
from book_forecast.options.groups import BacktestOptions
from book_forecast.pipelines.tune.scoring import fold_error
from book_forecast.pipelines.tune.search import Search
from book_forecast.sarima import compile_core
from book_forecast.series.history import History, title_histories


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="one title of each kind")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    compile_core()
    titles = 1 if options.quick else options.titles
    print("| titles | | error, mean | median | most | models | s a title |")
    print("|---|---|---|---|---|---|---|")
    complete = [history(seed)[0] for seed in range(titles)]
    for kind, histories in (("complete", complete), ("sample", sample()[:titles])):
        print_rows(f"{len(histories)} {kind}", histories)


def print_rows(kind: str, histories: Sequence[History]) -> None:
    """Print the search and the whole space side by side, over some titles."""
    rows = []
    models, origins = configured(), BacktestOptions().origins
    with threadpool_limits(1):
        for past in histories:
            search = Search(past, origins.of_title(past.volumes), models)
            if search.folds:
                size = len(search.space.points)
                rows.append((*searched(search), *best_of_all(search), size))
    found, tried, taken, best, everything, sizes = map(np.array, zip(*rows, strict=True))
    ratio = found / best
    whole = f"{np.median(sizes):.0f} | {np.median(everything):.2f}"
    print(f"| {kind} | whole space | 1 | | | {whole} |")
    print(
        f"| | search | {np.mean(ratio):.4f} | {np.median(ratio):.4f} | {np.max(ratio):.3f} | "
        f"{np.median(tried):.0f} | {np.median(taken):.2f} |",
        flush=True,
    )


def sample() -> list[History]:
    """Return the training weeks of the sample's titles."""
    with tempfile.TemporaryDirectory() as folder:
        export(Path(folder), kind="parquet")
        given = ("--params", f"data_root={folder},titles=all")
        for name in ("ingest", "preprocess"):
            watch("run", "--pipeline", name, *given)
        weeks = pd.read_parquet(Path(folder) / "05_model_input/training_weeks.parquet")
    return title_histories(weeks)


def searched(search: Search) -> tuple[float, int, float]:
    """Return the error of the best model of a search, its number of trials, and its seconds."""
    began = time.process_time()
    study, _ = search.run()
    return study.best_value, len(study.trials), time.process_time() - began


def best_of_all(search: Search) -> tuple[float, float]:
    """Return the lowest error of the whole space, and the seconds that it takes."""
    began = time.process_time()
    errors = []
    space = search.space
    for point in space.points:
        candidate, start, of_folds = space.candidate(point), None, []
        try:
            for fold in search.folds:
                error, fitted = fold_error(search.history, fold, candidate, start)
                start = fitted.arma
                of_folds.append(error)
        except ValueError:
            continue
        errors.append(float(np.mean(of_folds)))
    return min(errors), time.process_time() - began


if __name__ == "__main__":
    main()
