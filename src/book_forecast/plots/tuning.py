"""The search for one title's model: what was tried, and what it scored."""

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

_STATES = {
    "complete": ("Scored on all folds", "circle", model_colour("sarima")),
    "pruned": ("Given up early (score of its first folds)", "x", "#8A929E"),
    "failed": ("Failed", "triangle-up", model_colour("seasonal_naive")),
}
# The worst score over the best one from which a logarithmic axis shows more.
_WIDE = 4.0


def order_text(trial: pd.Series) -> str:
    """A specification as readers write it: (1,0,0)(2,0,1)52.

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
            trial's score is that of its folds so far, or NaN. `transform` and `reason` are told
            where they are given.
        name: What to call the title.
    """
    trials = trials.sort_values("number", ignore_index=True)
    complete = trials[(trials["state"] == "complete") & trials["score"].notna()]
    traces = [
        trace
        for state in _STATES
        for trace in _trial_traces(trials[trials["state"] == state], state, complete["score"])
    ]
    heading = f"Search for a model: {shortened(name, 70)}"
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
    traces.append(_mark_best(best))
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
    """A logarithmic y axis where one bad score would hide what the others differ in."""
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
    # A trial without a score is drawn at the height of the worst one, and says so.
    height = scores.max() if len(scores) else 1.0
    texts = [_hover(trial) for _, trial in trials.iterrows()]
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "x": trials["number"].to_numpy(),
            "y": trials["score"].fillna(height).to_numpy().round(5),
            "name": label,
            "marker": {"symbol": symbol, "size": 9, "color": translucent(colour, 0.85)},
            "text": texts,
            "hovertemplate": "%{text}<extra></extra>",
        }
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
    best = np.minimum.accumulate(complete["score"].to_numpy())
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [*complete["number"], last],
        "y": [*best.round(5), round(float(best[-1]), 5)],
        "name": "Best so far",
        "line": {"color": SALES, "width": 1.6, "shape": "hv"},
        "hoverinfo": "skip",
    }


def _mark_best(best: pd.Series) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [int(best["number"])],
        "y": [round(float(best["score"]), 5)],
        "name": "Best",
        "marker": {
            "symbol": "circle-open",
            "size": 16,
            "color": GOOD,
            "line": {"width": 2.5, "color": GOOD},
        },
        "hoverinfo": "skip",
    }
