"""Columns of a regression by name: Fourier terms, calendar windows, promotions, other covariates.

A column's name is `group.name`, such as `season.cos2`, `holidays.easter` or `other.price`. Season
and holidays follow from name and weeks, so that a fitted model stores names only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.series.history import PROMOTION, WEEK, FloatArray
from book_forecast.series.seasonality import fourier

DesignWeeks = npt.NDArray[np.datetime64]

MOST_PAIRS = 12
# The effect of a window that opened in one year only is confounded with that year's events.
FEWEST_OCCASIONS = 2

_FIRST_WEEK = np.datetime64("1980-01-05")
_LAST_WEEK = np.datetime64("2079-12-30")
# Weeks between occasions of a window; a window is open for fewer.
_APART = 10


def group_of(column: str) -> str:
    """Return a column's group: season, holidays, promotion or other."""
    return column.partition(".")[0]


def season_names(season: int) -> list[str]:
    """Return the columns of a season's Fourier pairs, the slowest first; none for one week."""
    pairs = min(season // 2, MOST_PAIRS)
    names = [f"season.{wave}{k}" for k in range(1, pairs + 1) for wave in ("cos", "sin")]
    # The sine that changes its sign from week to week is zero in each of them.
    return names[:-1] if pairs and season == 2 * pairs else names


def holiday_names(weeks: DesignWeeks, seen: npt.NDArray[np.bool_]) -> list[str]:
    """Return the columns of the calendar's windows that opened at least twice in known weeks.

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


def covariate_column(name: str) -> str:
    """Return the column of a covariate."""
    return f"{PROMOTION if name == PROMOTION else 'other'}.{name}"


def wave_number(column: str) -> int:
    """Return how often a Fourier term repeats in a season."""
    return int(column.partition(".")[2][3:])


def design_matrix(
    names: Sequence[str], weeks: DesignWeeks, season: int, covariates: Mapping[str, FloatArray]
) -> FloatArray:
    """Return the columns of a regression.

    Args:
        names: Of the columns, as the functions above give them.
        weeks: Saturdays in a row, shape (n,).
        season: Weeks in a season.
        covariates: Covariates by column, each of shape (n,).

    Returns:
        Shape (n, columns).
    """
    groups = {group_of(name) for name in names}
    columns = dict(covariates)
    if "season" in groups:
        every = season_names(season)
        terms = fourier((weeks - _FIRST_WEEK) / WEEK, season, min(season // 2, MOST_PAIRS))
        columns |= dict(zip(every, terms.T, strict=True))
    if "holidays" in groups:
        columns |= _holiday_columns(weeks)
    if not names:
        return np.empty((len(weeks), 0))
    return np.stack([columns[name] for name in names], axis=1)


def _holiday_columns(weeks: DesignWeeks) -> dict[str, FloatArray]:
    first, last = weeks[0], weeks[-1]
    if first < _FIRST_WEEK or last > _LAST_WEEK or (first - _FIRST_WEEK) % WEEK:
        raise ValueError(f"The calendar has no weeks that end from {first} to {last}.")
    begin = int((first - _FIRST_WEEK) // WEEK)
    return {name: column[begin : begin + len(weeks)] for name, column in _calendar().items()}


@cache
def _calendar() -> dict[str, FloatArray]:
    """Return all windows of a hundred years; computed once per process, as it takes time."""
    # Imported here, as the libraries of the calendar are slow to import.
    from book_forecast.series.calendar import calendar_weeks

    table = calendar_weeks(pd.Timestamp(_FIRST_WEEK), pd.Timestamp(_LAST_WEEK), weeks_ahead=0)
    columns = table.drop(columns="week").astype("float64")
    return {f"holidays.{name}": columns[name].to_numpy() for name in columns}
