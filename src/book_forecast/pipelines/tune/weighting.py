"""Weights of the families, calibration of intervals and the leaderboard."""

from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.forecasters.calibration import Calibration, FoldErrors, calibrate
from book_forecast.forecasters.ceilings import KEY as CEILING
from book_forecast.forecasters.ceilings import ceilings
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.families import ACROSS_TITLES
from book_forecast.forecasters.weights import FoldForecasts, combine, fit_weights
from book_forecast.options.models import ModelOptions
from book_forecast.payload.dependence import KEY
from book_forecast.pipelines.tune.dependence import fold_dependence
from book_forecast.pipelines.tune.fold_kinds import without_shifts
from book_forecast.pipelines.tune.folds import NOT_COMPARED
from book_forecast.pipelines.tune.search import SEARCH_FAILED
from book_forecast.sarima import ORDERS
from book_forecast.series.history import ALL_TITLES, WEEK, FloatArray

logger = logging.getLogger(__name__)

IntArray = npt.NDArray[np.int64]

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
    "n_folds": "Int64",
    CEILING: "float64",
    "weights": "str",
    "fallback_reason": "str",
}
LOST = "comparing the families failed: its process died twice, or the log has the error"
LEADERBOARD_TYPES = {
    "isbn": "str",
    "family": "str",
    "mae": "float64",
    "relative_error": "float64",
    "rank": "Int64",
    "weight": "float64",
    "n_folds": "int64",
}
ENSEMBLE = Ensemble.family
# Families without a weight as long as there is no evidence for them.
BASELINES = ("naive", "seasonal_naive", "intermittent")
# Titles with fewer weeks share a stack of their own: launches need other weights.
LAUNCH_WEEKS = 104
# Prior weight, for launches, of the families that learn from other titles.
OF_OTHERS = 0.75


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
        fold_forecasts: isbn, cutoff, week and a column per family, as `forecast_folds` returns
            them.
        seasons: One row per title, as `forecast_folds` returns them.
        sarima_orders: One row per title, as `search_orders` returns them.
        training_weeks: isbn, week, volume.
        titles: isbn, product_class.
        models: The families that were compared.
        levels: Interval levels in percent.

    Returns:
        Specifications, one row per title: SARIMA orders, season, the ceiling of bounds, weights as
        JSON and the reason of a fallback; the calibration of intervals, with the dependence of
        weeks and titles, as plain data; the ensembles' forecasts of the folds' weeks as a forecasts
        frame, each with weights from the other folds; the leaderboard of all families, per title
        and over all.
    """
    families: list[str] = [*models.families]
    isbns = seasons["isbn"].to_numpy(dtype=str)
    folds, keys = _folds(fold_forecasts, seasons, training_weeks, titles, families)
    usual = without_shifts(folds, keys, training_weeks)
    found = fit_weights(usual, _prior(folds, families), models.seed)
    mean = np.maximum(combine(folds.members, found.out_of_fold), 0.0)
    errors = np.log1p(usual.volumes) - np.log1p(mean)
    calibration, spreads = calibrate(
        FoldErrors(
            errors,
            folds.titles,
            seasons["expected_spread"].to_numpy(dtype=np.float64),
            _growth(keys, seasons, training_weeks),
            folds.origins,
        )
    )
    ensembles = seasons.drop(columns=["expected_spread", "n_weeks"]).assign(
        spread=spreads,
        n_folds=np.bincount(folds.titles, minlength=len(isbns)),
        weights=[_as_json(row, families) for row in found.weights],
    )
    if len(isbns):
        shares = sorted(zip(families, found.weights.mean(axis=0), strict=True), key=lambda p: -p[1])
        logger.info(
            "Weighted %d families for %d titles on %d folds; over all titles: %s",
            *(len(families), len(isbns), len(keys)),
            ", ".join(f"{name} {share:.2f}" for name, share in shares),
        )
    backtest = _backtest(keys, mean, folds, spreads, calibration, levels)
    board = _leaderboard(isbns, families, folds, mean, found.weights)
    specifications = _specifications(
        sarima_orders.merge(ceilings(training_weeks, titles), on="isbn", how="left"),
        ensembles,
        has_ensembles=models.has_ensembles,
    )
    dependence = fold_dependence(
        *(usual, mean, keys["cutoff"], spreads, calibration),
        titles.set_index("isbn")["product_class"].reindex(isbns),
    )
    return specifications, {**calibration.to_state(), KEY: dependence}, backtest, board


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


def _folds(
    forecasts: pd.DataFrame,
    seasons: pd.DataFrame,
    training_weeks: pd.DataFrame,
    titles: pd.DataFrame,
    families: list[str],
) -> tuple[FoldForecasts, pd.DataFrame]:
    """Return the forecasts as one array, a row per fold, and the key of each row."""
    known = training_weeks[["isbn", "week", "volume"]]
    forecasts = forecasts.merge(known, on=["isbn", "week"], how="left", validate="many_to_one")
    forecasts = forecasts.sort_values(["isbn", "cutoff", "week"], kind="stable", ignore_index=True)
    groups = forecasts.groupby(["isbn", "cutoff"], sort=False)
    row = groups.ngroup().to_numpy()
    ahead = groups.cumcount().to_numpy()
    keys = groups.size().rename("horizon").reset_index()
    shape = (len(keys), int(ahead.max(initial=-1)) + 1)
    members = np.full((shape[0], len(families), shape[1]), np.nan)
    volumes = np.full(shape, np.nan)
    members[row, :, ahead] = forecasts[families].to_numpy(dtype=np.float64)
    volumes[row, ahead] = forecasts["volume"].to_numpy(dtype=np.float64)
    of_title = pd.Index(seasons["isbn"])
    product_class = titles.set_index("isbn")["product_class"].reindex(of_title)
    folds = FoldForecasts(
        members=members,
        volumes=volumes,
        titles=of_title.get_indexer(pd.Index(keys["isbn"])).astype(np.int64),
        origins=((keys["cutoff"].max() - keys["cutoff"]).to_numpy() // WEEK).astype(np.int64),
        groups=(seasons["n_weeks"].to_numpy() < LAUNCH_WEEKS).astype(np.int64),
        classes=(pd.factorize(product_class)[0] + 1).astype(np.int64),
    )
    return folds, keys


def _growth(keys: pd.DataFrame, seasons: pd.DataFrame, training_weeks: pd.DataFrame) -> FloatArray:
    """How many times as long a title's history is now as it was at each fold."""
    now = keys["isbn"].map(seasons.set_index("isbn")["n_weeks"]).to_numpy(dtype=np.float64)
    since = (training_weeks["week"].max() - keys["cutoff"]).to_numpy() / WEEK
    return np.asarray(now / np.maximum(now - since, 1.0), dtype=np.float64)


def _prior(folds: FoldForecasts, families: list[str]) -> FloatArray:
    """The mean of the families that are models; for launches more of those across titles."""
    n, m = len(folds.groups), len(families)
    models = np.array([name not in BASELINES for name in families])
    mean = models / models.sum() if models.any() else np.full(m, 1.0 / m)
    prior = np.tile(mean, (n, 1))
    across = np.array([name in ACROSS_TITLES for name in families])
    if across.any() and not across.all():
        of_launch = np.where(across, OF_OTHERS / across.sum(), (1.0 - OF_OTHERS) / (~across).sum())
        prior[folds.groups == 1] = of_launch
    return prior


def _as_json(weights: FloatArray, families: list[str]) -> str:
    shown = {n: round(float(w), 4) for n, w in zip(families, weights, strict=True) if w > 0.0}
    return json.dumps(dict(sorted(shown.items(), key=lambda item: -item[1])))


def _backtest(
    keys: pd.DataFrame,
    mean: FloatArray,
    folds: FoldForecasts,
    spreads: FloatArray,
    calibration: Calibration,
    levels: list[float],
) -> pd.DataFrame:
    """The ensembles' forecasts of the folds' weeks, one under the other."""
    names = [f"{side}-{level}" for level in levels for side in ("lo", "hi")]
    parts: dict[str, list[FloatArray]] = {name: [] for name in ("mean", *names)}
    horizons = keys["horizon"].to_numpy()
    for row, horizon in enumerate(horizons):
        spread = spreads[folds.titles[row]]
        forecast = calibration.forecast(mean[row, :horizon], spread, levels)
        for name, column in forecast.columns().items():
            parts[name].append(column)
    cutoffs = np.repeat(keys["cutoff"].to_numpy(), horizons)
    ahead = np.concatenate([np.arange(1, h + 1) for h in horizons]) if len(keys) else np.empty(0)
    frame = pd.DataFrame(
        {
            "isbn": np.repeat(keys["isbn"].to_numpy(dtype=str), horizons),
            "week": cutoffs + WEEK * ahead.astype(np.int64),
            "cutoff": cutoffs,
            "model": ENSEMBLE,
            **{
                name: np.concatenate(values) if values else np.empty(0)
                for name, values in parts.items()
            },
        }
    )
    types = {"isbn": "str", "model": "str", "week": "datetime64[us]", "cutoff": "datetime64[us]"}
    return frame.dropna(subset=["mean"], ignore_index=True).astype(types)


def _leaderboard(
    isbns: npt.NDArray[np.str_],
    families: list[str],
    folds: FoldForecasts,
    mean: FloatArray,
    weights: FloatArray,
) -> pd.DataFrame:
    """Errors on the folds, a row for each title and family, the ensemble among them."""
    known = np.isfinite(folds.volumes)
    everything = np.concatenate([folds.members, mean[:, None]], axis=1)
    wrong = np.abs(everything - folds.volumes[:, None])
    wrong = np.where(known[:, None], wrong, 0.0).sum(axis=2)
    weeks = known.sum(axis=1)
    n, names = len(isbns), [*families, ENSEMBLE]
    sums, counts = np.zeros((n, len(names))), np.zeros(n)
    np.add.at(sums, folds.titles, wrong)
    np.add.at(counts, folds.titles, weeks)
    mae = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], np.nan)
    own = np.where(mae[:, -1:] > 0, mae[:, -1:], np.nan)
    counted = np.bincount(folds.titles, minlength=n)
    shares = np.column_stack([weights, np.ones(n)])
    board = pd.DataFrame(
        {
            "isbn": np.repeat(isbns, len(names)),
            "family": np.tile(names, n),
            "mae": mae.ravel(),
            "relative_error": (mae / own).ravel(),
            "weight": shares.ravel(),
            "n_folds": np.repeat(counted, len(names)),
        }
    )
    board["rank"] = board.groupby("isbn")["mae"].rank(method="min")
    over_all = board.groupby("family", as_index=False).agg(
        mae=("mae", "mean"),
        relative_error=("relative_error", "mean"),
        weight=("weight", "mean"),
        n_folds=("n_folds", "sum"),
    )
    over_all["isbn"] = ALL_TITLES
    over_all["rank"] = over_all["mae"].rank(method="min")
    board = pd.concat([over_all, board], ignore_index=True)[list(LEADERBOARD_TYPES)]
    board = board.sort_values(["isbn", "mae"], kind="stable", ignore_index=True)
    return board.astype(LEADERBOARD_TYPES)
