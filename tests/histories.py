"""Histories and frames of made-up titles for the tests of models and pipelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.execution.parts import Part
from book_forecast.forecasters.family_choice import as_column
from book_forecast.options.groups import BacktestOptions, ExecutionOptions, Shard
from book_forecast.options.models import ModelOptions, SearchOptions
from book_forecast.series.history import Covariates, Future, History

CUTOFF = np.datetime64("2024-01-06")
# A season of four weeks keeps the fits of tests small.
QUICK = SearchOptions.model_validate(
    {
        "season": 4,
        "p": {"highest": 1},
        "d": {"highest": 1},
        "q": {"highest": 1},
        "P": {"highest": 1},
        "Q": {"highest": 1},
        "max_trials": 6,
        "min_trials": 3,
        "seeds": {"default": [{"order": [1, 0, 0], "seasonal_order": [1, 0, 0]}]},
    }
)
BACKTEST = BacktestOptions(split_size=6, folds=2, step=6, min_train=40)
# SARIMA alone: no ensembles.
MODELS = ModelOptions(families=["sarima"], seed=1, tune=QUICK)
WHOLE = Shard()
ALONE = ExecutionOptions(n_jobs=1)


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
    covariates = Covariates(("promotion",), depth[:, None], (future,), planned_until=len(depth))
    return replace(history, covariates=covariates)


def every_family(weeks: pd.DataFrame, models: ModelOptions) -> pd.DataFrame:
    """The choice of all families for all titles."""
    choice = pd.DataFrame({"isbn": weeks["isbn"].unique()})
    return choice.assign(families=as_column(dict.fromkeys(models.families))).astype("str")


def weeks_frame(series: dict[str, np.ndarray]) -> pd.DataFrame:
    """Weekly sales of titles that all end in the same week."""
    frames = []
    for isbn, values in series.items():
        weeks = CUTOFF - 7 * np.arange(len(values))[::-1]
        frames.append(pd.DataFrame({"isbn": isbn, "week": weeks, "volume": values}))
    frame = pd.concat(frames, ignore_index=True)
    return frame.astype({"isbn": "str", "week": "datetime64[us]"})


@contextmanager
def checkpoints_in(folder: Path | None) -> Iterator[CheckpointFolder]:
    """The checkpoints of a folder; without one, of a folder that is removed at the end."""
    with TemporaryDirectory() as temporary:
        yield CheckpointFolder(folder or Path(temporary))


def shard(index: int, count: int) -> ExecutionOptions:
    """One process for one part of the titles."""
    return ExecutionOptions(n_jobs=1, shard=Shard(index=index, count=count))


def tune(
    frame: pd.DataFrame,
    models: ModelOptions = MODELS,
    backtest: BacktestOptions = BACKTEST,
    execution: ExecutionOptions = ALONE,
    folder: Path | None = None,
    **search: Any,
) -> tuple[Part, Part]:
    """Orders and trials; `search` changes the options of the search."""
    from book_forecast.pipelines.tune.search import search_orders

    tuned = SearchOptions.model_validate({**models.tune.model_dump(), **search})
    models = models.model_copy(update={"tune": tuned})
    with checkpoints_in(folder) as checkpoints:
        choice = every_family(frame, models)
        return search_orders(frame, choice, models, backtest, execution, checkpoints)


def specify(orders: pd.DataFrame) -> pd.DataFrame:
    """Orders as specifications without an ensemble, as tune writes them for SARIMA alone."""
    from book_forecast.pipelines.tune.weighting import SPECIFICATION_TYPES

    columns = list(SPECIFICATION_TYPES)
    return orders.reindex(columns=columns).astype(SPECIFICATION_TYPES)


def specifications_of(isbns: Sequence[str]) -> pd.DataFrame:
    """Specifications that choose (1,0,0)(1,0,0)4 for each title."""
    row = {"model": "sarima", "transform": "log", "trend": "c", "s": 4, "fallback_reason": None}
    orders = dict(zip(("p", "d", "q", "P", "D", "Q"), (1, 0, 0, 1, 0, 0), strict=True))
    columns = ["isbn", *row, *orders]
    return specify(
        pd.DataFrame([{"isbn": isbn, **row, **orders} for isbn in isbns], columns=columns)
    )


def fit(
    weeks: pd.DataFrame,
    specifications: pd.DataFrame,
    purpose: Any = None,
    models: ModelOptions = MODELS,
    execution: ExecutionOptions = ALONE,
    folder: Path | None = None,
    calibration: dict[str, Any] | None = None,
    global_forecasts: pd.DataFrame | None = None,
    covariates: pd.DataFrame | None = None,
) -> Part:
    """Models of a purpose: SCORED (the default), CHAMPION or RELEASED."""
    from book_forecast.forecasters.global_models.forecasts import FORECAST_TYPES
    from book_forecast.pipelines.train.fits import SCORED

    if global_forecasts is None:
        global_forecasts = pd.DataFrame(columns=list(FORECAST_TYPES)).astype(FORECAST_TYPES)
    with checkpoints_in(folder) as checkpoints:
        return (purpose or SCORED).fit_titles(
            weeks,
            specifications,
            calibration or {},
            global_forecasts,
            covariates,
            models,
            execution,
            checkpoints,
        )


def release_of(
    weeks: pd.DataFrame, specifications: pd.DataFrame, titles: pd.DataFrame, **options: Any
) -> Any:
    """What `assemble_release` makes of specifications; `options` are those of `fit`."""
    from book_forecast.pipelines.train.fits import RELEASED
    from book_forecast.pipelines.train.release import assemble_release

    models = fit(weeks, specifications, RELEASED, **options).frame
    calibration, chosen = options.get("calibration") or {}, options.get("models", MODELS)
    return assemble_release(models, weeks, titles, specifications, calibration, None, chosen)
