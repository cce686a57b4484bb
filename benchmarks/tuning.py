"""How near the search comes to the best of its whole space, and what it takes.

    python -m benchmarks.tuning [--titles 8] [--quick]

Every model of the space is scored on the folds of each title, then the search runs with its
defaults, on complete series and on the first titles of the sample. The error is the one that the
search makes small, the mean over the folds; process time of one core.
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
import yaml
from optuna.storages import JournalStorage
from optuna.trial import TrialState
from threadpoolctl import threadpool_limits

from benchmarks.series import TEST_WEEKS, history
from benchmarks.whole_job import watch
from book_forecast.backtesting.rolling_origins import folds_of
from book_forecast.execution.journals import JournalFolder
from book_forecast.options.groups import TuneOptions
from book_forecast.pipelines.tune.search import Search, fold_error
from book_forecast.pipelines.tune.space import Space
from book_forecast.sarima import compile_core
from book_forecast.series.history import History, title_histories

DEFAULTS = Path(__file__).resolve().parents[1] / "conf/base/parameters_tune.yml"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=8)
    parser.add_argument("--quick", action="store_true", help="one title of each kind")
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    compile_core()
    tune = TuneOptions.model_validate(yaml.safe_load(DEFAULTS.read_text())["tune"])
    titles = 1 if options.quick else options.titles
    print("| titles | | error, mean | median | most | models | s a title |")
    print("|---|---|---|---|---|---|---|")
    complete = [history(seed)[0] for seed in range(titles)]
    for kind, histories in (("complete", complete), ("sample", sample()[:titles])):
        print_rows(f"{len(histories)} {kind}", histories, tune)


def print_rows(kind: str, histories: Sequence[History], tune: TuneOptions) -> None:
    """The search and the whole space side by side, over some titles."""
    rows = []
    with threadpool_limits(1):
        for past in histories:
            folds = folds_of(past.volumes, TEST_WEEKS, tune.folds, tune.step, tune.min_train)
            if not folds:
                continue
            space = Space.for_weeks(tune, min(fold.origin for fold in folds))
            search = Search(past, folds, space, tune, 42)
            rows.append((*searched(search), *best_of_all(past, search), len(space.points)))
    found, models, taken, best, everything, size = map(np.array, zip(*rows, strict=True))
    ratio = found / best
    whole = f"{np.median(size):.0f} | {np.median(everything):.2f}"
    print(f"| {kind} | whole space | 1 | | | {whole} |")
    print(
        f"| | search | {np.mean(ratio):.4f} | {np.median(ratio):.4f} | {np.max(ratio):.3f} | "
        f"{np.median(models):.0f} | {np.median(taken):.2f} |",
        flush=True,
    )


def sample() -> list[History]:
    """The training weeks of the sample's titles."""
    with tempfile.TemporaryDirectory() as folder:
        sales = Path(folder) / "01_raw/sales/sample.parquet"
        sales.parent.mkdir(parents=True)
        watch("sample", "--format", "parquet", "--output", str(sales))
        given = ("--params", f"data_root={folder},titles=all")
        for name in ("ingest", "preprocess"):
            watch("run", "--pipeline", name, *given)
        weeks = pd.read_parquet(Path(folder) / "05_model_input/training_weeks.parquet")
    return title_histories(weeks)


def searched(search: Search) -> tuple[float, int, float]:
    """The error of the model that the search finds, how many it tried, and its seconds."""
    began = time.process_time()
    with (
        tempfile.TemporaryDirectory() as folder,
        JournalFolder(Path(folder)).open(f"benchmark/{search.history.isbn}") as journal,
    ):
        trials, _ = search.run(JournalStorage(journal))  # type: ignore[arg-type]
    taken = time.process_time() - began
    complete = [t.value for t in trials if t.state is TrialState.COMPLETE and t.value is not None]
    return min(complete), len(trials), taken


def best_of_all(past: History, search: Search) -> tuple[float, float]:
    """The lowest error of the whole space, and the seconds that it takes."""
    began = time.process_time()
    errors = []
    for point in search.space.points:
        candidate, start, of_folds = search.space.candidate(point), None, []
        try:
            for fold in search.folds:
                error, fitted = fold_error(past, fold, candidate, start)
                start = fitted.arma
                of_folds.append(error)
        except ValueError:
            continue
        errors.append(float(np.mean(of_folds)))
    return min(errors), time.process_time() - began


if __name__ == "__main__":
    main()
