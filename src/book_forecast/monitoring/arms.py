"""The arms of a challenge beside the sales that followed: champion and challenger."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import pandas as pd

from book_forecast.monitoring.paired_test import Evidence, evidence

WEEKS: dict[str, str] = {
    **dict.fromkeys(("cutoff", "week"), "datetime64[us]"),
    **dict.fromkeys(("weeks", "titles"), "int64"),
    **dict.fromkeys(("sold", "champion_error", "challenger_error"), "float64"),
    **dict.fromkeys(("difference", "scale", "evidence_win", "evidence_lose"), "float64"),
}
"""Columns of the table of compared weeks."""
SERVED: dict[str, str] = {
    **dict.fromkeys(("arm", "release"), "str"),
    **dict.fromkeys(("titles", "answers", "n"), "int64"),
    **dict.fromkeys(("sold", "wape", "bias"), "float64"),
}
"""Columns of the table of served forecasts."""
_LEAST_SCALE = 0.02
_HELD_ROWS = 500_000
"""Rows of served forecasts that are held before equal ones are removed."""


@dataclass(frozen=True)
class Pair:
    """Forecasts of both arms from the same cutoff.

    Attributes:
        cutoff: Last week that they knew.
        champion: isbn, week, mean.
        challenger: The same.
    """

    cutoff: pd.Timestamp
    champion: pd.DataFrame
    challenger: pd.DataFrame


def compare_weeks(pairs: Iterable[Pair], known: pd.DataFrame) -> pd.DataFrame:
    """Return the differences of the arms, a row for each cutoff whose next weeks are known.

    A week is forecast from the last cutoff before it. Weeks that follow the same cutoff, where a
    run was left out, count as one: what is known after the first cannot be used for the second.
    Absolute errors of two forecasts differ by no more than the forecasts do, so that the sum of
    these differences bounds a week's difference by -1 and 1, and is known before the week.

    Args:
        pairs: Forecasts by cutoff, the earliest first.
        known: isbn, week, volume: weeks with known sales.

    Returns:
        Columns of `WEEKS` without the evidence: `week` is the last one, `difference` the
        champion's error less the challenger's as a share of what both differ by, and `scale` the
        size of a difference if titles were independent of each other.
    """
    rows = []
    newest = known["week"].max()
    # Two at a time: a large catalogue's forecasts of a year would fill the memory.
    for pair, following in pairwise(chain(pairs, [None])):
        if pair is None:
            continue
        last = newest if following is None else following.cutoff
        both = pair.champion.merge(
            pair.challenger, on=["isbn", "week"], suffixes=("", "_challenger")
        )
        both = both[(both["week"] > pair.cutoff) & (both["week"] <= last)]
        both = both.merge(known[["isbn", "week", "volume"]], on=["isbn", "week"])
        if len(both):
            rows.append({"cutoff": pair.cutoff, **_difference(both)})
    columns = [name for name in WEEKS if not name.startswith("evidence")]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({name: WEEKS[name] for name in columns})


def _difference(both: pd.DataFrame) -> dict[str, object]:
    ours, theirs = both["mean"].to_numpy(float), both["mean_challenger"].to_numpy(float)
    sold = both["volume"].to_numpy(float)
    errors = np.abs(ours - sold), np.abs(theirs - sold)
    apart = np.abs(ours - theirs)
    by_title = pd.Series(apart).groupby(both["isbn"].to_numpy()).sum().to_numpy()
    whole = apart.sum()
    return {
        "week": both["week"].max(),
        "weeks": both["week"].nunique(),
        "titles": both["isbn"].nunique(),
        "sold": sold.sum(),
        "champion_error": errors[0].sum(),
        "challenger_error": errors[1].sum(),
        "difference": (errors[0].sum() - errors[1].sum()) / whole if whole > 0 else 0.0,
        "scale": math.sqrt((by_title**2).sum()) / whole if whole > 0 else np.nan,
    }


def weigh(weeks: pd.DataFrame, error: float) -> tuple[pd.DataFrame, Evidence]:
    """Return the compared weeks with the evidence after each, and the evidence.

    Args:
        weeks: As `compare_weeks` returns them.
        error: Probability that two equally good releases ever get a verdict.
    """
    # Weeks in which both forecast the same say nothing.
    differ = weeks["scale"].notna().to_numpy()
    scales = weeks.loc[differ, "scale"]
    scale = max(float(scales.iloc[0]), _LEAST_SCALE) if len(scales) else 1.0
    found = evidence(weeks.loc[differ, "difference"].to_numpy(float), scale, error)
    table = weeks.copy()
    for name, values in (("evidence_win", found.win), ("evidence_lose", found.lose)):
        table[name] = np.nan
        table.loc[differ, name] = values
        table[name] = table[name].ffill().fillna(1.0)
    return table.astype(WEEKS), found


def score_served(tables: Iterable[pd.DataFrame], known: pd.DataFrame) -> pd.DataFrame:
    """Return what the service has served, and its errors, by arm and release.

    Args:
        tables: isbn, week, ahead, mean, arm, release of served forecasts, a row a week.
        known: isbn, week, volume: weeks with known sales.

    Returns:
        Columns of `SERVED`: distinct titles, answers, and errors over distinct forecasts of weeks
        that are known by now.
    """
    by = ["arm", "release"]
    distinct, counts = _distinct(tables)
    if distinct is None:
        return pd.DataFrame(columns=list(SERVED)).astype(SERVED)
    answers = pd.DataFrame(
        [(*key, number) for key, number in counts.items()], columns=[*by, "answers"]
    )
    rows = distinct.merge(known[["isbn", "week", "volume"]], on=["isbn", "week"])
    error = rows["mean"] - rows["volume"]
    sums = rows.assign(n=1, sold=rows["volume"], error=error, size=error.abs())
    sums = sums.groupby(by, as_index=False)[["n", "sold", "error", "size"]].sum()
    titles = distinct.groupby(by, as_index=False).agg(titles=("isbn", "nunique"))
    found = titles.merge(answers, on=by, how="left")
    found = found.merge(sums, on=by, how="left").fillna(
        {"answers": 0, "n": 0, "sold": 0.0, "error": 0.0, "size": 0.0}
    )
    sold = found["sold"].where(found["sold"] > 0)
    found = found.assign(wape=found["size"] / sold, bias=found["error"] / sold)
    return found[list(SERVED)].astype(SERVED)


def _distinct(
    tables: Iterable[pd.DataFrame],
) -> tuple[pd.DataFrame | None, Counter[tuple[str, str]]]:
    """Return the distinct forecasts, and the answers by arm and release; None without any table.

    A service answers the same again and again: the memory is that of distinct forecasts.
    """
    keys = ["arm", "release", "isbn", "week", "mean"]
    held: list[pd.DataFrame] = []
    answers: Counter[tuple[str, str]] = Counter()
    n_rows, most = 0, _HELD_ROWS
    for table in tables:
        first = table[table["ahead"] == 1]
        answers.update(zip(first["arm"], first["release"], strict=True))
        held.append(table[keys].drop_duplicates())
        n_rows += len(held[-1])
        if n_rows > most:
            held = [pd.concat(held, ignore_index=True).drop_duplicates(ignore_index=True)]
            n_rows = len(held[0])
            most = max(_HELD_ROWS, 2 * n_rows)
    if not held:
        return None, answers
    return pd.concat(held, ignore_index=True).drop_duplicates(), answers
