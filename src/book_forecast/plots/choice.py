"""Selections of rows and titles for figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

_RECENT_WEEKS = 52


def chosen_rows(frame: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each title's chosen model.

    Args:
        frame: isbn, model and further columns: forecasts or scores.
        models: isbn, model: the choice, one row per title.
    """
    chosen = pd.MultiIndex.from_frame(models[["isbn", "model"]])
    return frame[pd.MultiIndex.from_frame(frame[["isbn", "model"]]).isin(chosen)]


def largest_titles(model_input: pd.DataFrame, count: int) -> list[str]:
    """Return the titles with the largest volume in the last year, the largest first.

    Args:
        model_input: isbn, week, volume; NaN = missing.
        count: The largest number of titles.
    """
    recent = model_input["week"] > model_input["week"].max() - pd.Timedelta(weeks=_RECENT_WEEKS)
    volumes = model_input["volume"].where(recent, 0.0).groupby(model_input["isbn"]).sum()
    ranked = volumes.reset_index().sort_values(["volume", "isbn"], ascending=[False, True])
    return ranked["isbn"].head(count).tolist()


def rows_by_title(isbns: Sequence[str], *frames: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield each title with its rows of every frame, which may be none."""
    rows_of = [frame.groupby("isbn").indices for frame in frames]
    for isbn in isbns:
        yield (
            isbn,
            *(f.iloc[rows.get(isbn, [])] for f, rows in zip(frames, rows_of, strict=True)),
        )
