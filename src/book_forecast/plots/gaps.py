"""Missing weeks, shaded so that a gap does not look like zero sales."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from book_forecast.plots.style import ONE_WEEK, SHADE, annotation

_LABELLED_FROM_WEEKS = 4


def missing_spans(history: pd.DataFrame) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return the first and last week of every run of missing weeks.

    Args:
        history: week, volume of one title, in the order of weeks; NaN volumes are missing.
    """
    missing = history["volume"].isna().to_numpy()
    edges = np.flatnonzero(np.diff(np.concatenate([[False], missing, [False]]).astype(int)))
    weeks = history["week"].to_list()
    return [(weeks[first], weeks[end - 1]) for first, end in edges.reshape(-1, 2)]


def gap_layout(history: pd.DataFrame, yref: str = "paper") -> dict[str, list[dict[str, Any]]]:
    """Return shapes that shade the missing weeks, and annotations that label longer gaps.

    Args:
        history: week, volume of one title, in the order of weeks; NaN volumes are missing.
        yref: Reference of the shading's height, "paper" or "y domain".
    """
    shapes, annotations = [], []
    for first, last in missing_spans(history):
        left, right = first - ONE_WEEK / 2, last + ONE_WEEK / 2
        box = {"type": "rect", "y0": 0, "y1": 1, "yref": yref, "layer": "below"}
        box |= {"x0": left.isoformat(), "x1": right.isoformat()}
        shapes.append(box | {"fillcolor": SHADE, "line": {"width": 0}})
        if right - left >= _LABELLED_FROM_WEEKS * ONE_WEEK:
            middle = (left + (right - left) / 2).isoformat()
            label = annotation(middle, 0.98, "not reported", yref=yref, yanchor="top")
            annotations.append(label | {"textangle": -90})
    return {"shapes": shapes, "annotations": annotations}
