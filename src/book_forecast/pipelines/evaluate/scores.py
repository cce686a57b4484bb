"""Scores of forecasts, per title and over all titles."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pandas as pd

from book_forecast.backtesting.metrics import CHOSEN, score_forecasts
from book_forecast.forecasters.naive import SeasonalNaive
from book_forecast.series.history import ALL_TITLES

logger = logging.getLogger(__name__)

BASELINE = SeasonalNaive.family


def score_titles(
    test_forecasts: pd.DataFrame,
    backtest_forecasts: pd.DataFrame,
    training_models: pd.DataFrame,
    model_input: pd.DataFrame,
    levels: list[float],
) -> pd.DataFrame:
    """Score all forecasts of known weeks, per title and over all titles.

    Args:
        test_forecasts: Forecasts frame of the test weeks.
        backtest_forecasts: Forecasts frame of rolling origins.
        training_models: isbn, model: the chosen model of each title.
        model_input: isbn, week, volume of all weeks.
        levels: Interval levels in percent.

    Returns:
        isbn, model, cutoff, metric, value. Rows of isbn "all" are over all titles; there, model
        "chosen" is each title's own.
    """
    forecasts = pd.concat([test_forecasts, backtest_forecasts], ignore_index=True)
    scores = score_forecasts(forecasts, model_input, model_input, levels)
    own = forecasts.merge(training_models[["isbn", "model"]], on=["isbn", "model"])
    of_chosen = score_forecasts(own.assign(model=CHOSEN), model_input, model_input, levels)
    over_all = of_chosen[of_chosen["isbn"] == ALL_TITLES]
    scores = pd.concat([scores, over_all], ignore_index=True)
    logger.info(
        "Scored %d titles at %d cutoffs", own["isbn"].nunique(), forecasts["cutoff"].nunique()
    )
    return scores


def make_score_table(
    scores: pd.DataFrame,
    training_models: pd.DataFrame,
    release_models: pd.DataFrame,
    titles: pd.DataFrame,
) -> pd.DataFrame:
    """Return errors on the test weeks beside seasonal naive's, one row per title.

    Args:
        scores: As `score_titles` returns them.
        training_models: isbn, model, specification, fallback_reason.
        release_models: isbn, fallback_reason: a title may fall back in either fit.
        titles: isbn, title.

    Returns:
        isbn, title, model, specification, wape, mase, seasonal_naive_wape, seasonal_naive_mase,
        fallback_reason.
    """
    test = scores[scores["cutoff"] == scores["cutoff"].max()]
    shown = test[test["metric"].isin(["wape", "mase"])]
    wide = shown.set_index(["isbn", "model", "metric"])["value"].unstack("metric")  # noqa: PD010
    # There is no metric where no title has a test week.
    wide = wide.reindex(columns=["wape", "mase"])
    fallbacks = pd.concat([training_models, release_models]).dropna(subset="fallback_reason")
    reasons = fallbacks.drop_duplicates("isbn").set_index("isbn")["fallback_reason"]
    chosen = training_models[["isbn", "model", "specification"]]
    chosen = chosen.assign(fallback_reason=chosen["isbn"].map(reasons))
    table = chosen.merge(wide.reset_index(), on=["isbn", "model"], how="left")
    of_baseline = wide[wide.index.get_level_values("model") == BASELINE].droplevel("model")
    baseline = of_baseline.add_prefix(f"{BASELINE}_").reset_index()
    table = table.merge(baseline, on="isbn", how="left")
    table = table.merge(titles[["isbn", "title"]], on="isbn", how="left")
    order = ["isbn", "title", "model", "specification", "wape", "mase"]
    order += [f"{BASELINE}_wape", f"{BASELINE}_mase", "fallback_reason"]
    types = dict.fromkeys(("isbn", "title", "model", "specification", "fallback_reason"), "str")
    return table[order].astype(types)


def tabulate_models(scores: pd.DataFrame) -> pd.DataFrame:
    """Return all metrics over all titles, one row per model.

    Args:
        scores: As `score_titles` returns them.

    Returns:
        weeks ("test", or "rolling" for the mean over the rolling origins), model, and a column for
        each metric; model "chosen" is each title's own.
    """
    over_all = scores[scores["isbn"] == ALL_TITLES]
    is_test = over_all["cutoff"] == scores["cutoff"].max()
    rows = over_all.assign(weeks=is_test.map({True: "test", False: "rolling"}))
    wide = rows.pivot_table(index=["weeks", "model"], columns="metric", values="value")
    table = wide.sort_index(ascending=[False, True]).rename_axis(columns=None).reset_index()
    return table.astype({"weeks": "str", "model": "str"})


def summarise_scores(scores: pd.DataFrame, fit_summary: Mapping[str, float]) -> dict[str, float]:
    """Return the scores over all titles as metrics for tracking.

    Args:
        scores: As `score_titles` returns them.
        fit_summary: Counts of titles and fallbacks.

    Returns:
        Metrics by name, such as `test_wape` and `test_wape_seasonal_naive`; on rolling origins the
        mean over origins, `rolling_wape`.
    """
    over_all = scores[scores["isbn"] == ALL_TITLES].dropna(subset=["value"])
    is_test = over_all["cutoff"] == scores["cutoff"].max()
    found = dict(fit_summary)
    for prefix, rows in (("test", over_all[is_test]), ("rolling", over_all[~is_test])):
        means = rows.groupby(["metric", "model"])["value"].mean()
        for (metric, model), value in means.items():
            suffix = "" if model == CHOSEN else f"_{model}"
            found[f"{prefix}_{metric}{suffix}"] = float(value)
    return found
