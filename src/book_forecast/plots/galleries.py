"""A figure for each of the titles that matter most, by ISBN."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.choice import largest_titles
from book_forecast.plots.explanation import explanation_figure
from book_forecast.plots.residuals import residual_figure
from book_forecast.plots.style import model_label, names_by_isbn
from book_forecast.plots.title import title_figure
from book_forecast.plots.tuning import tuning_figure

logger = logging.getLogger(__name__)


def title_figures(
    model_input: pd.DataFrame,
    test_forecasts: pd.DataFrame,
    forecasts: pd.DataFrame,
    models: pd.DataFrame,
    titles: pd.DataFrame,
    levels: Sequence[float],
    max_titles: int,
) -> dict[str, go.Figure]:
    """Draw sales and forecasts of the largest titles.

    Args:
        model_input: isbn, week, volume; NaN = missing.
        test_forecasts: Forecast rows of the test weeks, of several models.
        forecasts: Forecast rows of the future, one model per title.
        models: isbn, model, specification, fallback_reason: what was chosen for the test weeks.
        titles: isbn, title.
        levels: Interval levels in percent.
        max_titles: How many titles are drawn at most.
    """
    shown = _choose(model_input, max_titles)
    names = names_by_isbn(titles)
    chosen = {row["isbn"]: row for row in models.to_dict("records")}
    histories, tests, futures = (
        _by_title(frame, shown) for frame in (model_input, test_forecasts, forecasts)
    )
    figures = {}
    for isbn in shown:
        model = chosen.get(isbn)
        figures[isbn] = title_figure(
            histories[isbn],
            tests.get(isbn, test_forecasts.iloc[:0]),
            futures.get(isbn, forecasts.iloc[:0]),
            levels,
            names.get(isbn, isbn),
            model["model"] if model else "",
            _note(model) if model else "",
        )
    return figures


def residual_figures(
    residuals: pd.DataFrame, models: pd.DataFrame, titles: pd.DataFrame
) -> dict[str, go.Figure]:
    """Draw the residuals of every title that has some.

    Args:
        residuals: isbn, week, residual.
        models: isbn, model: what left them.
        titles: isbn, title.
    """
    names = names_by_isbn(titles)
    families = dict(zip(models["isbn"], models["model"], strict=True))
    return {
        str(isbn): residual_figure(rows, names.get(str(isbn), str(isbn)), families[isbn])
        for isbn, rows in residuals.groupby("isbn", sort=False)
    }


def tuning_figures(
    trials: pd.DataFrame, model_input: pd.DataFrame, titles: pd.DataFrame, max_titles: int
) -> dict[str, go.Figure]:
    """Draw the searches of the largest titles; those that needed none have no figure.

    Args:
        trials: As tune writes them.
        model_input: isbn, week, volume; tells which titles are the largest.
        titles: isbn, title.
        max_titles: How many titles are drawn at most.
    """
    searched = model_input[model_input["isbn"].isin(trials["isbn"])]
    shown = _choose(searched, max_titles)
    names = names_by_isbn(titles)
    by_title = _by_title(trials, shown)
    return {isbn: tuning_figure(by_title[isbn], names.get(isbn, isbn)) for isbn in shown}


def explanation_figures(
    explanations: pd.DataFrame,
    forecasts: pd.DataFrame,
    model_input: pd.DataFrame,
    titles: pd.DataFrame,
    levels: Sequence[float],
    max_titles: int,
) -> dict[str, go.Figure]:
    """Draw what the forecasts of the largest titles consist of, where an ensemble made them.

    Args:
        explanations: As `explain_forecasts` makes them.
        forecasts: Forecast rows of the future, one model per title.
        model_input: isbn, week, volume; tells which titles are the largest.
        titles: isbn, title.
        levels: Interval levels in percent.
        max_titles: How many titles are drawn at most.
    """
    explained = model_input[model_input["isbn"].isin(explanations["isbn"].unique())]
    shown = _choose(explained, max_titles)
    names = names_by_isbn(titles)
    explained_by, forecast_by, sold_by = (
        _by_title(frame, shown) for frame in (explanations, forecasts, explained)
    )
    return {
        isbn: explanation_figure(
            explained_by[isbn],
            forecast_by.get(isbn, forecasts.iloc[:0]),
            sold_by[isbn],
            levels,
            names.get(isbn, isbn),
        )
        for isbn in shown
    }


def _choose(model_input: pd.DataFrame, max_titles: int) -> list[str]:
    shown = largest_titles(model_input, max_titles)
    n_titles = model_input["isbn"].nunique()
    if len(shown) < n_titles:
        logger.info(
            "Drawing the %d of %d titles with the largest volume in the last year "
            "(max_title_plots)",
            len(shown),
            n_titles,
        )
    return shown


def _by_title(frame: pd.DataFrame, isbns: Iterable[str]) -> dict[str, pd.DataFrame]:
    return {str(isbn): rows for isbn, rows in frame[frame["isbn"].isin(isbns)].groupby("isbn")}


def _note(model: Mapping[Hashable, Any]) -> str:
    """The model's orders, or why it is no better one."""
    reason = model.get("fallback_reason")
    if isinstance(reason, str) and reason:
        return f"{model_label(model['model'])} stands in: {reason}"
    return f"{model_label(model['model'])} {model.get('specification') or ''}".strip()
