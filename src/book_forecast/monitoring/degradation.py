"""Titles whose forecasts have become worse beside seasonal naive's than they were when chosen.

Both sides are ratios of mean absolute errors, the title's own over those of seasonal naive on the
same weeks, as far ahead. The ratio before is that of forecasts at the rolling origins of its
tuning, the ratio since that of recorded forecasts after it. A small title's ratio varies widely by
chance: the logarithm of one over the other is held against its standard error, from the spread
over weeks.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import t as student

from book_forecast.series.history import WEEK

NEAREST_WEEKS = 4
"""Weeks ahead that count: each week has as many forecasts of recent runs."""
RATIO_TYPES = {"log_ratio": "float64", "log_ratio_variance": "float64", "ratio_weeks": "float64"}
DEGRADATION_TYPES = {
    "isbn": "str",
    "weeks": "int64",
    "ratio_before": "float64",
    "ratio_since": "float64",
    "degradation": "float64",
    "p_value": "float64",
}


def weekly_errors(forecasts: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return a title's mean absolute errors of the next weeks, a row a title and week.

    Args:
        forecasts: isbn, cutoff, week, mean.
        known: isbn, week, volume, naive, as `errors.known_weeks` returns them.

    Returns:
        isbn, week, error, naive_error: of the weeks where both are known.
    """
    ahead = forecasts["week"] - forecasts["cutoff"]
    near = forecasts.loc[ahead <= pd.Timedelta(NEAREST_WEEKS * WEEK), ["isbn", "week", "mean"]]
    rows = near.merge(known.dropna(subset=["volume", "naive"]), on=["isbn", "week"])
    rows = rows.assign(
        error=(rows["mean"] - rows["volume"]).abs(),
        naive_error=(rows["naive"] - rows["volume"]).abs(),
    )
    return rows.groupby(["isbn", "week"], as_index=False)[["error", "naive_error"]].mean()


def measure_degradation(before: pd.DataFrame, since: pd.DataFrame) -> pd.DataFrame:
    """Compare each title's errors since its tuning with those before.

    Args:
        before: Those at the rolling origins, as `error_ratios` returns them.
        since: Those of recorded forecasts after the title's tuning.

    Returns:
        A row per title of `since`: isbn, weeks since, ratio_before, ratio_since, degradation (the
        share by which the ratio has grown) and p_value, one-sided; NaN where either side has fewer
        than two weeks or no errors.
    """
    both = since.add_suffix("_since").join(before.add_suffix("_before"), how="left")
    change = (both["log_ratio_since"] - both["log_ratio_before"]).to_numpy(dtype=float)
    sides = ("since", "before")
    parts = {side: both[f"log_ratio_variance_{side}"].to_numpy(dtype=float) for side in sides}
    counts = {side: both[f"ratio_weeks_{side}"].to_numpy(dtype=float) for side in sides}
    variance = parts["since"] + parts["before"]
    # Welch and Satterthwaite's degrees of freedom.
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = variance**2 / sum(parts[side] ** 2 / (counts[side] - 1.0) for side in parts)
        p_values = np.asarray(student.sf(change / np.sqrt(variance), freedom))
    found = pd.DataFrame(
        {
            "isbn": both.index,
            "weeks": both["ratio_weeks_since"].to_numpy(),
            "ratio_before": np.exp(both["log_ratio_before"]).to_numpy(),
            "ratio_since": np.exp(both["log_ratio_since"]).to_numpy(),
            "degradation": np.expm1(change),
            "p_value": p_values,
        }
    )
    return found.sort_values("isbn", ignore_index=True).astype(DEGRADATION_TYPES)


def error_ratios(errors: pd.DataFrame) -> pd.DataFrame:
    """Return each title's errors beside seasonal naive's.

    Args:
        errors: isbn, week, error, naive_error, as `weekly_errors` returns them.

    Returns:
        `RATIO_TYPES` by isbn: the logarithm of the ratio of means, its variance (NaN where fewer
        than two weeks tell it), and the number of weeks.
    """
    grouped = errors.groupby("isbn")[["error", "naive_error"]]
    means, counts = grouped.mean(), grouped.size()
    positive = means.where(means > 0.0)
    of_row = positive.loc[errors["isbn"]].to_numpy()
    relative = errors[["error", "naive_error"]].to_numpy() / of_row
    deviation = pd.Series((relative[:, 0] - relative[:, 1]) ** 2, index=pd.Index(errors["isbn"]))
    n = counts.where(counts > 1)
    variance = deviation.groupby(level=0).sum(min_count=1) / (n * (n - 1.0))
    log = np.log(positive["error"] / positive["naive_error"])
    columns = (log, variance.where(variance > 0.0), counts)
    found = pd.DataFrame(dict(zip(RATIO_TYPES, columns, strict=True)), index=means.index)
    return found.astype(RATIO_TYPES)
