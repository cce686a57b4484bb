"""Weeks in which nobody reported, shaded so that a gap is not read as no sales."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from book_forecast.plots.style import FAINT, SHADE

_LABELLED_FROM_WEEKS = 4
_HALF_WEEK = pd.Timedelta(days=3.5)


def missing_spans(history: pd.DataFrame) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """First and last week of every run of missing weeks.

    Args:
        history: week, volume of one title, in the order of weeks; NaN volumes are missing.
    """
    missing = history["volume"].isna().to_numpy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(int)))
    weeks = history["week"].to_list()
    return [(weeks[first], weeks[end - 1]) for first, end in edges.reshape(-1, 2)]


def gap_layout(history: pd.DataFrame, yref: str = "paper") -> dict[str, list[dict[str, Any]]]:
    """Shapes that shade the missing weeks, and annotations that name the longer gaps.

    Args:
        history: week, volume of one title, in the order of weeks; NaN volumes are missing.
        yref: What the height of the shading refers to, "paper" or "y domain".
    """
    shapes, annotations = [], []
    for first, last in missing_spans(history):
        left, right = first - _HALF_WEEK, last + _HALF_WEEK
        shapes.append(
            {
                "type": "rect",
                "x0": left.isoformat(),
                "x1": right.isoformat(),
                "y0": 0,
                "y1": 1,
                "yref": yref,
                "fillcolor": SHADE,
                "line": {"width": 0},
                "layer": "below",
            }
        )
        if right - left >= pd.Timedelta(weeks=_LABELLED_FROM_WEEKS):
            annotations.append(
                {
                    "x": (left + (right - left) / 2).isoformat(),
                    "y": 0.98,
                    "yref": yref,
                    "yanchor": "top",
                    "text": "not reported",
                    "textangle": -90,
                    "showarrow": False,
                    "font": {"size": 11, "color": FAINT},
                }
            )
    return {"shapes": shapes, "annotations": annotations}
