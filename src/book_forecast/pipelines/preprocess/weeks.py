"""The weekly grid, and its missing weeks: those that nobody reported."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from book_forecast.options.groups import SelectionOptions
from book_forecast.pipelines.preprocess.grid import count_training_weeks, week_grid, week_numbers
from book_forecast.pipelines.preprocess.incomplete import IncompleteWeek, find_incomplete_weeks
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

ENOUGH_TITLES = 3
"""Titles on sale around a gap that make it missing: so many are not unsold by chance at once."""

UNLIKELY = 0.01
"""Probability of a gap, by the titles' own shares of empty weeks, below which it is missing."""

_BEFORE_AN_OPEN_GAP = 26
_INCOMPLETE_SHOWN = 5
_FEW_COPIES = 2
_HARDLY_EVER = 0.05


def limit_weeks(weekly_sales: pd.DataFrame, selection: SelectionOptions) -> pd.DataFrame:
    """Select the weeks that end from `start_date` to `cutoff_date`, both included.

    Args:
        weekly_sales: isbn, week, volume, value, asp, rrp.
        selection: The two dates; None for no bound.

    Returns:
        The rows of these weeks. The volume of a week with more returns than sales is 0.

    Raises:
        UserError: If there are no sales, or none between the two dates.
    """
    if weekly_sales.empty:
        raise UserError("weekly_sales has no rows: put exports into 01_raw/sales and run ingest.")
    dates = {"start_date": selection.start_date, "cutoff_date": selection.cutoff_date}
    bounds = " and ".join(f"{name} {date}" for name, date in dates.items() if date is not None)
    if not bounds:
        return _without_returns(weekly_sales)
    weeks = weekly_sales["week"]
    first = pd.Timestamp(selection.start_date or weeks.min())
    last = pd.Timestamp(selection.cutoff_date or weeks.max())
    limited = weekly_sales[weeks.between(first, last)].reset_index(drop=True)
    if limited.empty:
        raise UserError(
            f"No sales are left by {bounds}: the data run from week {weeks.min():%Y-%m-%d} to "
            f"{weeks.max():%Y-%m-%d}. Choose dates among these."
        )
    logger.info("Kept %d of %d rows by %s.", len(limited), len(weeks), bounds)
    return _without_returns(limited)


def _without_returns(sales: pd.DataFrame) -> pd.DataFrame:
    """Count weeks with more returns than sales as weeks without a sale."""
    returned = sales["volume"] < 0
    if not returned.any():
        return sales
    logger.info(
        "%s title-weeks have more returns than sales: they count as 0 for models",
        f"{returned.sum():,}",
    )
    return sales.assign(volume=sales["volume"].clip(lower=0))


def find_missing_weeks(
    sales: pd.DataFrame,
    selection: SelectionOptions,
    split_size: int,
    left_out: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Distinguish weeks that nobody reported from weeks without a sale.

    A week that is left out is missing, whichever titles are on sale around it.

    A gap is a run of weeks in which no title of the whole export has a row. With at least
    `ENOUGH_TITLES` titles on sale around it (a row before and a row after it) its weeks are
    missing. With fewer, `missing_weeks` decides. `auto` sets them to missing if the titles' own
    shares of empty weeks give such a gap a probability below `UNLIKELY`. A title that sells every
    week does not pause for a quarter of a year; one that sells every other week may skip three. A
    title that rarely sells as few as two copies has no empty weeks of its own.

    Only training weeks decide about gaps of the training weeks. If such a gap lasts up to the
    test set, titles with a row in the half year before it count.

    Args:
        sales: All titles of the export, before any is selected: isbn, week, volume.
        selection: The rule for gaps around which too few titles are on sale.
        split_size: Weeks in the test set.
        left_out: Weeks whose rows are not among the sales, as they are wrong: week. None of none.

    Weeks that far fewer titles report than should are missing too: see `find_incomplete_weeks`.
    Their titles with a row keep it.

    Returns:
        One row per missing week: week.
    """
    missing_weeks = selection.missing_weeks
    grid = week_grid(sales)
    n_training = count_training_weeks(grid, split_size)
    rows = pd.DataFrame(
        {
            "isbn": sales["isbn"],
            "week": week_numbers(sales["week"], grid),
            "few": sales["volume"] <= _FEW_COPIES,
        }
    )
    empty = np.bincount(rows["week"], minlength=len(grid)) == 0
    missing = grid.isin([] if left_out is None else left_out["week"])
    spans = {
        True: _Spans.of(rows[rows["week"] < n_training], n_training),
        False: _Spans.of(rows, len(grid)),
    }
    decided, undecided = 0, 0
    for start, stop in _runs(empty & ~missing, n_training):
        titles, chance = spans[stop <= n_training].around(start, stop)
        if titles >= ENOUGH_TITLES:
            decided += 1
            missing[start:stop] = True
        else:
            undecided += 1
            unlikely = missing_weeks == "auto" and chance < UNLIKELY
            missing[start:stop] = missing_weeks == "missing" or unlikely
        logger.debug(
            "No row from %s to %s; %d titles on sale around; missing: %s.",
            f"{grid[start]:%Y-%m-%d}",
            f"{grid[stop - 1]:%Y-%m-%d}",
            titles,
            missing[start],
        )
    if decided or undecided:
        logger.info(
            "%d of %d weeks have no row of any title: %d are missing (%s)",
            *(empty.sum(), len(grid), missing.sum(), _spell_out(grid, missing)),
        )
        logger.info(
            "%d of them count as unsold; the titles on sale decided in %d gaps, missing_weeks=%s "
            "in %d with fewer than %d titles",
            *(empty.sum() - missing.sum(), decided, missing_weeks, undecided, ENOUGH_TITLES),
        )
    incomplete = find_incomplete_weeks(
        sales, grid, missing, selection.min_reporting_share, n_training
    )
    _warn_of(incomplete, grid, selection.min_reporting_share)
    missing[[week.number for week in incomplete]] = True
    return pd.DataFrame({"week": grid[missing]})


def _warn_of(
    incomplete: list[IncompleteWeek], grid: pd.DatetimeIndex, min_reporting_share: float
) -> None:
    for week in incomplete[-_INCOMPLETE_SHOWN:]:
        logger.warning(
            "Week %s is incomplete: %d of %.0f titles have a row; the others are missing, not 0 "
            "(min_reporting_share=%g, 0 for never)",
            *(f"{grid[week.number]:%Y-%m-%d}", week.reported, week.expected, min_reporting_share),
        )
    if len(incomplete) > _INCOMPLETE_SHOWN:
        logger.warning(
            "%d earlier weeks are incomplete too, from %s on",
            *(len(incomplete) - _INCOMPLETE_SHOWN, f"{grid[incomplete[0].number]:%Y-%m-%d}"),
        )


def _spell_out(grid: pd.DatetimeIndex, missing: np.ndarray, most: int = 3) -> str:
    """Return the longest runs of missing weeks in words."""
    runs = sorted(_runs(missing), key=lambda run: run[0] - run[1])
    words = [
        f"{grid[start]:%Y-%m-%d}" + (f" to {grid[stop - 1]:%Y-%m-%d}" if stop - start > 1 else "")
        for start, stop in runs[:most]
    ]
    if len(runs) > most:
        words.append(f"{len(runs) - most} shorter ones")
    return ", ".join(words) or "none"


def _runs(flags: np.ndarray, n_training: int = 0) -> Iterator[tuple[int, int]]:
    """Yield half-open runs of flagged weeks, split at the beginning of the test set."""
    edges = np.flatnonzero(np.diff(flags.astype(np.int8), prepend=0, append=0))
    for start, stop in edges.reshape(-1, 2).tolist():
        if start < n_training < stop:
            yield start, n_training
            yield n_training, stop
        else:
            yield start, stop


@dataclass(frozen=True)
class _Spans:
    """First and last week with a row, rows, and their share with few copies, by title."""

    first: np.ndarray
    last: np.ndarray
    rows: np.ndarray
    few: np.ndarray
    n_weeks: int

    @classmethod
    def of(cls, rows: pd.DataFrame, n_weeks: int) -> "_Spans":
        """Summarise the rows of the first `n_weeks` weeks: isbn, week number, few."""
        by_title = rows.groupby("isbn")
        span = by_title["week"].agg(["min", "max", "size"])
        first, last, size = (span[name].to_numpy() for name in ("min", "max", "size"))
        return cls(first, last, size, by_title["few"].mean().to_numpy(), n_weeks)

    def around(self, start: int, stop: int) -> tuple[int, float]:
        """Return the titles on sale around a gap, and its probability by their empty weeks."""
        if stop < self.n_weeks:
            on_sale = (self.first < start) & (self.last >= stop)
            end = self.last
        else:
            on_sale = self.last >= start - _BEFORE_AN_OPEN_GAP
            end = np.full_like(self.last, self.n_weeks - 1)
        share_empty = 1 - self.rows / (end - self.first + 1)
        share_empty[self.few < _HARDLY_EVER] = 0
        return int(on_sale.sum()), float(np.prod(share_empty[on_sale] ** (stop - start)))
