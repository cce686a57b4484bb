"""Trials of the search for one title's SARIMA model, and their scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from book_forecast.plots.style import (
    GOOD,
    SALES,
    TEMPLATE,
    literal,
    model_colour,
    shortened,
    titled,
    translucent,
)
from book_forecast.plots.traces import line, markers

_STATES = {
    "complete": ("Scored on all folds", "circle", model_colour("sarima")),
    "pruned": ("Pruned (score of its first folds)", "x", "#8A929E"),
    "failed": ("Failed", "triangle-up", model_colour("seasonal_naive")),
}
# From this ratio of the worst score to the best one, the y axis is logarithmic.
_WIDE = 4.0


def order_text(trial: pd.Series) -> str:
    """Return a specification in the usual notation: (1,0,0)(2,0,1)52.

    Args:
        trial: p, d, q, P, D, Q, s.
    """
    p, d, q, seasonal_p, seasonal_d, seasonal_q, s = (int(trial[name]) for name in "pdqPDQs")
    text = f"({p},{d},{q})"
    return text if s <= 1 else f"{text}({seasonal_p},{seasonal_d},{seasonal_q}){s}"


def tuning_figure(trials: pd.DataFrame, name: str) -> go.Figure:
    """Draw one title's trials in their order, and the best score so far.

    Args:
        trials: number, p, d, q, P, D, Q, s, state (complete, pruned or failed), score; a pruned
            trial's score is that of its folds so far, or NaN. The columns `transform` and `reason`
            are optional.
        name: The title's name in the headline.
    """
    trials = trials.sort_values("number", ignore_index=True)
    complete = trials[(trials["state"] == "complete") & trials["score"].notna()]
    traces = [
        trace
        for state in _STATES
        for trace in _trial_traces(trials[trials["state"] == state], state, complete["score"])
    ]
    heading = f"SARIMA search: {name}"
    layout: dict[str, Any] = {
        "template": TEMPLATE,
        "height": 460,
        "hovermode": "closest",
        "xaxis": {"title": "trial", "range": _numbers(trials), "tickformat": ",d"},
        "yaxis": {"title": "score on rolling origins (smaller is better)"},
        "legend": {"y": -0.18},
    }
    if complete.empty:
        layout["title"] = titled(heading, f"{len(trials)} trials, none could be scored")
        return go.Figure(traces, layout)
    best = complete.iloc[int(complete["score"].argmin())]
    traces.insert(0, _best_so_far(complete, int(trials["number"].max())))
    ring = {"symbol": "circle-open", "size": 16, "color": GOOD}
    ring |= {"line": {"width": 2.5, "color": GOOD}}
    x, y = [int(best["number"])], [round(float(best["score"]), 5)]
    traces.append(markers(x, y, name="Best", marker=ring, hoverinfo="skip"))
    summary = f"{len(trials)} trials · best: {order_text(best)} with {best['score']:.3f}"
    layout["title"] = titled(heading, f"{summary} in trial {int(best['number'])}")
    layout["yaxis"] |= _scale(trials["score"].dropna())
    return go.Figure(traces, layout)


def _numbers(trials: pd.DataFrame) -> list[float]:
    """Range of the x axis, with room for whole markers at both ends."""
    last = float(trials["number"].max()) if len(trials) else 1.0
    room = 0.5 + last / 60
    return [-room, last + room]


def _scale(scores: pd.Series) -> dict[str, Any]:
    """A logarithmic y axis where one bad score would hide the differences of the others."""
    if scores.min() <= 0 or scores.max() <= _WIDE * scores.min():
        return {}
    decades = 10.0 ** np.arange(np.floor(np.log10(scores.min())), np.log10(scores.max()) + 1)
    # Plotly's own ticks between decades are bare digits.
    ticks = np.outer(decades, [1, 2, 5]).ravel()
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def _trial_traces(trials: pd.DataFrame, state: str, scores: pd.Series) -> list[dict[str, Any]]:
    if trials.empty:
        return []
    label, symbol, colour = _STATES[state]
    # A trial without a score is drawn at the height of the worst one; its hover text says so.
    height = scores.max() if len(scores) else 1.0
    return [
        markers(
            trials["number"].to_numpy(),
            trials["score"].fillna(height).to_numpy().round(5),
            name=label,
            marker={"symbol": symbol, "size": 9, "color": translucent(colour, 0.85)},
            text=[_hover(trial) for _, trial in trials.iterrows()],
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def _hover(trial: pd.Series) -> str:
    score = "no score" if pd.isna(trial["score"]) else f"score {trial['score']:.4f}"
    lines = [f"trial {int(trial['number'])}: {order_text(trial)}"]
    if "transform" in trial and not pd.isna(trial["transform"]):
        lines.append(f"scale: {str(trial['transform']).replace('_', '-')}")
    lines.append(f"{score}, {_STATES[trial['state']][0].lower()}")
    if "reason" in trial and not pd.isna(trial["reason"]):
        lines.append(literal(shortened(str(trial["reason"]), 90)))
    return "<br>".join(lines)


def _best_so_far(complete: pd.DataFrame, last: int) -> dict[str, Any]:
    best = np.minimum.accumulate(complete["score"].to_numpy()).round(5)
    return line(
        [*complete["number"], last],
        [*best, float(best[-1])],
        name="Best so far",
        line={"color": SALES, "width": 1.6, "shape": "hv"},
        hoverinfo="skip",
    )
