"""Errors on the test weeks, beside those of seasonal naive."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.backtesting.metrics import CHOSEN
from book_forecast.plots.choice import chosen_rows
from book_forecast.plots.style import (
    BASELINE,
    FAINT,
    TEMPLATE,
    category_axis,
    literal,
    model_colour,
    model_label,
    names_by_isbn,
    shortened,
    titled,
)
from book_forecast.plots.traces import connectors, line, markers
from book_forecast.series.history import ALL_TITLES

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

    Up to `max_rows` titles have a row of their own, the one with the largest error at the top.
    More titles are points: below the diagonal the chosen model is better.

    Args:
        scores: isbn, model, cutoff, metric, value.
        models: isbn, model: the choice.
        titles: isbn, title.
        metric: An error (smaller is better).
        max_rows: The largest number of titles in rows.
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
    notes = [f"{label}: {meaning}", *_overall(latest, pairs, form)]
    if len(pairs) < n_titles:
        notes.append(f"{n_titles - len(pairs)} without a value left out")
    layout |= {
        "template": TEMPLATE,
        "title": titled("Errors in the test weeks", " · ".join(notes)),
        "hovermode": "closest",
    }
    return go.Figure(traces, layout)


def _overall(latest: pd.DataFrame, pairs: pd.DataFrame, form: str) -> list[str]:
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


def _errors(
    pairs: pd.DataFrame, x: pd.Series | pd.Index, y: pd.Series | pd.Index, form: str, **more: Any
) -> dict[str, Any]:
    """Points of titles whose hover text has both errors."""
    details = zip(
        pairs["name"].map(literal),
        pairs["model"].map(model_label),
        pairs["value"].round(4),
        pairs["baseline"].round(4),
        strict=True,
    )
    hover = (
        f"%{{customdata[0]}}<br>%{{customdata[1]}}: %{{customdata[2]:{form}}}"
        f"<br>{model_label(BASELINE)}: %{{customdata[3]:{form}}}<extra></extra>"
    )
    customdata = [list(row) for row in details]
    return markers(x.to_list(), y.to_list(), customdata=customdata, hovertemplate=hover, **more)


def _rows(
    pairs: pd.DataFrame, label: str, form: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One row per title with the errors of both models, joined by a line."""
    # ISBNs are the categories: two titles may have the same name.
    open_diamond = {"color": model_colour(BASELINE), "size": 9, "symbol": "diamond-open"}
    baseline = pairs["baseline"].round(4)
    traces = [
        connectors(pairs.index.to_list(), pairs["baseline"], pairs["value"]),
        _errors(
            pairs, baseline, pairs.index, form, name=model_label(BASELINE), marker=open_diamond
        ),
    ]
    for model, rows in pairs.groupby("model"):
        name, marker = f"{model_label(str(model))} (chosen)", {"color": model_colour(str(model))}
        value = rows["value"].round(4)
        traces.append(
            _errors(rows, value, rows.index, form, name=name, marker=marker | {"size": 11})
        )
    largest = 1.04 * float(np.nanmax(pairs[["value", "baseline"]].to_numpy(), initial=0.01))
    height = 24 * max(len(pairs), 4)
    labels = [literal(shortened(name, 52)) for name in pairs["name"]]
    layout = {
        "height": 180 + height,
        "xaxis": {"tickformat": form, "range": [0, largest], "title": label},
        "yaxis": category_axis(pairs.index.to_list(), labels) | {"tickfont": {"size": 11}},
        "legend": {"y": -60 / height},
    }
    return traces, layout


def _points(
    pairs: pd.DataFrame, label: str, form: str
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """One point per title; below the diagonal the chosen model is better."""
    # A few titles with huge errors must not press all others into a corner.
    limit = float(np.quantile(pairs[["value", "baseline"]].to_numpy(), 0.98)) * 1.1 or 1.0
    diagonal = {"color": FAINT, "dash": "dot", "width": 1}
    traces = [
        line([0, limit], [0, limit], line=diagonal, name="equal errors", hoverinfo="skip"),
    ]
    for model, rows in pairs.groupby("model"):
        name = f"{model_label(str(model))} (chosen)"
        marker = {"color": model_colour(str(model)), "size": 6, "opacity": 0.55}
        x, y = rows["baseline"].round(4), rows["value"].round(4)
        traces.append(_errors(rows, x, y, form, name=name, marker=marker))
    axis = {"tickformat": form, "range": [0, limit]}
    layout = {
        "height": 620,
        "xaxis": axis | {"title": f"{label} of seasonal naive"},
        "yaxis": axis | {"title": f"{label} of the chosen model"},
    }
    return traces, layout
