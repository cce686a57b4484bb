"""A panel of weekly series forecast as the pipelines do it, without Kedro around it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from book_forecast.execution.journals import JournalFolder
from book_forecast.options.groups import (
    BoostingOptions,
    EvaluateOptions,
    RegressorOptions,
    ShardOptions,
    TuneOptions,
)
from book_forecast.options.values import FAMILIES
from book_forecast.pipelines.evaluate.nodes import forecast_known_weeks
from book_forecast.pipelines.train.nodes import fit_titles
from book_forecast.pipelines.tune.boosting import Boost
from book_forecast.pipelines.tune.families import forecast_folds
from book_forecast.pipelines.tune.nodes import tune_titles
from book_forecast.pipelines.tune.weighing import weigh_families
from book_forecast.series.history import MODEL_HORIZON

PROJECT = Path(__file__).resolve().parents[1]
WHOLE = ShardOptions()
LAST_WEEK = pd.Timestamp("2024-06-29")
SEED = 42


@dataclass(frozen=True)
class Panel:
    """Series up to a cutoff.

    Attributes:
        weeks: isbn, week, volume, promotion, asp, rrp: training weeks alone.
        titles: isbn, product_class.
        horizon: Weeks to forecast.
        step: Weeks between two rolling origins.
        calendar: Whether the English calendar means anything for them.
        regressors: isbn, week, name, value; None without any.
        regressor_options: What of them is known ahead.
    """

    weeks: pd.DataFrame
    titles: pd.DataFrame
    horizon: int
    step: int
    calendar: bool = False
    regressors: pd.DataFrame | None = None
    regressor_options: RegressorOptions | None = None


def panel_of(series: dict[str, np.ndarray], horizon: int) -> Panel:
    """A panel of series that all end in the same week."""
    frames = []
    for name, values in series.items():
        dates = LAST_WEEK - pd.to_timedelta(7 * np.arange(len(values))[::-1], unit="D")
        frames.append(pd.DataFrame({"isbn": name, "week": dates, "volume": values}))
    weeks = pd.concat(frames, ignore_index=True).assign(promotion=0.0, asp=np.nan, rrp=np.nan)
    weeks = weeks.astype({"isbn": "str", "week": "datetime64[us]"})
    titles = pd.DataFrame({"isbn": list(series), "product_class": "all"}).astype("str")
    return Panel(weeks, titles, horizon, horizon)


def configured() -> TuneOptions:
    """What the project's configuration says of the search."""
    text = (PROJECT / "conf/base/parameters_tune.yml").read_text(encoding="utf-8")
    return TuneOptions.model_validate(yaml.safe_load(text)["tune"])


def forecast_panel(
    panel: Panel,
    families: tuple[str, ...] = FAMILIES,
    levels: tuple[int, ...] = (80, 95),
    tune: TuneOptions | None = None,
    n_jobs: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Forecasts of the weeks after the panel's last, by the ensemble and each of its families.

    Returns:
        A forecasts frame with the models `ensemble` and the families; the leaderboard; seconds.
    """
    began = time.monotonic()
    tune = (tune or configured()).model_copy(update={"step": panel.step})
    names: list[str] = list(families)
    bands: list[float] = list(levels)
    with tempfile.TemporaryDirectory() as folder:
        found, _ = tune_titles(
            panel.weeks,
            tune,
            panel.horizon,
            26,
            SEED,
            n_jobs,
            WHOLE,
            JournalFolder(Path(folder)),
            names,
        )
    boost = Boost(
        panel.titles,
        BoostingOptions(),
        names,
        panel.calendar,
        SEED,
        panel.regressors,
        panel.regressor_options,
    )
    paths = boost.fold_paths(panel.weeks, tune, panel.horizon)
    specifications = found.frame
    said, seasons = forecast_folds(
        panel.weeks,
        specifications,
        paths,
        names,
        panel.calendar,
        tune,
        panel.horizon,
        n_jobs,
        WHOLE,
        panel.regressors,
        panel.regressor_options,
    )
    ensembles, calibration, _, board = weigh_families(
        said.frame, seasons.frame, panel.weeks, panel.titles, names, bands
    )
    ahead = boost.paths(panel.weeks, panel.weeks["week"].max(), MODEL_HORIZON, is_now=True)
    models = fit_titles(
        panel.weeks,
        specifications,
        26,
        n_jobs,
        WHOLE,
        ensembles,
        calibration,
        ahead,
        names,
        panel.calendar,
        panel.regressors,
        panel.regressor_options,
    )
    no_folds = EvaluateOptions(folds=0)
    tested, _ = forecast_known_weeks(
        panel.weeks, models.frame, no_folds, panel.horizon, bands, n_jobs, WHOLE
    )
    chosen = models.frame[["isbn", "model"]]
    own = tested.frame.merge(chosen, on=["isbn", "model"]).assign(model="ensemble")
    others = tested.frame[tested.frame["model"] != "ensemble"]
    return pd.concat([own, others], ignore_index=True), board, time.monotonic() - began
