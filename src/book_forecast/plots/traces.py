"""Traces that several figures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from book_forecast.plots.style import LEGEND_RANKS, SALES, week_texts


def line(x: Any, y: Any, **more: Any) -> dict[str, Any]:
    """Return a trace of lines."""
    return {"type": "scatter", "mode": "lines", "x": x, "y": y} | more


def markers(x: Any, y: Any, **more: Any) -> dict[str, Any]:
    """Return a trace of points."""
    return {"type": "scatter", "mode": "markers", "x": x, "y": y} | more


def sales_line(history: pd.DataFrame, width: float = 1.4, **more: Any) -> dict[str, Any]:
    """Return the line of the copies sold.

    Args:
        history: week, volume; NaN = missing, a gap in the line.
        width: Of the line, in pixels.
        more: Further properties of the trace.
    """
    trace = line(
        week_texts(history["week"]),
        history["volume"].to_numpy(),
        name="Sold",
        legendrank=LEGEND_RANKS["sales"],
        line={"color": SALES, "width": width},
        connectgaps=False,
        hovertemplate="%{y:,.0f}",
    )
    return trace | more


def legend_key(x: Any, name: str, y: Any = None, **more: Any) -> dict[str, Any]:
    """Return a legend entry that draws nothing.

    Args:
        x: A position on the x axis, None if `y` is one on the y axis.
        name: The entry.
        y: A position on the y axis.
        more: Further properties of the trace, such as its marker.
    """
    return markers([x], [y], name=name, hoverinfo="skip") | more


def connectors(keys: Sequence[str], first: pd.Series, last: pd.Series) -> dict[str, Any]:
    """Return a line per category from its first to its last value.

    Args:
        keys: Categories of the y axis.
        first: Values of the x axis where the lines begin.
        last: Values where they end.
    """
    ends = zip(first.round(4), last.round(4), strict=True)
    return line(
        [x for pair in ends for x in (*pair, None)],
        [key for key in keys for _ in range(3)],
        line={"color": "#C4C9D1", "width": 3},
        hoverinfo="skip",
        showlegend=False,
    )
