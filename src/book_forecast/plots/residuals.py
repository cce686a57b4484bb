"""Residuals of a model, which should look like noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.style import (
    BAD,
    FAINT,
    SALES,
    TEMPLATE,
    annotation,
    model_colour,
    titled,
    translucent,
    week_texts,
)
from book_forecast.plots.traces import line

MAX_LAG = 60
_OUTLIER = 3.0
_TWO_SIDED_95 = 1.96
_BIN = 0.5


def autocorrelations(values: np.ndarray, max_lag: int = MAX_LAG) -> np.ndarray:
    """Return the autocorrelations of lags 1, 2, … of a series that may have gaps.

    Args:
        values: Shape (n,); NaN where missing.
        max_lag: The largest lag; half of the series is the limit.
    """
    from statsmodels.tsa.stattools import acf

    lags = min(max_lag, len(values) // 2)
    return acf(values, nlags=lags, adjusted=True, missing="conservative", fft=False)[1:]


def residual_figure(residuals: pd.DataFrame, name: str, model: str = "sarima") -> go.Figure:
    """Draw one title's standardised residuals over time, their distribution and autocorrelations.

    Args:
        residuals: week, residual (in standard deviations; NaN where the week is missing).
        name: The title's name in the headline.
        model: The fitted model, for its colour.
    """
    residuals = residuals.sort_values("week")
    values = residuals["residual"].to_numpy(dtype=float)
    observed = values[~np.isnan(values)]
    heading = f"Residuals: {name}"
    if len(observed) < 3 or np.ptp(observed) == 0:
        note = titled(heading, "The model has no residuals.")
        return go.Figure(layout={"template": TEMPLATE, "title": note, "height": 200})
    correlations = autocorrelations(values)
    bound = _TWO_SIDED_95 / np.sqrt(len(observed))
    colour = model_colour(model)
    traces = [
        _over_time(residuals["week"], values, colour),
        *_distribution(observed, colour),
        _correlogram(correlations, bound, colour),
    ]
    outliers = np.sum(np.abs(observed) > _OUTLIER)
    summary = (
        f"{len(observed)} weeks · {outliers} beyond ±{_OUTLIER:g} · "
        f"{np.sum(np.abs(correlations) > bound)} of {len(correlations)} autocorrelations beyond "
        f"the dotted bounds ({0.05 * len(correlations):.0f} would be by chance)"
    )
    return go.Figure(traces, _layout(bound, titled(heading, summary)))


def _over_time(weeks: pd.Series, values: np.ndarray, colour: str) -> dict[str, Any]:
    outliers = np.abs(values) > _OUTLIER
    return line(
        week_texts(weeks),
        values.round(3),
        mode="lines+markers",
        line={"color": translucent(colour, 0.55), "width": 1},
        marker={
            "color": np.where(outliers, BAD, colour).tolist(),
            "size": np.where(outliers, 7, 3.5).tolist(),
        },
        connectgaps=False,
        hovertemplate="week to %{x|%-d %b %Y}: %{y:.2f}<extra></extra>",
    )


def _distribution(observed: np.ndarray, colour: str) -> list[dict[str, Any]]:
    reach = max(4.0, float(np.ceil(np.abs(observed).max())))
    edges = np.arange(-reach, reach + _BIN, _BIN)
    density, _ = np.histogram(observed, edges, density=True)
    grid = np.linspace(-reach, reach, 121)
    normal = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    axes = {"xaxis": "x2", "yaxis": "y2"}
    dotted = {"color": SALES, "width": 1.5, "dash": "dot"}
    return [
        {
            "type": "bar",
            "x": edges[:-1] + _BIN / 2,
            "y": density.round(4),
            "width": _BIN * 0.92,
            "marker": {"color": translucent(colour, 0.5)},
            "hovertemplate": "around %{x:.2f}: %{y:.3f}<extra></extra>",
        }
        | axes,
        line(grid.round(3), normal.round(4), line=dotted, hoverinfo="skip") | axes,
    ]


def _correlogram(correlations: np.ndarray, bound: float, colour: str) -> dict[str, Any]:
    return {
        "type": "bar",
        "xaxis": "x3",
        "yaxis": "y3",
        "x": np.arange(1, len(correlations) + 1),
        "y": correlations.round(4),
        "width": 0.55,
        "marker": {"color": np.where(np.abs(correlations) > bound, BAD, colour).tolist()},
        "hovertemplate": "%{x} weeks apart: %{y:.2f}<extra></extra>",
    }


def _layout(bound: float, title: dict[str, Any]) -> dict[str, Any]:
    lower, upper = [0, 0.36], [0.56, 1]
    shapes = [
        {"yref": yref, "xref": f"{xref} domain", "y0": level, "y1": level}
        for xref, yref, height in (("x", "y", _OUTLIER), ("x3", "y3", bound))
        for level in (-height, height)
    ]
    dotted = {"color": FAINT, "width": 1, "dash": "dot"}
    headings = (
        (0, upper[1], "Over time, in standard deviations"),
        (0, lower[1], "Distribution beside the normal one (dotted)"),
        (0.54, lower[1], "Autocorrelation by weeks apart"),
    )
    position: dict[str, Any] = {
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
    }
    return {
        "template": TEMPLATE,
        "title": title,
        "height": 640,
        "showlegend": False,
        "margin": {"t": 124},
        "xaxis": {"anchor": "y", "type": "date"},
        "yaxis": {"anchor": "x", "domain": upper},
        "xaxis2": {"anchor": "y2", "domain": [0, 0.46], "title": "standard deviations"},
        "yaxis2": {"anchor": "x2", "domain": lower, "tickformat": ".1f"},
        "xaxis3": {"anchor": "y3", "domain": [0.54, 1], "title": "weeks apart", "dtick": 13},
        "yaxis3": {"anchor": "x3", "domain": lower, "tickformat": ".2f"},
        "shapes": [{"type": "line", "x0": 0, "x1": 1, "line": dotted} | s for s in shapes],
        "annotations": [
            annotation(x, y, f"<b>{text}</b>", font={"size": 12}, **position)
            for x, y, text in headings
        ],
    }
