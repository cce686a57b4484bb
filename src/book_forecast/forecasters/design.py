"""Regressors of a title by name: Fourier terms, windows of the calendar, promotions and others.

A column's name is `group.name`, such as `season.cos2`, `holidays.easter` or `other.price`: it says
all of the column's values in given weeks, so that a model need only keep names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.series.history import PROMOTION, WEEK, FloatArray
from book_forecast.series.seasonality import fourier

Weeks = npt.NDArray[np.datetime64]

MOST_PAIRS = 12
# A window that opened in one year alone cannot be told from what else happened then.
FEWEST_OCCASIONS = 2

_FIRST_WEEK = np.datetime64("1980-01-05")
_LAST_WEEK = np.datetime64("2079-12-30")
# Fewer weeks than between any two occasions of a window, more than it can be open for.
_APART = 10


def group_of(column: str) -> str:
    """What a column belongs to: season, holidays, promotion or other."""
    return column.partition(".")[0]


def season_names(season: int) -> list[str]:
    """Columns of a season's Fourier pairs, the slowest first; none for a season of one week."""
    pairs = min(season // 2, MOST_PAIRS)
    names = [f"season.{wave}{k}" for k in range(1, pairs + 1) for wave in ("cos", "sin")]
    # The sine that changes its sign from week to week is zero in each of them.
    return names[:-1] if pairs and season == 2 * pairs else names


def holiday_names(weeks: Weeks, seen: npt.NDArray[np.bool_]) -> list[str]:
    """Columns of the calendar's windows that opened at least twice in weeks that were seen.

    Args:
        weeks: Saturdays in a row.
        seen: Whether the volume of each is known.

    Raises:
        ValueError: If the weeks are not Saturdays between 1980 and 2079.
    """
    names = []
    for name, column in _holiday_columns(weeks).items():
        occasions = np.flatnonzero(seen & (column > 0.0))
        if len(occasions) and 1 + np.sum(np.diff(occasions) > _APART) >= FEWEST_OCCASIONS:
            names.append(name)
    return names


def regressor_column(name: str) -> str:
    """The column of a further regressor."""
    return f"{PROMOTION if name == PROMOTION else 'other'}.{name}"


def wave_number(column: str) -> int:
    """How often in a season the wave of a Fourier term repeats."""
    return int(column.partition(".")[2][3:])


def design_matrix(
    names: Sequence[str], weeks: Weeks, season: int, regressors: Mapping[str, FloatArray]
) -> FloatArray:
    """The columns of a regression.

    Args:
        names: Of the columns, as the functions above give them.
        weeks: Saturdays in a row, shape (n,).
        season: Weeks in a season.
        regressors: Further regressors by their columns' names, each of shape (n,).

    Returns:
        Shape (n, columns).
    """
    groups = {group_of(name) for name in names}
    columns = dict(regressors)
    if "season" in groups:
        every = season_names(season)
        terms = fourier((weeks - _FIRST_WEEK) / WEEK, season, min(season // 2, MOST_PAIRS))
        columns |= dict(zip(every, terms.T, strict=True))
    if "holidays" in groups:
        columns |= _holiday_columns(weeks)
    if not names:
        return np.empty((len(weeks), 0))
    return np.stack([columns[name] for name in names], axis=1)


def _holiday_columns(weeks: Weeks) -> dict[str, FloatArray]:
    first, last = weeks[0], weeks[-1]
    if first < _FIRST_WEEK or last > _LAST_WEEK or (first - _FIRST_WEEK) % WEEK:
        raise ValueError(f"The calendar has no weeks that end from {first} to {last}.")
    begin = int((first - _FIRST_WEEK) // WEEK)
    return {name: column[begin : begin + len(weeks)] for name, column in _calendar().items()}


@cache
def _calendar() -> dict[str, FloatArray]:
    """All windows of a hundred years: made once a process, since feasts take time to look up."""
    # Only here: importing a model family should not cost the time of the libraries behind it.
    from book_forecast.series.calendar import REGRESSORS, calendar_weeks

    table = calendar_weeks(pd.Timestamp(_FIRST_WEEK), pd.Timestamp(_LAST_WEEK), weeks_ahead=0)
    return {f"holidays.{name}": table[name].to_numpy(dtype=np.float64) for name in REGRESSORS}
