"""Nodes of the monitor pipeline: recorded forecasts beside sales, shifts, the newest delivery."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.monitoring.delivery import Check, DeliveryBounds, check_delivery
from book_forecast.monitoring.errors import (
    SUMS,
    added_up,
    forecast_errors,
    known_weeks,
    levels_of,
)
from book_forecast.monitoring.impossible_weeks import JUDGES
from book_forecast.monitoring.recorded import Partitions, Recorded, weekly_grid
from book_forecast.monitoring.shifts import find_shifts, window_ratios
from book_forecast.monitoring.summaries import Limits, score_groups, score_weeks, state_of
from book_forecast.options.groups import SelectionOptions
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.pipelines.monitor.arms import compare_arms
from book_forecast.series.history import WEEK

__all__ = [
    "check_newest_delivery",
    "compare_arms",
    "find_title_shifts",
    "score_recorded_forecasts",
    "summarise_monitoring",
]

logger = logging.getLogger(__name__)

_CUTOFFS = 26
"""Recorded cutoffs that say how titles vary, half a window apart: a year with a window of four."""
_FORECASTS: dict[str, Any] = {
    **dict.fromkeys(("week", "cutoff"), "datetime64[us]"),
    "isbn": "str",
    "mean": "float64",
}
_KEYS = ["isbn", "release", "week", "horizon"]


def score_recorded_forecasts(
    recorded_forecasts: Partitions | None,
    model_input: pd.DataFrame | None,
    release_weeks: pd.DataFrame | None,
    titles: pd.DataFrame | None,
    monitor: MonitorOptions,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Score the forecasts of the newest weeks that former runs have recorded.

    Args:
        recorded_forecasts: Tables by release and cutoff; None without any.
        model_input: isbn, week, volume.
        release_weeks: The same of the release's other titles.
        titles: isbn, product_class.
        monitor: The weeks to score.

    Returns:
        The measures by title, class, release and horizon, those by week, and what is wrong with
        records that are damaged, also those that no sales have met.
    """
    weeks = weekly_grid(model_input, release_weeks).dropna(subset="volume")
    recorded = Recorded.of(recorded_forecasts)
    newest = weeks["week"].max()
    tables = []
    levels: list[int | float] | None = None
    if pd.notna(newest):
        first = newest - (monitor.monitored_weeks - 1) * WEEK
        near = known_weeks(weeks, first)
        for forecasts in recorded.between(first - LONGEST_HORIZON * WEEK, newest - WEEK):
            own = levels_of(forecasts)
            errors = forecast_errors(forecasts, near, own)
            tables.append(added_up([errors], _KEYS))
            # A level that another run did not have counts none of that run's weeks.
            levels = own if levels is None else [level for level in levels if level in own]
        # No sales have met these; but checks of a newer delivery have read them.
        recorded.check_from(newest)
    levels = levels or []
    sums = added_up(tables, _KEYS)
    sums = sums.reindex(columns=[*_KEYS, *SUMS, *(f"inside-{level}" for level in levels)])
    classes = (
        {} if titles is None else dict(zip(titles["isbn"], titles["product_class"], strict=True))
    )
    if len(sums):
        logger.info(
            "Scored recorded forecasts of %d titles on %d weeks to %s",
            *(sums["isbn"].nunique(), sums["week"].nunique(), newest.date()),
        )
    else:
        logger.info("No recorded forecast has met sales yet: the next deliveries score them.")
    return score_groups(sums, classes, levels), score_weeks(sums, levels), recorded.damaged


def find_title_shifts(
    recorded_forecasts: Partitions | None,
    test_forecasts: pd.DataFrame | None,
    backtest_forecasts: pd.DataFrame | None,
    training_models: pd.DataFrame | None,
    model_input: pd.DataFrame | None,
    release_weeks: pd.DataFrame | None,
    monitor: MonitorOptions,
) -> pd.DataFrame:
    """Find titles whose sales have shifted beside the forecast of some weeks ago.

    Args:
        recorded_forecasts: Tables by release and cutoff; None without any.
        test_forecasts: Forecasts frame of the test weeks.
        backtest_forecasts: Forecasts frame of rolling origins, of the chosen model or of several.
        training_models: isbn, model: the chosen model of each title.
        model_input: isbn, week, volume.
        release_weeks: The same of the release's other titles.
        monitor: Window and alarm rate.

    Returns:
        As `find_shifts`; no row before a forecast was recorded that many weeks ago.
    """
    known = weekly_grid(model_input, release_weeks).dropna(subset="volume")
    recorded, window = Recorded.of(recorded_forecasts), monitor.shift_window
    newest = known["week"].max()
    latest = None if pd.isna(newest) else recorded.latest_until(newest - window * WEEK)
    if latest is None:
        logger.info("No recorded forecast is %d weeks old yet: no shift can be found.", window)
        none = window_ratios(pd.DataFrame(columns=[*_FORECASTS]).astype(_FORECASTS), known, window)
        return find_shifts(none, none, monitor.alarm_rate)
    cutoff, columns = latest[0], ["isbn", "cutoff", "week", "mean"]
    tables = []
    if training_models is not None:
        chosen = training_models[["isbn", "model"]]
        folds = [frame for frame in (test_forecasts, backtest_forecasts) if frame is not None]
        tables += [frame.merge(chosen, on=["isbn", "model"])[columns] for frame in folds]
    # A title of a fold may have the cutoff of a recorded forecast, which comes last and counts.
    step = max(window // 2, 1)
    own = (recorded.at(day) for day in recorded.spaced(cutoff, step, _CUTOFFS))
    tables += [table[columns] for table in own if table is not None]
    windows = window_ratios(pd.concat(tables, ignore_index=True), known, window)
    until = cutoff - window * WEEK
    newest_windows = windows[windows["cutoff"] == cutoff]
    past = windows[windows["cutoff"] <= until]
    found = find_shifts(newest_windows, past, monitor.alarm_rate, window)
    logger.info(
        "%d of %d titles have shifted in the %d weeks after %s",
        *(found["shifted"].sum(), len(found), window, cutoff.date()),
    )
    return found


def check_newest_delivery(
    weekly_sales: pd.DataFrame,
    model_input: pd.DataFrame | None,
    weeks_left_out: pd.DataFrame | None,
    recorded_forecasts: Partitions | None,
    selection: SelectionOptions,
    monitor: MonitorOptions,
    today: dt.date | None = None,
) -> pd.DataFrame:
    """Check the newest delivery of sales.

    Args:
        weekly_sales: isbn, week, volume, asp of the exports.
        model_input: isbn, week, volume of the titles in use; NaN where the week is missing.
        weeks_left_out: week, ratio of the weeks that preprocess has left out; None without any.
        recorded_forecasts: Tables by release and cutoff; None without any.
        selection: With a cutoff_date, the sales are meant to end early.
        monitor: Bounds of a usual delivery.
        today: The present day if not given.

    Returns:
        name, state (ok, warning, broken), value, bound, message.
    """
    recorded = Recorded.of(recorded_forecasts)
    left_out = pd.DataFrame(columns=["week", "ratio"]) if weeks_left_out is None else weeks_left_out
    expected = _expected(weekly_sales, recorded, set(left_out["week"]), monitor.volume_jump)
    bounds = DeliveryBounds(
        monitor.late_days,
        monitor.volume_jump,
        monitor.price_jumps,
        monitor.vanished,
        monitor.accepted_weeks,
        monitor.judged_weeks,
    )
    day = today or dt.datetime.now(tz=dt.UTC).date()
    is_meant = selection.cutoff_date is not None
    grid, checked_on = weekly_grid(model_input, None), None if is_meant else day
    checks = check_delivery(weekly_sales, grid, expected, left_out, bounds, checked_on)
    return pd.DataFrame([asdict(check) for check in checks])


def _expected(
    sales: pd.DataFrame,
    recorded: Recorded,
    left_out: Container[pd.Timestamp],
    volume_jump: float,
) -> pd.DataFrame:
    """Return the forecast of the newest week: the nearer of the two that preprocess asks."""
    newest = sales["week"].max()
    found = pd.DataFrame(columns=["isbn", "week", "mean"])
    if pd.isna(newest):
        return found
    latest, least = sales[sales["week"] == newest], np.inf
    for _, table in islice(recorded.until(newest - WEEK, left_out), JUDGES):
        rows = table.loc[table["week"] == newest, ["isbn", "week", "mean"]]
        copies = latest.loc[latest["isbn"].isin(rows["isbn"]), "volume"].sum()
        expected = rows["mean"].sum()
        distance = abs(np.log(copies / expected)) if copies > 0 and expected > 0 else np.inf
        if found.empty or distance < least:
            found, least = rows, distance
        if least <= np.log(volume_jump):
            break
    return found


def summarise_monitoring(
    monitor_scores: pd.DataFrame,
    title_shifts: pd.DataFrame,
    delivery_checks: pd.DataFrame,
    arm_test: Mapping[str, Any],
    damaged_records: Sequence[str],
    monitor: MonitorOptions,
) -> dict[str, Any]:
    """Return the state of forecasts and delivery, and report it.

    Args:
        monitor_scores: As `score_recorded_forecasts` returns them.
        title_shifts: As `find_title_shifts` returns them.
        delivery_checks: As `check_newest_delivery` returns them.
        arm_test: The state of the test of a challenger.
        damaged_records: What is wrong with recorded forecasts that could not be read.
        monitor: Where forecasts count as degraded.
    """
    checks = [Check(**_named(row)) for row in delivery_checks.to_dict("records")]
    limits = Limits(
        monitor.max_naive_ratio,
        monitor.coverage_margin,
        monitor.tracking_signal,
        monitor.alarm_rate,
    )
    status = state_of(monitor_scores, title_shifts, checks, limits)
    if arm_test["test"] is not None:
        status["challenge"] = arm_test["message"]
    more = [arm_test["message"]] if arm_test["verdict"] == "lose" else []
    damaged = dict.fromkeys([*damaged_records, *arm_test["damaged"]])
    more += [f"A record is left out: {problem}" for problem in damaged]
    status["metrics"]["records_damaged"] = float(len(damaged))
    status["problems"] += more
    if more and status["state"] in ("ok", "new"):
        status["state"] = "degraded"
    for release, line in status["releases"].items():
        logger.info("%s: %s", release, line)
    for problem in status["problems"]:
        logger.warning(problem)
    if not status["problems"]:
        logger.info("The newest delivery and the recorded forecasts are as usual.")
    return status


def _named(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row.items()}
