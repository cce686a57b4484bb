"""Nodes from weekly sales to the input of models."""

import logging

import numpy as np
import pandas as pd

from book_forecast.payload.contents import Payload
from book_forecast.pipelines.preprocess.covariates import build_covariates, read_covariates
from book_forecast.pipelines.preprocess.grid import (
    count_training_weeks,
    test_size,
    week_grid,
    week_numbers,
)
from book_forecast.pipelines.preprocess.impossible_weeks import leave_out_impossible_weeks
from book_forecast.pipelines.preprocess.selection import select_titles
from book_forecast.pipelines.preprocess.upcoming import MOST_WEEKS, latest_launches
from book_forecast.pipelines.preprocess.weeks import find_missing_weeks, limit_weeks
from book_forecast.series.calendar import calendar_weeks

__all__ = [
    "build_covariates",
    "build_launch_weeks",
    "build_model_input",
    "build_release_weeks",
    "find_missing_weeks",
    "leave_out_impossible_weeks",
    "limit_weeks",
    "make_calendar",
    "read_covariates",
    "select_titles",
    "split_weeks",
]

logger = logging.getLogger(__name__)


def build_model_input(
    sales: pd.DataFrame, missing: pd.DataFrame, selected: pd.DataFrame, split_size: int
) -> pd.DataFrame:
    """Lay the selected titles out on every Saturday from first sale to last week of the export.

    A week without a row of the title is a zero, or NaN if nobody reported it; its prices are NaN.
    A title that has not sold yet has the last week alone, which is NaN: it was not on sale.
    `promotion` is how far the week's discount (1 - asp / rrp, cut to 0..1) exceeds the title's
    usual one, the median of its training weeks. Sellers discount most titles all the time; with
    the plain discount every week without a price would look like the end of a promotion. It is 0
    where a price is unknown.

    Args:
        sales: isbn, week, volume, asp, rrp; one row per title and week.
        missing: The weeks nobody reported: week.
        selected: The selected titles: isbn.
        split_size: Weeks of the test set.

    Returns:
        isbn, week, volume, promotion, asp, rrp; sorted by isbn and week.
    """
    grid = week_grid(sales)
    n_training = count_training_weeks(grid, split_size)
    isbns = pd.Index(selected["isbn"])
    codes = isbns.get_indexer(pd.Index(sales["isbn"]))
    numbers = week_numbers(sales["week"], grid)
    volumes = sales["volume"].to_numpy(dtype=float)

    sold = (codes >= 0) & (volumes > 0)
    first = np.full(len(isbns), len(grid))
    np.minimum.at(first, codes[sold], numbers[sold])
    is_upcoming = first == len(grid)
    first[is_upcoming] = len(grid) - 1
    lengths = len(grid) - first
    # The row of each title's first week.
    starts = np.cumsum(lengths) - lengths
    week_of_row = np.arange(lengths.sum()) - np.repeat(starts - first, lengths)

    used = np.flatnonzero(codes >= 0)
    used = used[numbers[used] >= first[codes[used]]]
    codes, numbers = codes[used], numbers[used]
    rows = starts[codes] + numbers - first[codes]
    is_missing = grid.isin(missing["week"])[week_of_row] | np.repeat(is_upcoming, lengths)
    volume = np.where(is_missing, np.nan, 0.0)
    volume[rows] = volumes[used]
    asp = _price(sales["asp"].iloc[used])
    rrp = _price(sales["rrp"].iloc[used])
    by_row = {
        "volume": volume,
        "promotion": np.zeros(len(volume)),
        "asp": np.full(len(volume), np.nan),
        "rrp": np.full(len(volume), np.nan),
    }
    by_row["promotion"][rows] = _promotion(asp, rrp, codes, numbers < n_training)
    # Nobody paid a price beside a volume of zero.
    priced = volume[rows] > 0
    by_row["asp"][rows[priced]] = asp[priced]
    by_row["rrp"][rows[priced]] = rrp[priced]
    keys = {"isbn": isbns.repeat(lengths), "week": grid[week_of_row]}
    if not len(isbns):
        return pd.DataFrame(keys | by_row)
    logger.info(
        "Laid out %d titles on %d weeks (%s to %s): %d rows, %d of them missing.",
        len(isbns),
        len(grid),
        f"{grid[0]:%Y-%m-%d}",
        f"{grid[-1]:%Y-%m-%d}",
        len(volume),
        np.isnan(volume).sum(),
    )
    return pd.DataFrame(keys | by_row)


def build_release_weeks(
    sales: pd.DataFrame,
    missing: pd.DataFrame,
    selected: pd.DataFrame,
    release: Payload | None,
    split_size: int,
) -> pd.DataFrame:
    """Lay out the release's other titles: it forecasts also those that are not selected any more.

    Args:
        sales: As for `build_model_input`.
        missing: As for `build_model_input`.
        selected: The selected titles: isbn.
        release: The release to forecast from; None where there is none.
        split_size: Weeks of the test set.

    Returns:
        As `build_model_input`, for the titles of the release that are sold and not selected.
    """
    known = set() if release is None else set(release.titles["isbn"].to_pylist())
    sold = set(sales.loc[sales["volume"] > 0, "isbn"])
    others = sorted((known & sold) - set(selected["isbn"]))
    if release is not None and others:
        logger.info("%d titles of %s are not selected", len(others), release.release)
    titles = pd.DataFrame({"isbn": others}, dtype="str")
    return build_model_input(sales, missing, titles, split_size)


def build_launch_weeks(sales: pd.DataFrame, missing: pd.DataFrame, split_size: int) -> pd.DataFrame:
    """Lay out the latest launches of the whole export, to learn from, also if not selected.

    Args:
        sales: As for `build_model_input`.
        missing: As for `build_model_input`.
        split_size: Weeks of the test set.

    Returns:
        As `build_model_input`, of each title the first `MOST_WEEKS` weeks.
    """
    weeks = build_model_input(sales, missing, latest_launches(sales), split_size)
    return weeks[weeks.groupby("isbn").cumcount() < MOST_WEEKS].reset_index(drop=True)


def _price(column: pd.Series) -> np.ndarray:
    prices = column.to_numpy(dtype=float, na_value=np.nan)
    return np.where(prices > 0, prices, np.nan)


def _promotion(
    asp: np.ndarray, rrp: np.ndarray, codes: np.ndarray, in_training: np.ndarray
) -> np.ndarray:
    """Return the discount beyond the title's median discount in training weeks."""
    discount = pd.Series(np.clip(1 - asp / rrp, 0, 1))
    usual = discount[in_training].groupby(codes[in_training]).median()
    beyond = discount - usual.reindex(codes).fillna(0.0).to_numpy()
    depth: np.ndarray = beyond.clip(lower=0).fillna(0.0).to_numpy()
    return depth


def split_weeks(
    model_input: pd.DataFrame, split_size: int, selected: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split the weeks of the titles to score into training weeks and the last `split_size` weeks.

    The test weeks are the same calendar weeks for all titles. If no title is to be scored, all are.
    If no title has a week before the test weeks, the test set is a quarter of the weeks there are.

    Args:
        model_input: isbn, week and other columns.
        split_size: Weeks in the test set.
        selected: The titles: isbn, is_scored; all are scored without it.

    Returns:
        Training weeks and test weeks.
    """
    if selected is not None and selected["is_scored"].any():
        scored = selected.loc[selected["is_scored"], "isbn"]
        model_input = model_input[model_input["isbn"].isin(scored)]
    n_weeks = len(week_grid(model_input))
    size = test_size(n_weeks, split_size)
    cutoff = model_input["week"].max() - pd.Timedelta(weeks=size)
    training = model_input["week"] <= cutoff
    if size < split_size:
        logger.warning(
            "The titles have %d weeks, split_size is %d: the last %d weeks are the test set of "
            "this run",
            *(n_weeks, split_size, size),
        )
    logger.info("The %d weeks after %s are the test set.", size, f"{cutoff:%Y-%m-%d}")
    return (
        model_input[training].reset_index(drop=True),
        model_input[~training].reset_index(drop=True),
    )


def make_calendar(model_input: pd.DataFrame) -> pd.DataFrame:
    """Return the calendar covariates of all weeks of the model input and 110 later ones."""
    return calendar_weeks(model_input["week"].min(), model_input["week"].max())
