"""Scores of all models of a panel, as GIFT-Eval computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from utilsforecast import losses

from benchmarks.accuracy.origins import LEVELS, OURS, Origin
from benchmarks.accuracy.rivals import PREFIX
from book_forecast.backtesting.metrics import naive_scales

SIMPLE_MEAN = "simple mean"
BASELINES = ("naive", "seasonal_naive")
NOT_AVERAGED = (*BASELINES, "intermittent")
METRICS = ("wape", "mase", "mase_of_mean", "wql", "msis", "coverage-80", "coverage-95")
ERRORS = METRICS[:5]
"""The lower, the better."""

_KEY = ["isbn", "week", "cutoff"]
_BOUNDS = [f"{side}-{level}" for level in LEVELS for side in ("lo", "hi")]
_QUANTILES = {
    **{f"lo-{level}": round(0.5 - level / 200, 3) for level in (80, 60, 40, 20)},
    "median": 0.5,
    **{f"hi-{level}": round(0.5 + level / 200, 3) for level in (20, 40, 60, 80)},
}
_ALL: dict[str, Any] = {"id_col": "panel", "target_col": "volume"}
_MSIS_LEVEL = 95


def score_panel(origins: Sequence[Origin]) -> pd.DataFrame:
    """Score every model of a panel over all its test cutoffs together.

    Errors: WAPE of the mean; MASE of the median and of the mean, scaled by the mean change from
    week to week up to the cutoff (m = 1); the mean weighted quantile loss at 0.1 to 0.9; MSIS at
    95 %. Titles whose weeks never change have no MASE or MSIS. Each week counts as much.

    Returns:
        A row per model: `METRICS`, `series`, and `ours_…`: the same error of the product on those
        titles that the model has forecasts for.
    """
    rows = pd.concat([_scaled(origin) for origin in origins], ignore_index=True)
    rows["title"] = rows["isbn"] + rows["cutoff"].astype("str")
    ours = rows[rows["model"] == OURS]
    whole, n_titles = _scores(ours), ours["title"].nunique()
    found = {}
    for model, own in rows.groupby("model", sort=False):
        titles = own["title"].unique()
        is_whole = len(titles) == n_titles
        scores = whole if model == OURS else _scores(own)
        beside = whole if is_whole else _scores(ours[ours["title"].isin(titles)])
        found[str(model)] = {
            **scores,
            **{f"ours_{name}": beside[name] for name in ERRORS},
            "series": own["isbn"].nunique(),
            "share": len(titles) / n_titles,
        }
    return pd.DataFrame(found).T.sort_values("wape")


def value(scores: pd.DataFrame, model: str, column: str) -> float:
    """Return one number of a table of scores."""
    return float(scores[column].to_dict()[model])


def families_of(scores: pd.DataFrame) -> list[str]:
    """Return the names of single families in a table of scores."""
    others = (OURS, SIMPLE_MEAN)
    names = [str(name) for name in scores.index]
    return [name for name in names if name not in others and not name.startswith(PREFIX)]


def _scaled(origin: Origin) -> pd.DataFrame:
    """Return forecasts of all models with actual volumes and the scale of their title."""
    forecasts = _with_simple_mean(_with_rules(origin))
    # After a few weeks some models have no intervals: they count as points.
    for bound in _BOUNDS:
        forecasts[bound] = forecasts[bound].fillna(forecasts["mean"])
    forecasts = forecasts.assign(median=(forecasts["lo-1"] + forecasts["hi-1"]) / 2)
    known = origin.weeks.dropna(subset=["volume"])
    rows = forecasts.merge(known, on=["isbn", "week"], validate="many_to_one")
    isbns = pd.Index(rows["isbn"].unique())
    scales = naive_scales(origin.weeks, isbns, rows["cutoff"].unique(), 1)
    scales = scales[["isbn", "cutoff", "absolute_scale"]]
    rows = rows.merge(scales, on=["isbn", "cutoff"], how="left")
    return rows.rename(columns={"absolute_scale": "scale"}).assign(panel="all")


def _with_rules(origin: Origin) -> pd.DataFrame:
    """Give titles that follow a rule the same forecast in every family, as the product does."""
    forecasts = origin.forecasts
    if not origin.ensembles:
        return forecasts
    by_rule = ~forecasts["isbn"].isin(origin.ensembles)
    ours = forecasts[by_rule & (forecasts["model"] == OURS)]
    own_kind = ~forecasts["model"].str.startswith(PREFIX)
    families = forecasts.loc[own_kind & ~by_rule & (forecasts["model"] != OURS), "model"].unique()
    kept = forecasts[~(by_rule & own_kind & (forecasts["model"] != OURS))]
    return pd.concat([kept, *(ours.assign(model=name) for name in families)], ignore_index=True)


def _with_simple_mean(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Add the mean of the families' means and bounds, without naive ones and `intermittent`."""
    excluded = (OURS, *NOT_AVERAGED)
    own_kind = ~forecasts["model"].str.startswith(PREFIX)
    members = forecasts[own_kind & ~forecasts["model"].isin(excluded)]
    mean = members.groupby(_KEY, as_index=False)[["mean", *_BOUNDS]].mean()
    return pd.concat([forecasts, mean.assign(model=SIMPLE_MEAN)], ignore_index=True)


def _scores(rows: pd.DataFrame) -> dict[str, float]:
    """Return all metrics of one model's rows, taken together."""
    points = losses.wape(rows, ["mean"], **_ALL)["mean"]
    quantiles = losses.scaled_crps(
        rows, {"wql": [*_QUANTILES]}, np.array([*_QUANTILES.values()]), **_ALL
    )["wql"]
    inside = rows.rename(columns={bound: f"mean-{bound}" for bound in _BOUNDS})
    coverages = {
        f"coverage-{level}": float(losses.coverage(inside, ["mean"], level, **_ALL)["mean"].iloc[0])
        for level in (80, 95)
    }
    return {
        "wape": float(points.iloc[0]),
        **_scaled_scores(rows.dropna(subset=["scale"])),
        "wql": float(quantiles.iloc[0]),
        **coverages,
    }


def _scaled_scores(rows: pd.DataFrame) -> dict[str, float]:
    """Return MASE and MSIS: errors of copies over the title's scale."""
    if rows.empty:
        return dict.fromkeys(("mase", "mase_of_mean", "msis"), float("nan"))
    numbers = ["volume", "mean", "median", f"lo-{_MSIS_LEVEL}", f"hi-{_MSIS_LEVEL}"]
    scaled = rows[numbers].div(rows["scale"], axis=0).assign(panel="all")
    errors = losses.mae(scaled, ["mean", "median"], **_ALL)
    named = scaled.rename(columns={n: f"mean-{n}" for n in numbers[3:]})
    interval = losses.winkler_score(named, ["mean"], _MSIS_LEVEL, **_ALL)["mean"]
    return {
        "mase": float(errors["median"].iloc[0]),
        "mase_of_mean": float(errors["mean"].iloc[0]),
        "msis": float(interval.iloc[0]),
    }
