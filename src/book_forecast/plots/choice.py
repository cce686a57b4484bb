"""Which forecasts are the chosen model's, and which titles come first where not all fit."""

from __future__ import annotations

import pandas as pd

_RECENT_WEEKS = 52


def chosen_rows(frame: pd.DataFrame, models: pd.DataFrame) -> pd.DataFrame:
    """The rows of each title's chosen model, in the order they had.

    Args:
        frame: isbn, model and further columns: forecasts or scores.
        models: isbn, model: what was chosen, one row per title.
    """
    chosen = pd.MultiIndex.from_frame(models[["isbn", "model"]])
    return frame[pd.MultiIndex.from_frame(frame[["isbn", "model"]]).isin(chosen)]


def largest_titles(model_input: pd.DataFrame, count: int) -> list[str]:
    """The titles with the largest volume in the last year, the largest first.

    Args:
        model_input: isbn, week, volume; NaN = missing.
        count: How many titles at most.
    """
    recent = model_input["week"] > model_input["week"].max() - pd.Timedelta(weeks=_RECENT_WEEKS)
    volumes = model_input["volume"].where(recent, 0.0).groupby(model_input["isbn"]).sum()
    ranked = volumes.reset_index().sort_values(["volume", "isbn"], ascending=[False, True])
    return ranked["isbn"].head(count).tolist()
