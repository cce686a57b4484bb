"""Errors of recorded forecasts on the weeks that have arrived since, added up by title and week."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from book_forecast.series.history import WEEK, YEAR

HORIZONS = {"1 to 4": (1, 4), "5 to 13": (5, 13), "14 and more": (14, 104)}
"""Bands of weeks ahead, with the first and the last week of each."""
SUMS = ("n", "sold", "error", "absolute_error", "naive_n", "naive_sold", "naive_error")
"""Columns that add up: weeks, copies sold, errors; the same of weeks with a seasonal naive."""


def known_weeks(sales: pd.DataFrame, first: pd.Timestamp | None = None) -> pd.DataFrame:
    """Return weeks with the sales of a year before.

    Args:
        sales: isbn, week, volume: a full weekly grid a title; NaN where the week is missing.
        first: The first of the weeks; all of them without one.

    Returns:
        isbn, week, volume, naive: the known weeks; naive is NaN where it is not known.
    """
    known = sales.loc[sales["volume"].notna(), ["isbn", "week", "volume"]]
    before = known.rename(columns={"volume": "naive"})
    if first is not None:
        before = before[before["week"] >= first - YEAR * WEEK]
        known = known[known["week"] >= first]
    before = before.assign(week=before["week"] + YEAR * WEEK)
    return known.merge(before, on=["isbn", "week"], how="left")


def forecast_errors(
    forecasts: pd.DataFrame, known: pd.DataFrame, levels: Sequence[int | float]
) -> pd.DataFrame:
    """Return the errors of forecasts of one cutoff.

    Args:
        forecasts: isbn, week, cutoff, release, mean, `lo-L` and `hi-L`.
        known: As `known_weeks` returns it.
        levels: Levels of the intervals that the forecasts have.

    Returns:
        isbn, release, cutoff, week, horizon (a name of `HORIZONS`), `SUMS` and `inside-L` of each
        level, a row a title and week. The naive ones are those of seasonal naive, `naive_error`
        absolute, on the weeks where it is known.
    """
    rows = forecasts.merge(known, on=["isbn", "week"], validate="many_to_one")
    ahead = (rows["week"] - rows["cutoff"]).dt.days.to_numpy() // 7
    error = (rows["mean"] - rows["volume"]).to_numpy(dtype=float)
    has_naive = rows["naive"].notna().to_numpy()
    naive_error = np.where(has_naive, np.abs(rows["naive"] - rows["volume"]), 0.0)
    starts = np.array([first for first, _ in HORIZONS.values()])
    names = np.array(list(HORIZONS))
    found = rows[["isbn", "release", "cutoff", "week"]].assign(
        horizon=names[np.searchsorted(starts, ahead, side="right") - 1],
        n=1,
        sold=rows["volume"].astype(float),
        error=error,
        absolute_error=np.abs(error),
        naive_n=has_naive.astype(int),
        naive_sold=np.where(has_naive, rows["volume"], 0.0),
        naive_error=naive_error,
    )
    for level in levels:
        lower, upper = rows[f"lo-{level}"], rows[f"hi-{level}"]
        found[f"inside-{level}"] = rows["volume"].between(lower, upper).astype(int)
    return found


def added_up(errors: Iterable[pd.DataFrame], keys: Sequence[str]) -> pd.DataFrame:
    """Return the sums of `forecast_errors` by some of its columns."""
    parts = [
        frame.groupby(list(keys), as_index=False, sort=False)[_summed(frame)].sum()
        for frame in errors
    ]
    if not parts:
        return pd.DataFrame(columns=[*keys, *SUMS])
    whole = pd.concat(parts, ignore_index=True)
    return whole.groupby(list(keys), as_index=False)[_summed(whole)].sum()


def measures(sums: pd.DataFrame, levels: Sequence[int | float]) -> pd.DataFrame:
    """Return the measures of rows of sums.

    Returns:
        wape; bias (forecast minus sold, as a share of the copies sold); naive_wape and ratio (WAPE
        over seasonal naive's on the weeks where that is known; above 1 is worse); `coverage-L` as
        shares. NaN where nothing was sold or is known.
    """
    sold = sums["sold"].where(sums["sold"] > 0)
    naive_sold = sums["naive_sold"].where(sums["naive_sold"] > 0)
    naive_wape = sums["naive_error"] / naive_sold
    wape = sums["absolute_error"] / sold
    found: dict[str, pd.Series] = {
        "wape": wape,
        "bias": sums["error"] / sold,
        "naive_wape": naive_wape,
        "ratio": wape / naive_wape.where(naive_wape > 0),
    }
    for level in levels:
        found[f"coverage-{level}"] = sums[f"inside-{level}"] / sums["n"].where(sums["n"] > 0)
    return pd.DataFrame(found, index=sums.index)


def tracking_signal(errors: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the tracking signal of each group (Trigg 1964): summed errors over their mean size.

    Args:
        errors: `keys`, cutoff and error, a row a cutoff.
        keys: Columns of the groups.

    Returns:
        `keys` and tracking_signal: between minus and plus the number of cutoffs. Beyond 4 or so the
        forecasts are too high (above) or too low (below) time and again.
    """
    grouped = errors.assign(size=errors["error"].abs()).groupby(list(keys), as_index=False)
    found = grouped.agg(error=("error", "sum"), size=("size", "mean"))
    found["tracking_signal"] = found["error"] / found["size"].where(found["size"] > 0)
    return found.drop(columns=["error", "size"])


def levels_of(forecasts: pd.DataFrame) -> list[int | float]:
    """Return the interval levels that a frame of forecasts has."""
    texts = [name.removeprefix("lo-") for name in forecasts.columns if name.startswith("lo-")]
    return [float(text) if "." in text else int(text) for text in texts]


def _summed(frame: pd.DataFrame) -> list[str]:
    return [*SUMS, *(name for name in frame.columns if name.startswith("inside-"))]
