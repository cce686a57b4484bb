"""Figures by ISBN, for the largest titles."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.choice import largest_titles, rows_by_title
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
        models: isbn, model, specification, fallback_reason: the choice for the test weeks.
        titles: isbn, title.
        levels: Interval levels in percent.
        max_titles: The largest number of figures.
    """
    chosen = {row["isbn"]: row for row in models.to_dict("records")}
    figures = {}
    for isbn, name, history, tests, future in _largest(
        max_titles, titles, model_input, test_forecasts, forecasts
    ):
        model = chosen.get(isbn)
        family, note = (model["model"], _note(model)) if model else ("", "")
        figures[isbn] = title_figure(history, tests, future, levels, name, family, note)
    return figures


def residual_figures(
    residuals: pd.DataFrame, models: pd.DataFrame, titles: pd.DataFrame
) -> dict[str, go.Figure]:
    """Draw the residuals of every title that has some.

    Args:
        residuals: isbn, week, residual.
        models: isbn, model.
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
    """Draw the searches of the largest titles that have one.

    Args:
        trials: The table that tune writes.
        model_input: isbn, week, volume; decides which titles are the largest.
        titles: isbn, title.
        max_titles: The largest number of figures.
    """
    searched = model_input[model_input["isbn"].isin(trials["isbn"])]
    return {
        isbn: tuning_figure(rows, name)
        for isbn, name, _, rows in _largest(max_titles, titles, searched, trials)
    }


def explanation_figures(
    explanations: pd.DataFrame,
    forecasts: pd.DataFrame,
    model_input: pd.DataFrame,
    titles: pd.DataFrame,
    levels: Sequence[float],
    max_titles: int,
) -> dict[str, go.Figure]:
    """Draw the explanations of the largest titles that an ensemble forecasts.

    Args:
        explanations: The table that `explain_forecasts` returns.
        forecasts: Forecast rows of the future, one model per title.
        model_input: isbn, week, volume; decides which titles are the largest.
        titles: isbn, title.
        levels: Interval levels in percent.
        max_titles: The largest number of figures.
    """
    explained = model_input[model_input["isbn"].isin(explanations["isbn"].unique())]
    return {
        isbn: explanation_figure(rows, future, history, levels, name)
        for isbn, name, history, rows, future in _largest(
            max_titles, titles, explained, explanations, forecasts
        )
    }


def _largest(
    max_titles: int, titles: pd.DataFrame, model_input: pd.DataFrame, *frames: pd.DataFrame
) -> Iterator[tuple[Any, ...]]:
    """ISBN, name and rows of every frame, `model_input` first, of the largest titles."""
    shown = largest_titles(model_input, max_titles)
    n_titles = model_input["isbn"].nunique()
    if len(shown) < n_titles:
        logger.info(
            "Drawing the %d of %d titles with the largest volume in the last year "
            "(max_title_plots)",
            len(shown),
            n_titles,
        )
    names = names_by_isbn(titles)
    for isbn, *rows in rows_by_title(shown, model_input, *frames):
        yield isbn, names.get(isbn, isbn), *rows


def _note(model: Mapping[Hashable, Any]) -> str:
    """The model's orders, or the reason of a fallback."""
    label, reason = model_label(model["model"]), model.get("fallback_reason")
    if isinstance(reason, str) and reason:
        return f"Fallback to {label}: {reason}"
    return f"{label} {model.get('specification') or ''}".strip()
