"""Measures of recorded forecasts by title, class, horizon and release, and their state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from book_forecast.monitoring.delivery import Check
from book_forecast.monitoring.errors import HORIZONS, added_up, measures, tracking_signal
from book_forecast.series.history import ALL_TITLES

NEAREST = next(iter(HORIZONS))
"""The horizon that the measures of a title, class and release are of."""
GROUPS = {"all": None, "release": "release", "product_class": "product_class", "title": "isbn"}
"""Groups of the measures beside the horizons, and the column that names them."""
Verdict = Literal["ok", "degraded", "broken", "new"]

_FEWEST_WEEKS = 4


def score_groups(
    sums: pd.DataFrame, classes: Mapping[str, str | None], levels: Sequence[int | float]
) -> pd.DataFrame:
    """Return the measures of every group.

    Args:
        sums: isbn, release, week, horizon and the columns of `errors.SUMS`, `inside-L`.
        classes: Product class by ISBN.
        levels: Interval levels in percent.

    Returns:
        by, name, weeks, titles, n, sold, `errors.measures` and tracking_signal. Those by horizon
        are over all titles; others are of 1 to 4 weeks ahead.
    """
    near = sums[sums["horizon"] == NEAREST].assign(all=ALL_TITLES)
    near["product_class"] = near["isbn"].map(classes).astype("object").fillna("")
    found = [
        _scored(near, by, by if column is None else column, levels) for by, column in GROUPS.items()
    ]
    found.insert(1, _scored(sums, "horizon", "horizon", levels))
    return pd.concat(found, ignore_index=True)


def score_weeks(sums: pd.DataFrame, levels: Sequence[int | float]) -> pd.DataFrame:
    """Return the measures of every week and horizon, over all titles: week, horizon, n, ..."""
    rows = added_up([sums], ["week", "horizon"])
    return pd.concat([rows[["week", "horizon", "n", "sold"]], measures(rows, levels)], axis=1)


def _scored(
    sums: pd.DataFrame, by: str, column: str, levels: Sequence[int | float]
) -> pd.DataFrame:
    rows = added_up([sums], [column])
    counts = sums.groupby(column, as_index=False).agg(
        weeks=("week", "nunique"), titles=("isbn", "nunique")
    )
    signal = tracking_signal(added_up([sums], [column, "week"]), [column])
    rows = rows.merge(counts, on=column).merge(signal, on=column)
    head = pd.DataFrame({"by": by, "name": rows[column].astype("str")})
    facts = rows[["weeks", "titles", "n", "sold"]]
    return pd.concat([head, facts, measures(rows, levels), rows[["tracking_signal"]]], axis=1)


@dataclass(frozen=True)
class Limits:
    """Where forecasts count as degraded; `MonitorOptions` has the defaults.

    Attributes:
        max_naive_ratio: WAPE over seasonal naive's.
        coverage_margin: How far coverage may be off the level of an interval.
        tracking_signal: Size of the tracking signal over all titles.
        alarm_rate: Share of titles without a shift that may be alarmed.
    """

    max_naive_ratio: float
    coverage_margin: float
    tracking_signal: float
    alarm_rate: float


def state_of(
    scores: pd.DataFrame,
    shifts: pd.DataFrame,
    checks: Sequence[Check],
    limits: Limits,
) -> dict[str, Any]:
    """Return the state of forecasts and delivery.

    Returns:
        state ("broken" where the delivery must not be used, "degraded" where forecasts or titles
        want a look, "new" before the first recorded forecast has met sales, otherwise "ok"),
        problems (sentences), metrics (numbers by name) and releases (a line each).
    """
    whole = scores[scores["by"] == "all"]
    problems = [f"Delivery: {c.message}" for c in checks if c.state != "ok"]
    metrics: dict[str, float] = {
        "titles_tested": float(shifts["p_value"].notna().sum()),
        "titles_shifted": float(shifts["shifted"].sum()),
        "checks_not_ok": float(len(problems)),
    }
    degraded = []
    if len(whole):
        row = whole.iloc[0]
        names = [n for n in scores.columns if n not in ("by", "name") and pd.notna(row[n])]
        metrics |= {name.replace("-", "_"): float(row[name]) for name in names}
        degraded = _degraded(row, limits)
    degraded += _degraded_releases(scores[scores["by"] == "release"], limits)
    degraded += _shifted(shifts, limits)
    verdict: Verdict = "ok" if len(whole) else "new"
    if any(check.state == "broken" for check in checks):
        verdict = "broken"
    elif degraded or problems:
        verdict = "degraded"
    releases = {
        str(row["name"]): _line(row) for row in scores[scores["by"] == "release"].to_dict("records")
    }
    return {
        "state": verdict,
        "problems": [*problems, *degraded],
        "metrics": metrics,
        "releases": releases,
    }


def _degraded(row: pd.Series, limits: Limits) -> list[str]:
    if row["weeks"] < _FEWEST_WEEKS:
        return []
    found = _wrong("Forecasts", row, limits)
    for name in [name for name in row.index if name.startswith("coverage-")]:
        level = float(name.removeprefix("coverage-")) / 100
        if row[name] < level - limits.coverage_margin:
            found.append(f"Only {row[name]:.0%} of the weeks are inside the {level:.0%} interval.")
    return found


def _degraded_releases(releases: pd.DataFrame, limits: Limits) -> list[str]:
    """Return what is wrong with the errors of single releases, where there are several.

    Weeks of one release share their surprises, so that its intervals are not judged alone.
    """
    if len(releases) < 2:
        return []
    enough = releases[releases["weeks"] >= _FEWEST_WEEKS]
    found = (_wrong(f"Forecasts of {row['name']}", row, limits) for _, row in enough.iterrows())
    return [problem for problems in found for problem in problems]


def _wrong(whose: str, row: pd.Series, limits: Limits) -> list[str]:
    found = []
    if row["ratio"] > limits.max_naive_ratio:
        found.append(
            f"{whose} are worse than last year's same weeks: WAPE {row['wape']:.2f} against "
            f"{row['naive_wape']:.2f} over {row['weeks']} weeks."
        )
    if abs(row["tracking_signal"]) > limits.tracking_signal:
        side = "high" if row["tracking_signal"] > 0 else "low"
        found.append(
            f"{whose} are too {side} time and again: {abs(row['bias']):.0%} of the copies sold "
            f"over {row['weeks']} weeks."
        )
    return found


def _shifted(shifts: pd.DataFrame, limits: Limits) -> list[str]:
    tested, shifted = int(shifts["p_value"].notna().sum()), int(shifts["shifted"].sum())
    if not shifted:
        return []
    usual = limits.alarm_rate * tested
    # Beyond what chance alone alarms, by two standard deviations of a Poisson number.
    if shifted <= usual + 2 * usual**0.5:
        return []
    message = (
        f"{shifted} of {tested} titles sell more or less than their forecasts by more than chance "
        f"explains; by chance alone it would be {usual:.1f}."
    )
    return [message]


def _line(row: Mapping[Any, Any]) -> str:
    beside = f", seasonal naive {row['naive_wape']:.2f}" if pd.notna(row["naive_wape"]) else ""
    return (
        f"{row['titles']} titles over {row['weeks']} weeks, 1 to 4 weeks ahead: WAPE "
        f"{row['wape']:.2f}{beside}, bias {row['bias']:+.0%}"
    )


def is_broken(status: Mapping[str, Any]) -> bool:
    """Return whether the newest delivery must not be used.

    Args:
        status: As `state_of` returns it.
    """
    return bool(status["state"] == "broken")
