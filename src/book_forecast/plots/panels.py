"""Layout of one wide panel above a grid of small ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from book_forecast.plots.style import COPIES_AXIS, FAINT, WEEK_FORMAT, annotation, literal

COLUMNS = 5
_WIDE, _SMALL, _GAP, _FIRST_GAP = 280, 100, 26, 72  # heights in pixels
_MARGINS = {"t": 96, "b": 36}
_SPACING = 0.04  # between columns, as a share of the width


def panel_axes(index: int) -> dict[str, str]:
    """Return the axes of a trace in a small panel, counted from 0; the wide one has x and y."""
    return {"xaxis": f"x{index + 2}", "yaxis": f"y{index + 2}"}


def panel_layout(
    names: Sequence[str], ranges: Sequence[list[float]], weeks: list[str]
) -> dict[str, Any]:
    """Return axes and headings of all panels, without the wide panel's ranges.

    Plotly's own `make_subplots` needs more time than everything else in a figure.

    Args:
        names: Headings of the small panels.
        ranges: Ranges of their y axes.
        weeks: Range of their x axes.
    """
    rows = -(-len(names) // COLUMNS)
    inner = _WIDE + (_FIRST_GAP - _GAP if rows else 0) + rows * (_SMALL + _GAP)
    layout: dict[str, Any] = {
        "height": inner + sum(_MARGINS.values()),
        "margin": _MARGINS,
        "xaxis": {"anchor": "y", "hoverformat": WEEK_FORMAT},
        "yaxis": COPIES_AXIS | {"anchor": "x", "domain": [1 - _WIDE / inner, 1]},
        "annotations": [],
    }
    small = {"size": 10, "color": FAINT}
    for index, (name, y_range) in enumerate(zip(names, ranges, strict=True)):
        (left, right), (bottom, top) = _domains(index, inner)
        axes = panel_axes(index)
        layout[f"xaxis{index + 2}"] = {
            "anchor": axes["yaxis"],
            "domain": [left, right],
            "range": weeks,
            "dtick": "M12",
            "tickformat": "%Y",
            # All panels have the same weeks: only the lowest of each column labels them.
            "showticklabels": index + COLUMNS >= len(names),
            "tickfont": small,
            "hoverformat": "%-d %b %Y",
        }
        layout[f"yaxis{index + 2}"] = {
            "anchor": axes["xaxis"],
            "domain": [bottom, top],
            "range": y_range,
            "nticks": 4,
            "tickformat": "~s",
            "tickfont": small,
        }
        heading = annotation(left, top, literal(name), xref="paper", yref="paper")
        heading |= {"xanchor": "left", "yanchor": "bottom", "font": {"size": 11}}
        layout["annotations"].append(heading)
    return layout


def _domains(index: int, inner: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Left and right, bottom and top of a small panel, as shares of the inner figure."""
    row, column = divmod(index, COLUMNS)
    width = (1 - _SPACING * (COLUMNS - 1)) / COLUMNS
    left = column * (width + _SPACING)
    top = inner - _WIDE - _FIRST_GAP - row * (_SMALL + _GAP)
    bottom = max(0.0, (top - _SMALL) / inner)
    return (left, min(1.0, left + width)), (bottom, top / inner)
