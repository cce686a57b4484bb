"""Scores of forecasts against what was sold, in one long frame.

The losses are `utilsforecast.losses`; this module adds the long frame, the rules for missing
weeks and short histories, and the rows over all titles. Only the scales of MASE and RMSSE are
computed here: the library copies the whole history once per metric and cutoff, which takes
seconds and gigabytes on a catalogue. They equal the library's (a test compares them).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from utilsforecast import losses

from book_forecast.series.history import ALL_TITLES, WEEK

CHOSEN = "chosen"
"""The model of scores over all titles that takes each title's own model."""
SCORE_COLUMNS = ["isbn", "model", "cutoff", "metric", "value"]
_KEY = ["cutoff", "id"]


def score_forecasts(
    forecasts: pd.DataFrame,
    actuals: pd.DataFrame,
    history: pd.DataFrame,
    levels: Sequence[float],
    seasonality: int = 52,
) -> pd.DataFrame:
    """Score forecasts per title, model and cutoff, and over all titles.

    Metrics, each over the weeks whose actual volume is known:

    - `mae`, `rmse`, `bias` (forecast minus actual) in copies per week;
    - `wape`: absolute errors over actuals; NaN where nothing was sold in those weeks;
    - `smape`: between 0 and 1 as utilsforecast has it (times 200 is what M4 reports);
    - `mase`, `rmsse`: errors over those of the seasonal naive forecast within the weeks up to the
      cutoff. A history with less than one season of week pairs `seasonality` weeks apart, or with
      none that differ, is scaled by last week's value instead; NaN where that never changes either;
    - `coverage-80`, `width-80`, …: share of weeks inside, and mean width in copies, per level;
    - `scaled_crps`: quantile losses of all interval bounds and of the mean, which stands in for
      the median, over actuals; NaN where nothing was sold.

    Interval metrics are NaN for a model whose bounds are NaN. A title without a known actual week
    has no rows. Rows with `isbn` "all" hold the WAPE of all titles' weeks pooled. Their other
    metrics are means over the titles that have a value.

    Args:
        forecasts: isbn, week, cutoff, model, mean and `lo-L`, `hi-L` for each level L. Several
            models and cutoffs may share the frame.
        actuals: isbn, week, volume; NaN volumes are missing weeks.
        history: isbn, week, volume, NaN = missing, one row per title and week. It may run past a
            cutoff: each cutoff's scale looks only at weeks up to it.
        levels: Interval levels in percent.
        seasonality: Weeks in a season.

    Returns:
        Scores with the columns isbn, model, cutoff, metric, value.

    Raises:
        ValueError: If columns or means are missing, or a forecast occurs twice.
    """
    _check(forecasts, levels)
    # Narrowed to the weeks at hand first: actuals may be years of a whole catalogue.
    usable = actuals["volume"].notna() & actuals["week"].isin(forecasts["week"].unique())
    known = actuals.loc[usable, ["isbn", "week", "volume"]]
    scored = forecasts.merge(known, on=["isbn", "week"], validate="many_to_one")
    if scored.empty:
        return _empty_scores(forecasts)
    scored["volume"] = scored["volume"].astype(float)
    title_codes, isbns = pd.factorize(scored["isbn"], sort=True)
    model_codes, models = pd.factorize(scored["model"], sort=True)
    scored["id"] = title_codes * len(models) + model_codes
    scored["model_code"] = model_codes

    wide = _point_losses(scored).join(_interval_losses(scored, levels))
    wide = wide.reset_index()
    wide["isbn"] = isbns.take(wide["id"].to_numpy() // len(models))
    wide["model"] = models.take(wide["id"].to_numpy() % len(models))
    scales = naive_scales(history, pd.Index(isbns), wide["cutoff"].unique(), seasonality)
    wide = wide.merge(scales, on=["isbn", "cutoff"], how="left")
    wide["mase"] = wide["mae"] / wide.pop("absolute_scale")
    wide["rmsse"] = wide["rmse"] / wide.pop("squared_scale")

    wide = wide.drop(columns="id")
    everything = pd.concat([wide, _over_all_titles(wide, scored, models)], ignore_index=True)
    scores = everything.melt(["isbn", "model", "cutoff"], var_name="metric", value_name="value")
    text = {"isbn": "str", "model": "str", "metric": "str"}
    scores = scores.astype(text)[SCORE_COLUMNS]
    return scores.sort_values(["cutoff", "isbn", "model"], kind="stable", ignore_index=True)


def error_ratios(errors: pd.DataFrame, own: pd.Series) -> pd.Series:
    """Mean errors as a share of another model's, each over the titles that both have.

    Args:
        errors: One row a title, a column a model; NaN where a model has none.
        own: Errors of the model to compare with, by the same titles.

    Returns:
        A ratio for each column: above 1 is worse than the other; NaN where that has no error.
    """
    own = own.reindex(errors.index)
    theirs = errors.where(own.notna()).sum()
    ours = errors.notna().mul(own.fillna(0.0), axis=0).sum()
    return theirs / ours.where(ours > 0)


def _check(forecasts: pd.DataFrame, levels: Sequence[float]) -> None:
    bounds = [f"{side}-{level}" for level in levels for side in ("lo", "hi")]
    wanted = ["isbn", "week", "cutoff", "model", "mean", *bounds]
    absent = [column for column in wanted if column not in forecasts]
    if absent:
        raise ValueError(f"forecasts lack the columns {absent}")
    if forecasts["mean"].isna().any():
        models = sorted(forecasts.loc[forecasts["mean"].isna(), "model"].unique())
        raise ValueError(f"forecasts without a mean, from the models {models}")
    repeated = forecasts.duplicated(["isbn", "week", "cutoff", "model"])
    if repeated.any():
        raise ValueError(f"{repeated.sum()} forecasts repeat a title, week, cutoff and model")


def _empty_scores(forecasts: pd.DataFrame) -> pd.DataFrame:
    keys = forecasts.loc[[], ["isbn", "model", "cutoff"]].astype({"isbn": "str", "model": "str"})
    values = {"metric": pd.Series(dtype="str"), "value": pd.Series(dtype=float)}
    return keys.assign(**values).reset_index(drop=True)


def _point_losses(scored: pd.DataFrame) -> pd.DataFrame:
    """Losses of the mean, one row per cutoff and id."""
    table = scored[[*_KEY, "volume", "mean"]]
    arguments: dict[str, Any] = {"models": ["mean"], "id_col": "id", "target_col": "volume"}
    by_metric = {
        name: getattr(losses, name)(table, **arguments).set_index(_KEY)["mean"]
        for name in ("mae", "rmse", "bias", "wape", "smape")
    }
    return pd.DataFrame(by_metric)


def _interval_losses(scored: pd.DataFrame, levels: Sequence[float]) -> pd.DataFrame:
    """Coverage and width per level and the scaled CRPS, one row per cutoff and id."""
    lows, highs = [f"lo-{level}" for level in levels], [f"hi-{level}" for level in levels]
    if not levels:
        return pd.DataFrame(index=pd.MultiIndex.from_arrays([[], []], names=_KEY))
    complete = scored.dropna(subset=[*lows, *highs])
    # utilsforecast looks for the bounds of a model under the model's own name.
    named = complete.rename(columns={bound: f"mean-{bound}" for bound in (*lows, *highs)})
    by_metric = {}
    for level, low, high in zip(levels, lows, highs, strict=True):
        # Its hint says int; levels such as 97.5 name columns just as well.
        of_level: dict[str, Any] = {"level": level, "id_col": "id", "target_col": "volume"}
        inside = losses.coverage(named, ["mean"], **of_level)
        by_metric[f"coverage-{level}"] = inside.set_index(_KEY)["mean"]
        width = losses.bias(complete, [high], id_col="id", target_col=low)
        by_metric[f"width-{level}"] = width.set_index(_KEY)[high]
    tails = np.array([(1 - level / 100) / 2 for level in levels])
    crps = losses.scaled_crps(
        complete[[*_KEY, "volume", "mean", *lows, *highs]],
        models={"crps": [*lows, "mean", *highs]},
        quantiles=np.concatenate([tails, [0.5], 1 - tails]),
        id_col="id",
        target_col="volume",
    ).set_index(_KEY)["crps"]
    # Divided by next to nothing, the library's value would swamp every mean over titles.
    sold = complete.groupby(_KEY)["volume"].sum().reindex(crps.index) > 0
    by_metric["scaled_crps"] = crps.where(sold)
    return pd.DataFrame(by_metric)


def naive_scales(
    history: pd.DataFrame, isbns: pd.Index, cutoffs: np.ndarray, seasonality: int
) -> pd.DataFrame:
    """Mean absolute and root mean squared naive error of each title up to each cutoff.

    Returns:
        isbn, cutoff, absolute_scale, squared_scale; NaN where a title has no usable pair.
    """
    history = history[history["isbn"].isin(isbns)].sort_values(["isbn", "week"])
    codes = isbns.get_indexer(pd.Index(history["isbn"]))
    weeks = history["week"].to_numpy()
    volumes = history["volume"].to_numpy(dtype=float)
    seasonal = _differences(codes, weeks, volumes, seasonality)
    weekly = _differences(codes, weeks, volumes, 1)
    parts = []
    for cutoff in cutoffs:
        seen = weeks <= np.datetime64(cutoff)
        count, absolute, squared = _moments(codes[seen], seasonal[seen], len(isbns))
        _, absolute_1, squared_1 = _moments(codes[seen], weekly[seen], len(isbns))
        use_seasonal = (count >= seasonality) & (absolute > 0)
        absolute = np.where(use_seasonal, absolute, absolute_1)
        squared = np.where(use_seasonal, squared, squared_1)
        changes = absolute > 0
        scales = {
            "isbn": isbns,
            "cutoff": cutoff,
            "absolute_scale": np.where(changes, absolute, np.nan),
            "squared_scale": np.sqrt(np.where(changes, squared, np.nan)),
        }
        parts.append(pd.DataFrame(scales))
    return pd.concat(parts, ignore_index=True)


def _differences(codes: np.ndarray, weeks: np.ndarray, volumes: np.ndarray, lag: int) -> np.ndarray:
    """Volume minus the same title's volume exactly `lag` weeks before; NaN without a pair."""
    result = np.full(len(volumes), np.nan)
    if len(volumes) > lag:
        pair = (codes[lag:] == codes[:-lag]) & (weeks[lag:] - weeks[:-lag] == lag * WEEK)
        result[lag:] = np.where(pair, volumes[lag:] - volumes[:-lag], np.nan)
    return result


def _moments(
    codes: np.ndarray, differences: np.ndarray, n_titles: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per title: count, mean absolute and mean squared difference (NaN where none is known)."""
    known = ~np.isnan(differences)
    codes, differences = codes[known], differences[known]
    count = np.bincount(codes, minlength=n_titles).astype(float)
    divisor = np.where(count > 0, count, np.nan)
    absolute = np.bincount(codes, weights=np.abs(differences), minlength=n_titles) / divisor
    squared = np.bincount(codes, weights=differences**2, minlength=n_titles) / divisor
    return count, absolute, squared


def _over_all_titles(wide: pd.DataFrame, scored: pd.DataFrame, models: pd.Index) -> pd.DataFrame:
    """One row per model and cutoff: means over titles, and the pooled WAPE."""
    means = wide.drop(columns="isbn").groupby(["model", "cutoff"], as_index=False).mean()
    table = scored[["cutoff", "model_code", "volume", "mean"]]
    pooled = losses.wape(table, ["mean"], id_col="model_code", target_col="volume")
    pooled["model"] = models.take(pooled["model_code"].to_numpy())
    rows = means.drop(columns="wape").merge(
        pooled[["model", "cutoff", "mean"]].rename(columns={"mean": "wape"}), on=["model", "cutoff"]
    )
    return rows.assign(isbn=ALL_TITLES)
