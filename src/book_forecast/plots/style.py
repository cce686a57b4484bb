"""What all figures share: colours, fonts, and how models, titles and weeks are written."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

# kedro-viz puts figures on its own background, which is dark unless its reader wants it light, and
# replaces the colour of texts that have none of their own: what is coloured here shows on both.
INK = "#22262B"
SALES = "#6B6B6B"
FAINT = "#7A828F"
GRID = "rgba(120, 128, 140, 0.22)"
SHADE = "rgba(107, 114, 128, 0.13)"
GOOD, WARNING, BAD = "#009E73", "#E69F00", "#D55E00"

# Okabe and Ito's palette, and five more colours that those who confuse red and green can tell from
# it and from each other.
_MODEL_COLOURS = {
    "ensemble": "#009E73",
    "sarima": "#0072B2",
    "regression": "#8B0972",
    "ets": "#0207FB",
    "theta": "#29581F",
    "mstl": "#56B4E9",
    "intermittent": "#815E61",
    "boosting": "#9167FF",
    "seasonal_naive": "#D55E00",
    "naive": "#E69F00",
    "zero": "#CC79A7",
}
_FURTHER_COLOURS = ("#8C6D1F", "#7B5EA7", "#3D7F86", "#B0497B")
_MODEL_LABELS = {"sarima": "SARIMA", "ets": "ETS", "mstl": "MSTL"}

LEGEND_RANKS = {"sales": 1, "forecast": 2, "interval": 3, "gap": 4, "baseline": 5}
"""The order of legend entries, which is not the order in which traces cover each other."""

BASELINE = "seasonal_naive"
"""The model that every other one is shown beside."""
ENSEMBLE = "ensemble"

TEMPLATE = go.layout.Template(
    layout={
        "font": {
            "family": "Inter, Segoe UI, Helvetica, Arial, sans-serif",
            "size": 13,
            "color": INK,
        },
        "title": {
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "font": {"size": 18},
        },
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "colorway": [*_MODEL_COLOURS.values(), *_FURTHER_COLOURS],
        "xaxis": {
            "gridcolor": GRID,
            "linecolor": FAINT,
            "ticks": "outside",
            "ticklen": 5,
            "tickcolor": "rgba(0, 0, 0, 0)",
            "zeroline": False,
            "automargin": True,
            "title": {"font": {"size": 12, "color": FAINT}},
        },
        "yaxis": {
            "gridcolor": GRID,
            "zerolinecolor": GRID,
            "automargin": True,
            "ticksuffix": " ",
            "title": {"font": {"size": 12, "color": FAINT}},
        },
        "legend": {"orientation": "h", "x": 0, "y": -0.1, "yanchor": "top", "font": {"size": 12}},
        "hoverlabel": {"font": {"size": 12}},
        "margin": {"l": 60, "r": 24, "t": 80, "b": 50},
    }
)


def model_colour(model: str) -> str:
    """The colour of a model, the same in every figure."""
    if model in _MODEL_COLOURS:
        return _MODEL_COLOURS[model]
    # Not `hash`, which differs between processes.
    return _FURTHER_COLOURS[zlib.crc32(model.encode()) % len(_FURTHER_COLOURS)]


def model_label(model: str) -> str:
    """The name of a model as readers see it."""
    return _MODEL_LABELS.get(model, model.replace("_", " ").capitalize())


def translucent(colour: str, opacity: float) -> str:
    """A colour `#RRGGBB` that lets others through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:.2f})"


def titled(headline: str, *explanations: str) -> dict[str, Any]:
    """A figure's title: what it shows, and below it in small print how to read it.

    It begins in the middle of the top margin, where kedro-viz has to leave it.
    """
    style = f"font-size:13px;color:{FAINT}"
    lines = [f"<span style='{style}'>{literal(text)}</span>" for text in explanations if text]
    return {"text": "<br>".join([literal(headline), *lines])}


def literal(text: str) -> str:
    """A text that Plotly shows as it is, without reading tags in a book's title."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def shortened(text: str, length: int) -> str:
    """A text of at most `length` characters, with an ellipsis where it was longer."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def week_texts(weeks: pd.Series | np.ndarray) -> list[str]:
    """Weeks as ISO dates, which Plotly takes for dates and which stay short in JSON."""
    days = np.asarray(weeks, dtype="datetime64[D]")
    return np.datetime_as_string(days).tolist()


def title_or_isbn(title: object, isbn: str) -> str:
    """What a book is called, or its ISBN where the export does not tell."""
    return title if isinstance(title, str) and title.strip() else isbn


def names_by_isbn(titles: pd.DataFrame) -> dict[str, str]:
    """Names of titles for headlines: the title with its ISBN, or the ISBN alone.

    Args:
        titles: isbn, title; a title may be missing.
    """
    names = {}
    for isbn, title in zip(titles["isbn"], titles["title"], strict=True):
        name = title_or_isbn(title, isbn)
        names[isbn] = name if name == isbn else f"{name} ({isbn})"
    return names
