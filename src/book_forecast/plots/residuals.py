"""What a model leaves unexplained: it should look like noise."""

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
    model_colour,
    shortened,
    titled,
    translucent,
    week_texts,
)

MAX_LAG = 60
_OUTLIER = 3.0
_TWO_SIDED_95 = 1.96
_BIN = 0.5


def autocorrelations(values: np.ndarray, max_lag: int = MAX_LAG) -> np.ndarray:
    """Autocorrelations of a series that may have gaps.

    Args:
        values: Shape (n,); NaN where unknown.
        max_lag: The largest lag; no more than half of the series is used.

    Returns:
        Lags 1, 2, …; each from the pairs of which both values are known, NaN without a pair.
    """
    centred = values - np.nanmean(values)
    known = ~np.isnan(centred)
    filled = np.where(known, centred, 0.0)
    variance = np.sum(filled**2) / np.sum(known)
    result = np.full(min(max_lag, len(values) // 2), np.nan)
    for lag in range(1, len(result) + 1):
        pairs = np.sum(known[lag:] & known[:-lag])
        if pairs and variance > 0:
            result[lag - 1] = np.sum(filled[lag:] * filled[:-lag]) / pairs / variance
    return result


def residual_figure(residuals: pd.DataFrame, name: str, model: str = "sarima") -> go.Figure:
    """Draw one title's standardised residuals over time, their distribution and autocorrelations.

    Args:
        residuals: week, residual (in standard deviations; NaN where the week is missing).
        name: What to call the title.
        model: The model that left them.
    """
    residuals = residuals.sort_values("week")
    values = residuals["residual"].to_numpy(dtype=float)
    known = values[~np.isnan(values)]
    heading = f"What the model leaves unexplained: {shortened(name, 70)}"
    if len(known) < 3 or np.ptp(known) == 0:
        note = titled(heading, "The model has no residuals to look at.")
        return go.Figure(layout={"template": TEMPLATE, "title": note, "height": 200})
    correlations = autocorrelations(values)
    bound = _TWO_SIDED_95 / np.sqrt(len(known))
    colour = model_colour(model)
    traces = [
        _over_time(residuals["week"], values, colour),
        *_distribution(known, colour),
        *_correlogram(correlations, bound, colour),
    ]
    outside = int(np.sum(np.abs(correlations[~np.isnan(correlations)]) > bound))
    summary = (
        f"{len(known)} weeks · {int(np.sum(np.abs(known) > _OUTLIER))} beyond ±{_OUTLIER:g} · "
        f"{outside} of {len(correlations)} autocorrelations beyond the dotted bounds "
        f"({0.05 * len(correlations):.0f} would be by chance)"
    )
    return go.Figure(traces, _layout(bound, titled(heading, summary)))


def _over_time(weeks: pd.Series, values: np.ndarray, colour: str) -> dict[str, Any]:
    outliers = np.abs(values) > _OUTLIER
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": week_texts(weeks),
        "y": values.round(3),
        "line": {"color": translucent(colour, 0.55), "width": 1},
        "marker": {
            "color": np.where(outliers, BAD, colour).tolist(),
            "size": np.where(outliers, 7, 3.5).tolist(),
        },
        "connectgaps": False,
        "hovertemplate": "week to %{x|%-d %b %Y}: %{y:.2f}<extra></extra>",
    }


def _distribution(known: np.ndarray, colour: str) -> list[dict[str, Any]]:
    reach = max(4.0, float(np.ceil(np.abs(known).max())))
    edges = np.arange(-reach, reach + _BIN, _BIN)
    density, _ = np.histogram(known, edges, density=True)
    grid = np.linspace(-reach, reach, 121)
    normal = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    axes = {"xaxis": "x2", "yaxis": "y2"}
    return [
        axes
        | {
            "type": "bar",
            "x": edges[:-1] + _BIN / 2,
            "y": density.round(4),
            "width": _BIN * 0.92,
            "marker": {"color": translucent(colour, 0.5)},
            "hovertemplate": "around %{x:.2f}: %{y:.3f}<extra></extra>",
        },
        axes
        | {
            "type": "scatter",
            "mode": "lines",
            "x": grid.round(3),
            "y": normal.round(4),
            "line": {"color": SALES, "width": 1.5, "dash": "dot"},
            "hoverinfo": "skip",
        },
    ]


def _correlogram(correlations: np.ndarray, bound: float, colour: str) -> list[dict[str, Any]]:
    lags = np.arange(1, len(correlations) + 1)
    beyond = np.abs(correlations) > bound
    return [
        {
            "type": "bar",
            "xaxis": "x3",
            "yaxis": "y3",
            "x": lags,
            "y": correlations.round(4),
            "width": 0.55,
            "marker": {"color": np.where(beyond, BAD, colour).tolist()},
            "hovertemplate": "%{x} weeks apart: %{y:.2f}<extra></extra>",
        }
    ]


def _layout(bound: float, title: dict[str, Any]) -> dict[str, Any]:
    lower, upper = [0, 0.36], [0.56, 1]
    shapes = [
        {"yref": yref, "xref": f"{xref} domain", "y0": level, "y1": level}
        for xref, yref, height in (("x", "y", _OUTLIER), ("x3", "y3", bound))
        for level in (-height, height)
    ]
    line = {"type": "line", "x0": 0, "x1": 1, "line": {"color": FAINT, "width": 1, "dash": "dot"}}
    headings = (
        (0, upper[1], "Over time, in standard deviations"),
        (0, lower[1], "Distribution beside the normal one (dotted)"),
        (0.54, lower[1], "Autocorrelation by weeks apart"),
    )
    annotation: dict[str, Any] = {
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
    }
    annotation |= {"showarrow": False, "font": {"size": 12}}
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
        "shapes": [line | shape for shape in shapes],
        "annotations": [
            annotation | {"x": x, "y": y, "text": f"<b>{text}</b>"} for x, y, text in headings
        ],
    }
