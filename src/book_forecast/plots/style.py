"""Shared style of all figures: colours, fonts, labels of models, titles and weeks."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

# kedro-viz has a dark background by default and recolours texts that have no colour of their own.
# The colours that texts are given (FAINT) can be read on dark and light.
INK = "#22262B"
SALES = "#6B6B6B"
FAINT = "#7A828F"
GRID = "rgba(120, 128, 140, 0.22)"
SHADE = "rgba(107, 114, 128, 0.13)"
FONT = "Inter, Segoe UI, Helvetica, Arial, sans-serif"
GOOD, WARNING, BAD = "#009E73", "#E69F00", "#D55E00"

# Okabe and Ito's palette and seven more colours; all differ also for colour-blind readers.
_MODEL_COLOURS = {
    "ensemble": "#009E73",
    "sarima": "#0072B2",
    "regression": "#8B0972",
    "ets": "#0207FB",
    "theta": "#29581F",
    "mstl": "#56B4E9",
    "intermittent": "#815E61",
    "boosting": "#9167FF",
    "autoregression": "#7A7A00",
    "network": "#550099",
    "seasonal_naive": "#D55E00",
    "naive": "#E69F00",
    "zero": "#CC79A7",
}
_OTHER_COLOURS = ("#8C6D1F", "#7B5EA7", "#3D7F86", "#B0497B")
_MODEL_LABELS = {"sarima": "SARIMA", "ets": "ETS", "mstl": "MSTL"}

LEGEND_RANKS = {"sales": 1, "forecast": 2, "interval": 3, "gap": 4, "baseline": 5}
"""Order of legend entries; traces are stacked in another order."""

BASELINE = "seasonal_naive"
"""The reference model of all comparisons."""
ENSEMBLE = "ensemble"

ONE_WEEK = pd.Timedelta(weeks=1)
WEEK_FORMAT = "Week to %-d %b %Y"
COPIES_AXIS = {"title": "copies a week", "tickformat": ","}
HEADLINE_ON_TOP = {"y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 14}}
_HEADLINE_LENGTH = 90

TEMPLATE = go.layout.Template(
    layout={
        "font": {
            "family": FONT,
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
        "colorway": [*_MODEL_COLOURS.values(), *_OTHER_COLOURS],
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
    """Return the colour of a model, the same in every figure."""
    # Not `hash`, which differs between processes.
    other = _OTHER_COLOURS[zlib.crc32(model.encode()) % len(_OTHER_COLOURS)]
    return _MODEL_COLOURS.get(model, other)


def model_label(model: str) -> str:
    """Return the display name of a model."""
    return _MODEL_LABELS.get(model, model.replace("_", " ").capitalize())


def translucent(colour: str, opacity: float) -> str:
    """Return a colour `#RRGGBB` with an opacity."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:.2f})"


def titled(headline: str, *notes: str) -> dict[str, Any]:
    """Return a figure's title: a headline, and below it notes in small print.

    It begins in the middle of the top margin, where kedro-viz has to leave it.
    """
    style = f"font-size:13px;color:{FAINT}"
    lines = [f"<span style='{style}'>{literal(note)}</span>" for note in notes if note]
    return {"text": "<br>".join([literal(shortened(headline, _HEADLINE_LENGTH)), *lines])}


def literal(text: str) -> str:
    """Escape a text so that Plotly reads no tags in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def shortened(text: str, length: int) -> str:
    """Cut a text to `length` characters, the last one an ellipsis."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def annotation(x: Any, y: Any, text: str, size: int = 11, **more: Any) -> dict[str, Any]:
    """Return a text without an arrow, faint unless `more` has a font of its own."""
    font = {"size": size, "color": FAINT}
    return {"x": x, "y": y, "text": text, "showarrow": False, "font": font} | more


def category_axis(keys: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Return an axis with one row per key, the first at the bottom, and its labels."""
    return {
        "type": "category",
        "categoryorder": "array",
        "categoryarray": keys,
        "tickmode": "array",
        "tickvals": keys,
        "ticktext": labels,
    }


def week_texts(weeks: pd.Series | pd.Index | np.ndarray) -> list[str]:
    """Return weeks as ISO dates, which Plotly reads as dates and which are short in JSON."""
    return np.datetime_as_string(np.asarray(weeks, dtype="datetime64[D]")).tolist()


def title_or_isbn(title: object, isbn: str) -> str:
    """Return a book's title, or its ISBN where the export has no title."""
    return title if isinstance(title, str) and title.strip() else isbn


def names_by_isbn(titles: pd.DataFrame) -> dict[str, str]:
    """Return names for headlines: the title with its ISBN, or the ISBN alone.

    Args:
        titles: isbn, title; a title may be missing.
    """
    names = {}
    for isbn, title in zip(titles["isbn"], titles["title"], strict=True):
        name = title_or_isbn(title, isbn)
        names[isbn] = name if name == isbn else f"{name} ({isbn})"
    return names
