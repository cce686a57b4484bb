"""Titles whose forecasts have become worse beside seasonal naive's than they were when chosen.

Both sides are ratios of mean absolute errors, the title's own over those of seasonal naive on the
same weeks, as far ahead. The ratio before is that of forecasts at rolling origins, the ratio since
that of recorded forecasts after the title's training. A small title's ratio varies widely by
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
    """Compare each title's errors since its training with those before.

    Args:
        before: isbn, week, error, naive_error at rolling origins, as `weekly_errors` returns them.
        since: The same of recorded forecasts after the title's training.

    Returns:
        A row per title of `since`: isbn, weeks since, ratio_before, ratio_since, degradation (the
        share by which the ratio has grown) and p_value, one-sided; NaN where either side has fewer
        than two weeks or no errors.
    """
    early, late = _ratios(before), _ratios(since)
    both = late.add_suffix("_since").join(early.add_suffix("_before"), how="left")
    change = (both["log_since"] - both["log_before"]).to_numpy(dtype=float)
    parts = {side: both[f"variance_{side}"].to_numpy(dtype=float) for side in ("since", "before")}
    counts = {side: both[f"n_{side}"].to_numpy(dtype=float) for side in ("since", "before")}
    variance = parts["since"] + parts["before"]
    # Welch and Satterthwaite's degrees of freedom.
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = variance**2 / sum(parts[side] ** 2 / (counts[side] - 1.0) for side in parts)
        p_values = np.asarray(student.sf(change / np.sqrt(variance), freedom))
    found = pd.DataFrame(
        {
            "isbn": both.index,
            "weeks": both["n_since"].to_numpy(),
            "ratio_before": np.exp(both["log_before"]).to_numpy(),
            "ratio_since": np.exp(both["log_since"]).to_numpy(),
            "degradation": np.expm1(change),
            "p_value": p_values,
        }
    )
    return found.sort_values("isbn", ignore_index=True).astype(DEGRADATION_TYPES)


def _ratios(errors: pd.DataFrame) -> pd.DataFrame:
    """Return the logarithm of the ratio of means by title, its variance, and the weeks."""
    grouped = errors.groupby("isbn")[["error", "naive_error"]]
    means, counts = grouped.mean(), grouped.size()
    positive = means.where(means > 0.0)
    of_row = positive.loc[errors["isbn"]].to_numpy()
    relative = errors[["error", "naive_error"]].to_numpy() / of_row
    deviation = pd.Series((relative[:, 0] - relative[:, 1]) ** 2, index=pd.Index(errors["isbn"]))
    n = counts.where(counts > 1)
    variance = deviation.groupby(level=0).sum(min_count=1) / (n * (n - 1.0))
    log = np.log(positive["error"] / positive["naive_error"])
    return pd.DataFrame(
        {"log": log, "variance": variance.where(variance > 0.0), "n": counts}, index=means.index
    )
