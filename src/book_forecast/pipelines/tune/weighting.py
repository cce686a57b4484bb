"""Weights of the families and calibration of intervals."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.forecasters.calibration import Calibration, calibrate
from book_forecast.forecasters.ceilings import KEY as CEILING
from book_forecast.forecasters.ceilings import capped, ceilings
from book_forecast.forecasters.ensemble import COMPARED_WEEKS, POWER, Ensemble
from book_forecast.forecasters.family_choice import used_families
from book_forecast.forecasters.horizon_powers import expected_power
from book_forecast.forecasters.residual_scales import FoldErrors
from book_forecast.forecasters.week_kinds import Kinds
from book_forecast.forecasters.weights import FoldForecasts, Weights, combine, fit_weights
from book_forecast.options.models import ModelOptions
from book_forecast.payload.dependence import KEY
from book_forecast.payload.weight import Weight, weights_to_json
from book_forecast.pipelines.tune.dependence import fold_dependence
from book_forecast.pipelines.tune.fold_arrays import (
    across_titles,
    as_unsearched,
    fold_arrays,
    growth_since,
    prior_weights,
)
from book_forecast.pipelines.tune.fold_kinds import fold_kinds, fold_weeks, without_shifts
from book_forecast.pipelines.tune.folds import NOT_COMPARED
from book_forecast.pipelines.tune.leaderboard import leaderboard
from book_forecast.pipelines.tune.search import SEARCH_FAILED
from book_forecast.sarima import ORDERS
from book_forecast.series.history import WEEK, FloatArray, title_histories

logger = logging.getLogger(__name__)

SPECIFICATION_TYPES = {
    "isbn": "str",
    "model": "str",
    **dict.fromkeys(ORDERS, "Int64"),
    "s": "Int64",
    "trend": "str",
    "transform": "str",
    "season": "Int64",
    "season_p_value": "float64",
    "season_strength": "float64",
    "spread": "float64",
    POWER: "float64",
    "n_folds": "Int64",
    CEILING: "float64",
    "families": "str",
    "weights": "str",
    COMPARED_WEEKS: "Int64",
    "fallback_reason": "str",
}
LOST = "comparing the families failed: its process died twice, or the log has the error"


def weigh_families(
    fold_forecasts: pd.DataFrame,
    seasons: pd.DataFrame,
    sarima_orders: pd.DataFrame,
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    models: ModelOptions,
    levels: list[float],
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Weight the families for each title, and measure the errors of their ensemble.

    Args:
        fold_forecasts: isbn, cutoff, week, a column per family and `WIDTH`, as `forecast_folds`
            returns them; those of older code have no widths.
        seasons: One row per title, as `forecast_folds` returns them.
        sarima_orders: One row per title, as `search_orders` returns them.
        training_weeks: isbn, week, volume.
        titles: isbn, product_class.
        models: The families that were compared.
        levels: Interval levels in percent.

    Returns:
        Specifications, one row per title: SARIMA orders, season, the ceiling of bounds, weights of
        the first and of the last compared week ahead as JSON, and the reason of a fallback; the
        calibration of intervals, with the dependence of weeks and titles, as plain data; the
        ensembles' forecasts of the folds' weeks as a forecasts frame, each with weights from folds
        that share no week with it; the leaderboard of all families, per title and over all.
    """
    families: list[str] = [*models.families]
    isbns = seasons["isbn"].to_numpy(dtype=str)
    folds, keys = fold_arrays(fold_forecasts, seasons, training_weeks, titles, families)
    usual = without_shifts(folds, keys, training_weeks)
    reasons = sarima_orders.set_index("isbn")["families"].reindex(isbns)
    excused = across_titles(map(used_families, reasons), families)
    prior = prior_weights(folds, families)
    found = fit_weights(as_unsearched(usual, families), prior, models.seed, excused)
    mean = np.maximum(combine(folds.members, found.out_of_fold), 0.0)
    weeks = fold_weeks(keys, mean.shape[1])
    kinds = fold_kinds(keys["isbn"], weeks, training_weeks, models, fold_forecasts)
    errors = FoldErrors(
        np.log1p(usual.volumes) - np.log1p(mean),
        folds.titles,
        seasons["expected_spread"].to_numpy(dtype=np.float64),
        growth_since(keys, seasons, training_weeks),
        folds.origins,
        kinds,
        weeks.astype("datetime64[D]").astype(np.int64) // 7,
        expected_powers(isbns, keys, training_weeks, mean.shape[1]),
    )
    calibration, spreads, powers = calibrate(errors)
    if len(isbns):
        _log_shares(families, found, len(keys))
    tops = ceilings(training_weeks, titles)
    of_titles = (spreads, powers, tops.reindex(isbns).to_numpy(dtype=np.float64))
    backtest = _backtest(keys, mean, folds, of_titles, calibration, levels, kinds)
    board = leaderboard(families, reasons, folds, mean, found.mean)
    specifications = _specifications(
        sarima_orders.merge(tops, on="isbn", how="left"),
        _ensembles(seasons, folds, families, found, spreads, powers),
        has_ensembles=models.has_ensembles,
    )
    dependence = fold_dependence(
        *(usual, mean, keys["cutoff"], spreads, powers, calibration, kinds),
        titles.set_index("isbn")["product_class"].reindex(isbns),
    )
    return specifications, {**calibration.to_state(), KEY: dependence}, backtest, board


def _log_shares(families: list[str], found: Weights, n_folds: int) -> None:
    shares = sorted(zip(families, found.mean.mean(axis=0), strict=True), key=lambda p: -p[1])
    logger.info(
        "Weighted %d families for %d titles on %d folds; over all titles: %s",
        *(len(families), len(found.mean), n_folds),
        ", ".join(f"{name} {share:.2f}" for name, share in shares),
    )


def _ensembles(
    seasons: pd.DataFrame,
    folds: FoldForecasts,
    families: list[str],
    found: Weights,
    spreads: FloatArray,
    powers: FloatArray,
) -> pd.DataFrame:
    """One row per title: its season, scale, number of folds and weights."""
    horizon = folds.volumes.shape[1]
    return seasons.drop(columns=["expected_spread", "n_weeks"]).assign(
        spread=spreads,
        **{POWER: powers},
        n_folds=np.bincount(folds.titles, minlength=len(seasons)),
        weights=[
            _as_json(near, far, families, horizon) for near, far in zip(*found.ends, strict=True)
        ],
        **{COMPARED_WEEKS: horizon},
    )


def _specifications(
    sarima_orders: pd.DataFrame, ensembles: pd.DataFrame, *, has_ensembles: bool
) -> pd.DataFrame:
    """One row per title; a fallback is a search or a comparison that failed, or no model at all."""
    merged = sarima_orders.merge(ensembles, on="isbn", how="left", validate="one_to_one")
    reasons = merged["fallback_reason"].astype(object)
    if has_ensembles:
        # Too few weeks for a search leave an ensemble without SARIMA, which is no fallback.
        failed = reasons.str.startswith(SEARCH_FAILED).fillna(value=False).astype(bool)
        compared = merged["weights"].notna()
        reasons = reasons.where(failed | ~compared, None)
        lost = ~compared & ~merged["model"].isin(NOT_COMPARED)
        reasons[lost] = [
            "; ".join(filter(None, [reason, LOST])) for reason in reasons[lost].fillna("")
        ]
    merged["fallback_reason"] = reasons
    for isbn, reason in merged.loc[reasons.notna(), ["isbn", "fallback_reason"]].to_numpy():
        logger.warning("%s falls back to a simpler model: %s", isbn, reason)
    return merged[list(SPECIFICATION_TYPES)].astype(SPECIFICATION_TYPES)


def _as_json(near: FloatArray, far: FloatArray, families: list[str], horizon: int) -> str:
    pairs = zip(families, near.tolist(), far.tolist(), strict=True)
    found = {name: Weight(first, last, horizon) for name, first, last in pairs}
    return weights_to_json({name: each for name, each in found.items() if each.mean > 0.0})


def expected_powers(
    isbns: npt.NDArray[np.str_], keys: pd.DataFrame, training_weeks: pd.DataFrame, horizon: int
) -> FloatArray:
    """Return, by title, the power that its weeks before its first fold show; NaN where unknown.

    Titles without a fold show it in all of their weeks.
    """
    first = keys.groupby("isbn")["cutoff"].min().reindex(training_weeks["isbn"].unique())
    end = training_weeks["isbn"].map(first.fillna(training_weeks["week"].max()))
    before = training_weeks.loc[training_weeks["week"] <= end, ["isbn", "week", "volume"]]
    found = {one.isbn: expected_power(one.volumes, horizon) for one in title_histories(before)}
    return np.array([found.get(isbn, np.nan) for isbn in isbns], dtype=np.float64)


def _backtest(
    keys: pd.DataFrame,
    mean: FloatArray,
    folds: FoldForecasts,
    of_titles: tuple[FloatArray, FloatArray, FloatArray],
    calibration: Calibration,
    levels: list[float],
    kinds: Kinds,
) -> pd.DataFrame:
    """The ensembles' forecasts of the folds' weeks, one under the other.

    `of_titles` has scales, their powers of the week ahead, and ceilings.
    """
    names = [f"{side}-{level}" for level in levels for side in ("lo", "hi")]
    parts: dict[str, list[FloatArray]] = {name: [] for name in ("mean", *names)}
    horizons = keys["horizon"].to_numpy()
    for row, horizon in enumerate(horizons):
        spread, power, ceiling = (values[folds.titles[row]] for values in of_titles)
        own = {name: inside[row, :horizon] for name, inside in kinds.items()}
        forecast = calibration.forecast(mean[row, :horizon], spread, levels, own, power)
        for name, column in capped(forecast, ceiling).columns().items():
            parts[name].append(column)
    cutoffs = np.repeat(keys["cutoff"].to_numpy(), horizons)
    ahead = np.concatenate([np.arange(1, h + 1) for h in horizons]) if len(keys) else np.empty(0)
    frame = pd.DataFrame(
        {
            "isbn": np.repeat(keys["isbn"].to_numpy(dtype=str), horizons),
            "week": cutoffs + WEEK * ahead.astype(np.int64),
            "cutoff": cutoffs,
            "model": Ensemble.family,
            **{
                name: np.concatenate(values) if values else np.empty(0)
                for name, values in parts.items()
            },
        }
    )
    types = {"isbn": "str", "model": "str", "week": "datetime64[us]", "cutoff": "datetime64[us]"}
    return frame.dropna(subset=["mean"], ignore_index=True).astype(types)
