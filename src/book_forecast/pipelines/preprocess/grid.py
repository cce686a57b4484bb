"""The weekly grid, and the number of its weeks that are not in the test set."""

import numpy as np
import pandas as pd


def week_grid(sales: pd.DataFrame) -> pd.DatetimeIndex:
    """All week-ending Saturdays from the first to the last week with a row."""
    return pd.date_range(sales["week"].min(), sales["week"].max(), freq="W-SAT", unit="us")


def week_numbers(weeks: pd.Series, grid: pd.DatetimeIndex) -> np.ndarray:
    """Position of each week in the grid."""
    return ((weeks - grid[0]) // pd.Timedelta(weeks=1)).to_numpy()


def count_training_weeks(grid: pd.DatetimeIndex, split_size: int) -> int:
    """Weeks of the grid before the test set."""
    return len(grid) - test_size(len(grid), split_size)


def test_size(n_weeks: int, split_size: int) -> int:
    """Weeks in the test set: `split_size`, or a quarter of weeks that are no more than that."""
    return split_size if n_weeks > split_size else n_weeks // 4
