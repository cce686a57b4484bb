"""Nodes of the forecast pipeline that draw; tables of former pipelines may be None."""

from __future__ import annotations

import logging

import pandas as pd
import plotly.graph_objects as go

from book_forecast import plots

logger = logging.getLogger(__name__)


def plot_titles(
    forecasts: pd.DataFrame,
    model_input: pd.DataFrame | None,
    test_forecasts: pd.DataFrame | None,
    training_models: pd.DataFrame | None,
    titles: pd.DataFrame | None,
    levels: list[float],
    max_title_plots: int,
) -> dict[str, go.Figure]:
    """Draws sales and forecasts of the largest titles; see `book_forecast.plots.title_figures`."""
    if model_input is None:
        logger.info("There is no model_input, so no sales to draw.")
        return {}
    return plots.title_figures(
        model_input,
        _tests(test_forecasts, forecasts),
        forecasts,
        _models(training_models),
        _titles(titles),
        levels,
        max_title_plots,
    )


def plot_overview(
    forecasts: pd.DataFrame,
    model_input: pd.DataFrame | None,
    test_forecasts: pd.DataFrame | None,
    training_models: pd.DataFrame | None,
    titles: pd.DataFrame | None,
    levels: list[float],
) -> go.Figure:
    """Draws all titles in one figure; see `book_forecast.plots.overview_figure`."""
    if model_input is None:
        return go.Figure(layout={"title": "There is no model_input, so no sales to draw."})
    return plots.overview_figure(
        model_input,
        _tests(test_forecasts, forecasts),
        forecasts,
        _models(training_models),
        _titles(titles),
        levels,
    )


def plot_explanations(
    explanations: pd.DataFrame,
    forecasts: pd.DataFrame,
    model_input: pd.DataFrame | None,
    titles: pd.DataFrame | None,
    levels: list[float],
    max_title_plots: int,
) -> dict[str, go.Figure]:
    """Draws what forecasts consist of; see `book_forecast.plots.explanation_figures`."""
    if model_input is None:
        logger.info("There is no model_input, so no figures of explanations.")
        return {}
    return plots.explanation_figures(
        explanations, forecasts, model_input, _titles(titles), levels, max_title_plots
    )


def _tests(test_forecasts: pd.DataFrame | None, forecasts: pd.DataFrame) -> pd.DataFrame:
    return forecasts.iloc[:0] if test_forecasts is None else test_forecasts


def _models(training_models: pd.DataFrame | None) -> pd.DataFrame:
    if training_models is None:
        return pd.DataFrame(columns=["isbn", "model", "specification", "fallback_reason"])
    return training_models


def _titles(titles: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame(columns=["isbn", "title"]) if titles is None else titles
