"""Nodes of the evaluate pipeline that draw: errors, residuals and searches."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast import plots
from book_forecast.forecasters.restoring import restore
from book_forecast.forecasters.sarima import Sarima
from book_forecast.series.history import WEEK

RESIDUAL_TYPES = {"isbn": "str", "week": "datetime64[us]", "residual": "float64"}


def plot_residuals(
    training_models: pd.DataFrame,
    model_input: pd.DataFrame,
    titles: pd.DataFrame,
    max_title_plots: int,
) -> dict[str, go.Figure]:
    """Draw the residuals of the largest titles' training weeks.

    Args:
        training_models: One row a title, with the state of its model.
        model_input: isbn, week, volume, to find the largest titles.
        titles: isbn, title.
        max_title_plots: The most titles to draw.

    Returns:
        Figures by ISBN, of titles that SARIMA forecasts without an ensemble.
    """
    fitted = training_models[training_models["model"] == Sarima.family]
    shown = plots.largest_titles(
        model_input[model_input["isbn"].isin(fitted["isbn"])], max_title_plots
    )
    residuals = title_residuals(fitted[fitted["isbn"].isin(shown)])
    return plots.residual_figures(residuals, training_models, titles)


def plot_leaderboard(leaderboard: pd.DataFrame, scores: pd.DataFrame) -> go.Figure:
    """Draw all families beside the ensemble; see `book_forecast.plots.leaderboard_figure`.

    Args:
        leaderboard: Errors on the folds, as `weigh_families` returns it.
        scores: Errors on known weeks; the latest cutoff is that of the test weeks.
    """
    tests = scores[scores["cutoff"] == scores["cutoff"].max()]
    return plots.leaderboard_figure(leaderboard, tests)


def title_residuals(models: pd.DataFrame) -> pd.DataFrame:
    """Standardised one-step errors of SARIMA models on the weeks they were fitted on.

    Args:
        models: isbn, model, cutoff, state.

    Returns:
        isbn, week, residual; NaN where a week is missing or lost to differencing.
    """
    parts = []
    for row in models.to_dict("records"):
        model = restore(row["model"], json.loads(row["state"]))
        if isinstance(model, Sarima):
            residuals = model.residuals()
            ago = np.arange(len(residuals))[::-1]
            weeks = np.datetime64(row["cutoff"], "D") - WEEK * ago
            parts.append(pd.DataFrame({"isbn": row["isbn"], "week": weeks, "residual": residuals}))
    if not parts:
        return pd.DataFrame(columns=list(RESIDUAL_TYPES)).astype(RESIDUAL_TYPES)
    return pd.concat(parts, ignore_index=True).astype(RESIDUAL_TYPES)
