"""Histories and frames of made-up titles for the tests of models and pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from book_forecast.execution.journals import JournalFolder
from book_forecast.options.groups import ShardOptions, TuneOptions
from book_forecast.series.history import Covariates, Future, History

CUTOFF = np.datetime64("2024-01-06")
# A season of four weeks keeps the fits of tests small.
QUICK = TuneOptions.model_validate(
    {
        "season": 4,
        "p": {"highest": 1},
        "d": {"highest": 1},
        "q": {"highest": 1},
        "P": {"highest": 1},
        "Q": {"highest": 1},
        "folds": 2,
        "step": 6,
        "min_train": 40,
        "max_trials": 6,
        "min_trials": 3,
        "seeds": {"default": [{"order": [1, 0, 0], "seasonal_order": [1, 0, 0]}]},
    }
)
WHOLE = ShardOptions()


def volumes(seed: int, n: int = 90) -> np.ndarray:
    """Counts with a drifting level and a season of four weeks."""
    rng = np.random.default_rng(seed)
    level = np.exp(3.0 + np.cumsum(rng.normal(0.0, 0.05, n)) + 0.5 * (np.arange(n) % 4 == 0))
    return rng.poisson(level).astype(float)


def history(values: np.ndarray, isbn: str = "9780722532935") -> History:
    return History(isbn, np.asarray(values, dtype=float), CUTOFF)


def promoted(history: History, future: Future = "known") -> History:
    """The same title with a promotion of three weeks now and then, some of them planned ahead."""
    weeks = np.arange(history.n_weeks + 30)
    depth = np.where(weeks % 17 < 3, 0.25, 0.0)
    return replace(history, covariates=Covariates(("promotion",), depth[:, None], (future,)))


def weeks_frame(series: dict[str, np.ndarray]) -> pd.DataFrame:
    """Weekly sales of titles that all end in the same week."""
    frames = []
    for isbn, values in series.items():
        weeks = CUTOFF - 7 * np.arange(len(values))[::-1]
        frames.append(pd.DataFrame({"isbn": isbn, "week": weeks, "volume": values}))
    frame = pd.concat(frames, ignore_index=True)
    return frame.astype({"isbn": "str", "week": "datetime64[us]"})


def tune(
    frame: pd.DataFrame,
    journals: JournalFolder,
    options: TuneOptions = QUICK,
    shard: ShardOptions = WHOLE,
    n_jobs: int = 1,
    seed: int = 1,
):
    from book_forecast.pipelines.tune.nodes import tune_titles

    return tune_titles(
        training_weeks=frame,
        options=options,
        split_size=6,
        alive_weeks=26,
        seed=seed,
        n_jobs=n_jobs,
        shard=shard,
        journals=journals,
    )


def specifications_of(isbns: Sequence[str]) -> pd.DataFrame:
    """What tune writes where it has chosen (1,0,0)(1,0,0)4 for each title."""
    row = {"model": "sarima", "transform": "log", "trend": "c", "s": 4, "fallback_reason": None}
    orders = dict(zip(("p", "d", "q", "P", "D", "Q"), (1, 0, 0, 1, 0, 0), strict=True))
    columns = ["isbn", *row, *orders]
    return pd.DataFrame([{"isbn": isbn, **row, **orders} for isbn in isbns], columns=columns)
