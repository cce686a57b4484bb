"""How far the forecasts of the test weeks were off, beside seasonal naive's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.choice import chosen_rows
from book_forecast.plots.style import (
    BASELINE,
    FAINT,
    TEMPLATE,
    literal,
    model_colour,
    model_label,
    names_by_isbn,
    shortened,
    titled,
)
from book_forecast.series.history import ALL_TITLES

CHOSEN = "chosen"
"""The model of the row over all titles that takes each title's own model."""

MAX_ROWS = 40
_NAMES = {
    "wape": ("WAPE", "absolute errors as a share of the copies sold", ".0%"),
    "mase": ("MASE", "absolute errors over those of seasonal naive in the past", ".2f"),
    "smape": ("sMAPE", "absolute errors over forecast and volume together", ".2f"),
}


def scores_figure(
    scores: pd.DataFrame,
    models: pd.DataFrame,
    titles: pd.DataFrame,
    metric: str = "wape",
    max_rows: int = MAX_ROWS,
) -> go.Figure:
    """Draw an error of each title's chosen model beside seasonal naive's, at the latest cutoff.

    Up to `max_rows` titles have a row of their own, the one with the largest error at the top;
    with more, each is a point whose place above or below the diagonal tells which model was better.

    Args:
        scores: isbn, model, cutoff, metric, value.
        models: isbn, model: what was chosen.
        titles: isbn, title.
        metric: An error, that is better when smaller.
        max_rows: Titles that are shown in rows.
    """
    latest = scores[(scores["metric"] == metric) & (scores["cutoff"] == scores["cutoff"].max())]
    chosen = chosen_rows(latest, models).set_index("isbn")
    baseline = latest[latest["model"] == BASELINE].set_index("isbn")["value"]
    pairs = chosen[["model", "value"]].join(baseline.rename("baseline"))
    n_titles = len(pairs)
    pairs = pairs.dropna().sort_values("value", kind="stable")
    names = names_by_isbn(titles)
    pairs["name"] = [names.get(isbn, isbn) for isbn in pairs.index]
    label, meaning, form = _NAMES.get(metric, (metric, "smaller is better", ".3f"))
    draw = _rows if len(pairs) <= max_rows else _points
    traces, layout = draw(pairs, label, form)
    overall = _overall(latest, pairs, form)
    left_out = n_titles - len(pairs)
    notes = [f"{label}: {meaning}", *overall]
    if left_out:
        notes.append(f"{left_out} without a value left out")
    layout |= {"template": TEMPLATE, "title": titled("Errors in the test weeks", " · ".join(notes))}
    return go.Figure(traces, layout)


def _overall(latest: pd.DataFrame, pairs: pd.DataFrame, form: str) -> list[str]:
    """How many titles gained, and what all titles together have."""
    if pairs.empty:
        return ["no title has a value"]
    better = (pairs["value"] < pairs["baseline"]).sum()
    notes = [f"better than seasonal naive: {better:,} of {len(pairs):,} titles"]
    whole = latest[latest["isbn"] == ALL_TITLES].set_index("model")["value"]
    if CHOSEN in whole and BASELINE in whole:
        notes.append(
            f"all titles: {whole[CHOSEN]:{form}} (seasonal naive {whole[BASELINE]:{form}})"
        )
    return notes


def _hover(form: str) -> str:
    return (
        f"%{{customdata[0]}}<br>%{{customdata[1]}}: %{{customdata[2]:{form}}}"
        f"<br>{model_label(BASELINE)}: %{{customdata[3]:{form}}}<extra></extra>"
    )


def _details(pairs: pd.DataFrame) -> list[list[Any]]:
    labels = pairs["model"].map(model_label)
    columns = (
        pairs["name"].map(literal),
        labels,
        pairs["value"].round(4),
        pairs["baseline"].round(4),
    )
    return [list(row) for row in zip(*columns, strict=True)]


def _rows(
    pairs: pd.DataFrame, label: str, form: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One line per title from the baseline's error to the chosen model's."""
    # ISBNs are the categories: two titles may have the same name.
    rows = {"type": "scatter", "mode": "markers", "hovertemplate": _hover(form)}
    ends = [
        [first, last, None] for first, last in zip(pairs["baseline"], pairs["value"], strict=True)
    ]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [value for end in ends for value in end],
            "y": [isbn for isbn in pairs.index for _ in range(3)],
            "line": {"color": "#C4C9D1", "width": 3},
            "hoverinfo": "skip",
            "showlegend": False,
        },
        rows
        | {
            "x": pairs["baseline"].to_numpy().round(4),
            "y": pairs.index.to_list(),
            "name": model_label(BASELINE),
            "marker": {"color": model_colour(BASELINE), "size": 9, "symbol": "diamond-open"},
            "customdata": _details(pairs),
        },
    ]
    traces += [
        rows
        | {
            "x": of_model["value"].to_numpy().round(4),
            "y": of_model.index.to_list(),
            "name": f"{model_label(str(model))} (chosen)",
            "marker": {"color": model_colour(str(model)), "size": 11},
            "customdata": _details(of_model),
        }
        for model, of_model in pairs.groupby("model")
    ]
    largest = 1.04 * float(np.nanmax(pairs[["value", "baseline"]].to_numpy(), initial=0.01))
    layout = {
        "height": 180 + _rows_height(pairs),
        "xaxis": {"tickformat": form, "range": [0, largest], "title": label},
        "yaxis": {
            "type": "category",
            "categoryorder": "array",
            "categoryarray": pairs.index.to_list(),
            "tickmode": "array",
            "tickvals": pairs.index.to_list(),
            "ticktext": [literal(shortened(name, 52)) for name in pairs["name"]],
            "tickfont": {"size": 11},
        },
        "legend": {"y": -60 / _rows_height(pairs)},
        "hovermode": "closest",
    }
    return traces, layout


def _rows_height(pairs: pd.DataFrame) -> int:
    return 24 * max(len(pairs), 4)


def _points(
    pairs: pd.DataFrame, label: str, form: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One point per title; below the diagonal the chosen model was better."""
    values = pairs[["value", "baseline"]].to_numpy()
    # A few titles with huge errors would press all others into a corner.
    limit = float(np.quantile(values, 0.98)) * 1.1 or 1.0
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [0, limit],
            "y": [0, limit],
            "line": {"color": FAINT, "dash": "dot", "width": 1},
            "name": "the same error",
            "hoverinfo": "skip",
        }
    ]
    traces += [
        {
            "type": "scatter",
            "mode": "markers",
            "x": of_model["baseline"].to_numpy().round(4),
            "y": of_model["value"].to_numpy().round(4),
            "name": f"{model_label(str(model))} (chosen)",
            "marker": {"color": model_colour(str(model)), "size": 6, "opacity": 0.55},
            "customdata": _details(of_model),
            "hovertemplate": _hover(form),
        }
        for model, of_model in pairs.groupby("model")
    ]
    axis = {"tickformat": form, "range": [0, limit]}
    layout = {
        "height": 620,
        "xaxis": axis | {"title": f"{label} of seasonal naive"},
        "yaxis": axis | {"title": f"{label} of the chosen model"},
        "hovermode": "closest",
    }
    return traces, layout
