"""Where the panels of a figure lie: one wide panel above a grid of small ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from book_forecast.plots.style import FAINT, literal

COLUMNS = 5
_WIDE, _SMALL, _GAP, _FIRST_GAP = 280, 100, 26, 72  # heights in pixels
_MARGINS = {"t": 96, "b": 36}
_SPACING = 0.04  # between columns, as a share of the width


@dataclass(frozen=True)
class Panels:
    """A wide panel with the axes `x` and `y`, and `count` small ones below it.

    Plotly's own `make_subplots` builds the same more slowly than all else in a figure together.
    """

    count: int

    @property
    def _inner(self) -> int:
        rows = -(-self.count // COLUMNS)
        return _WIDE + (_FIRST_GAP - _GAP if rows else 0) + rows * (_SMALL + _GAP)

    @property
    def height(self) -> int:
        """Height of the figure in pixels, margins included."""
        return self._inner + sum(_MARGINS.values())

    def axes(self, index: int) -> dict[str, str]:
        """The axes that a trace of a small panel names, counted from 0."""
        return {"xaxis": f"x{index + 2}", "yaxis": f"y{index + 2}"}

    def layout(
        self, names: Sequence[str], ranges: Sequence[list[float]], weeks: list[str]
    ) -> dict[str, Any]:
        """Axes and headings of all panels, without the wide panel's ranges.

        Args:
            names: Headings of the small panels.
            ranges: Ranges of their y axes.
            weeks: Range of their x axes.
        """
        top = 1 - _WIDE / self._inner
        layout: dict[str, Any] = {
            "height": self.height,
            "margin": _MARGINS,
            "xaxis": {"anchor": "y", "hoverformat": "Week to %-d %b %Y"},
            "yaxis": {
                "anchor": "x",
                "domain": [top, 1],
                "tickformat": ",",
                "title": "copies a week",
            },
            "annotations": [],
        }
        small = {"size": 10, "color": FAINT}
        for index, (name, y_range) in enumerate(zip(names, ranges, strict=True)):
            (left, right), (bottom, above) = self._place(index)
            axes = self.axes(index)
            layout[f"xaxis{index + 2}"] = {
                "anchor": axes["yaxis"],
                "domain": [left, right],
                "range": weeks,
                "dtick": "M12",
                "tickformat": "%Y",
                # All have the same weeks; so the lowest of each column tell them for all.
                "showticklabels": index + COLUMNS >= self.count,
                "tickfont": small,
                "hoverformat": "%-d %b %Y",
            }
            layout[f"yaxis{index + 2}"] = {
                "anchor": axes["xaxis"],
                "domain": [bottom, above],
                "range": y_range,
                "nticks": 4,
                "tickformat": "~s",
                "tickfont": small,
            }
            heading = {"x": left, "y": above, "xref": "paper", "yref": "paper"}
            heading |= {
                "xanchor": "left",
                "yanchor": "bottom",
                "text": literal(name),
                "showarrow": False,
            }
            layout["annotations"].append(heading | {"font": {"size": 11}})
        return layout

    def _place(self, index: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Left and right, bottom and top of a small panel, as shares of the inner figure."""
        row, column = divmod(index, COLUMNS)
        width = (1 - _SPACING * (COLUMNS - 1)) / COLUMNS
        left = column * (width + _SPACING)
        above = self._inner - _WIDE - _FIRST_GAP - row * (_SMALL + _GAP)
        bottom = max(0.0, (above - _SMALL) / self._inner)
        return (left, min(1.0, left + width)), (bottom, above / self._inner)
