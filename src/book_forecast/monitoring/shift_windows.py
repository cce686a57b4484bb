"""Windows of weeks after cutoffs: what titles sold in them, beside what was forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd

from book_forecast.series.history import WEEK, FloatArray

HALF_YEAR = 26
"""Weeks before a cutoff whose mean level a window is held against too."""
HALF = 0.5
"""Copies that are added, so that none has a logarithm."""

FEWEST_KNOWN = 0.5
"""Share of a window's weeks without which it says nothing."""

COLUMNS = ["isbn", "cutoff", "sold", "expected", "known", "ratio", "longer", "share", "scatter"]
Grid = dict[pd.Timestamp, FloatArray]


def window_ratios(forecasts: pd.DataFrame, known: pd.DataFrame, window: int) -> pd.DataFrame:
    """Return what titles sold in the first weeks after a cutoff, beside their forecast.

    The forecast of another cutoff, up to half a year before, knows the season of the same weeks.
    Moved to the level of all weeks that were sold in between, it is a second reference, which a
    few weeks of chance move less than the newest forecast.

    A week that a delivery lacks costs that week alone: all columns are of the known weeks.

    Args:
        forecasts: isbn, cutoff, week, mean, of one or several cutoffs; of rows for the same week
            the last counts.
        known: isbn, week, volume, without missing weeks.
        window: Weeks after the cutoff; titles that lack more than half of them have no row.

    Returns:
        isbn, cutoff, sold, expected, known (the share of the window's weeks), ratio (the logarithm
        of sold over expected), longer, share and scatter. longer is the logarithm of the second
        reference over what is expected, share the part of half a year that it is made of; 0 without
        one. scatter is the variance of weeks within the window beside their forecast, whatever its
        level, over their squared mean.
    """
    isbns = pd.Index(forecasts["isbn"].unique(), name="isbn")
    means = _means(forecasts, isbns, HALF_YEAR + window)
    weeks = _weeks(known, isbns)
    return grid_windows(means, weeks, isbns, window)


def grid_windows(means: Grid, weeks: Grid, isbns: pd.Index, window: int) -> pd.DataFrame:
    """Return the same of forecasts and sales by title.

    Args:
        means: By cutoff, the forecasts of the weeks ahead, shape (titles, ahead); NaN is none.
        weeks: By week, the copies sold, shape (titles,); NaN is not known.
        isbns: The titles.
        window: Weeks after the cutoff.
    """
    found = [_one(cutoff, means, weeks, isbns, window) for cutoff in sorted(means)]
    if not found:
        numbers = dict.fromkeys(COLUMNS[2:], "float64")
        types = {"isbn": "str", "cutoff": "datetime64[us]"} | numbers
        return pd.DataFrame(columns=COLUMNS).astype(types)
    return pd.concat(found, ignore_index=True)[COLUMNS]


def _one(
    cutoff: pd.Timestamp, means: Grid, weeks: Grid, isbns: pd.Index, window: int
) -> pd.DataFrame:
    """Return the windows of a cutoff."""
    volumes = _sold(weeks, cutoff, window, len(isbns))
    in_window = np.isfinite(volumes)
    ahead = _where(in_window, means[cutoff][:, :window])
    volumes, known = _where(in_window, volumes), in_window.mean(axis=1)
    expected, sold = ahead.sum(axis=1), volumes.sum(axis=1)
    ratio = np.where(known >= FEWEST_KNOWN, _log(sold) - _log(expected), np.nan)
    longer, share = np.full(len(isbns), np.nan), np.zeros(len(isbns))
    first = cutoff - pd.Timedelta(HALF_YEAR * WEEK)
    # The farthest cutoff that a title has; few titles have others than most.
    for base in sorted(day for day in means if first <= day < cutoff):
        rows = np.flatnonzero(np.isnan(longer) & np.isfinite(ratio))
        if not len(rows):
            break
        since = round((cutoff - base) / pd.Timedelta(WEEK))
        then, between = means[base][rows], _sold(weeks, base, since, len(isbns))[rows]
        is_known = np.isfinite(between) & np.isfinite(then[:, :since])
        level = _log(np.sum(between, axis=1, where=is_known))
        level = level - _log(np.sum(then[:, :since], axis=1, where=is_known))
        after = _where(in_window[rows], then[:, since : since + window])
        reference = _log(after.sum(axis=1)) + level
        longer[rows] = reference - _log(expected[rows])
        share[rows] = np.where(np.isfinite(longer[rows]), is_known.sum(axis=1) / HALF_YEAR, 0.0)
    longer = np.nan_to_num(longer)
    values = {"sold": sold, "expected": expected, "known": known, "ratio": ratio}
    values |= {"longer": longer, "share": share, "scatter": _scatter(volumes, ahead, in_window)}
    whole = np.isfinite(ratio)
    columns = {name: value[whole] for name, value in values.items()}
    return pd.DataFrame({"isbn": isbns[whole], "cutoff": cutoff, **columns})


def _scatter(volumes: FloatArray, ahead: FloatArray, in_window: np.ndarray) -> FloatArray:
    """Return the variance of weeks beside their share of the window, by Pearson's statistic."""
    n = np.maximum(in_window.sum(axis=1, keepdims=True), 1)
    shares = np.maximum(ahead, 0.0) + HALF / n
    shares = _where(in_window, shares)
    usual = shares / shares.sum(axis=1, keepdims=True) * volumes.sum(axis=1, keepdims=True)
    usual = np.maximum(usual, HALF / n)
    apart = _where(in_window, (volumes - usual) ** 2 / usual)
    pearson = apart.sum(axis=1) / np.maximum(n[:, 0] - 1, 1)
    return np.asarray(pearson / (_where(in_window, usual).sum(axis=1) / n[:, 0]))


def _where(in_window: np.ndarray, values: FloatArray) -> FloatArray:
    """Return values of the known weeks, and 0 in the others."""
    return np.where(in_window, values, 0.0)


def _log(copies: FloatArray) -> FloatArray:
    return np.asarray(np.log(np.maximum(copies, 0.0) + HALF))


def _means(forecasts: pd.DataFrame, isbns: pd.Index, most: int) -> Grid:
    """Return the forecasts of each cutoff by title and week ahead, NaN where there is none."""
    ahead = (forecasts["week"] - forecasts["cutoff"]).to_numpy() // WEEK - 1
    near = (ahead >= 0) & (ahead < most)
    titles = isbns.get_indexer(pd.Index(forecasts["isbn"]))
    values = forecasts["mean"].to_numpy(dtype=np.float64)
    numbers, cutoffs = pd.factorize(forecasts["cutoff"])
    grid = np.full((len(cutoffs), len(isbns), most), np.nan)
    grid[numbers[near], titles[near], ahead[near]] = values[near]
    return dict(zip(pd.DatetimeIndex(cutoffs), grid, strict=True))


def _weeks(known: pd.DataFrame, isbns: pd.Index) -> Grid:
    """Return the copies of each week by title, NaN where they are not known."""
    titles = isbns.get_indexer(pd.Index(known["isbn"]))
    numbers, days = pd.factorize(known["week"])
    grid = np.full((len(days), len(isbns)), np.nan)
    used = titles >= 0
    grid[numbers[used], titles[used]] = known["volume"].to_numpy(dtype=np.float64)[used]
    return dict(zip(pd.DatetimeIndex(days), grid, strict=True))


def _sold(weeks: Grid, cutoff: pd.Timestamp, n: int, titles: int) -> FloatArray:
    """Return the copies of the weeks after a cutoff, shape (titles, n)."""
    days = [cutoff + pd.Timedelta(step * WEEK) for step in range(1, n + 1)]
    missing = np.full(titles, np.nan)
    return np.stack([weeks.get(day, missing) for day in days], axis=1)
