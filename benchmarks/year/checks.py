"""What must follow in a week of refreshes: alarms, trainings, promotions and forecasts."""

from __future__ import annotations

import pandas as pd
from mlflow import MlflowClient

from benchmarks.year.arm import Arm, Week
from benchmarks.year.world import World
from book_forecast.series.history import WEEK

_NEAR = 1.2
"""Times the bound of corrected copies within which a title may be on either side."""
_FAR = 2.0
"""Times the copies that are sold which the forecasts of all titles may have."""


def look(week: Week, before: Week, arm: Arm, world: World) -> None:
    """Note what a refresh did, and hold it against what it should do.

    Args:
        week: The week, which takes the notes.
        before: The week before.
        arm: The data root after the refresh.
        world: What has arrived, and what is sold.
    """
    plan = _note(week, arm)
    is_changed = week.champion != before.champion
    at = world.mishaps.weeks
    is_broken = week.week in (at["short"], at["broken"])
    what = "broken" if is_broken else "usual"
    week.must(
        (week.state == "broken") == is_broken,
        f"the delivery is {what}, but the state is {week.state} ({' '.join(week.problems)})",
    )
    week.must(
        ("delivery_broken" in week.alerts) == is_broken,
        f"the delivery is {what}, but alerts are {week.alerts}",
    )
    if is_broken:
        week.must(not week.trained, f"{len(week.trained)} titles are trained on it")
        week.must(not is_changed, "a release is promoted on it")
    week.must(
        is_changed == ("promotion" in week.alerts),
        f"alerts of a {'changed' if is_changed else 'kept'} champion are {week.alerts}",
    )
    week.must(not (is_changed and week.refused), f"promoted in spite of {week.refused}")
    week.must("run_failed" not in week.alerts, "a run has failed")
    _look_at_age(week, world)
    _look_at_corrections(week, plan, arm, world)
    _look_at_forecasts(week, plan, arm, world)


def note_monitoring(week: Week, arm: Arm) -> None:
    """Note the state of monitoring, the alerts and the champion."""
    status = arm.document("08_reporting/monitor_status.json")
    week.state, week.problems = status["state"], status["problems"]
    week.alerts = arm.take_alerts()
    week.champion = arm.store.champion()


def _note(week: Week, arm: Arm) -> pd.DataFrame:
    """Note what a refresh did, and return its plan."""
    note_monitoring(week, arm)
    plan = pd.read_parquet(arm.data / "08_reporting/retraining_plan.parquet")
    shifts = pd.read_parquet(arm.data / "08_reporting/title_shifts.parquet")
    week.reasons = arm.document("08_reporting/retraining_summary.json")["reasons"]
    week.shifted = shifts.loc[shifts["shifted"], "isbn"].tolist()
    trained = plan[plan["decision"] != "keep"]
    week.trained = dict(zip(trained["isbn"], trained["reason"], strict=True))
    week.refused = failed_gates(arm) if week.trained else []
    return plan


def failed_gates(arm: Arm) -> list[str]:
    """Return the gates that the newest candidate has failed."""
    gates = arm.document("06_models/promotion.json")["gates"]
    return [gate["name"] for gate in gates if gate["status"] == "failed"]


def _look_at_age(week: Week, world: World) -> None:
    """A delivery that is more than a week late is an alarm; any other is not."""
    is_late = week.week in world.mishaps.late[1:]
    is_found = any("The sales end with the week" in text for text in week.problems)
    week.must(is_late == is_found, f"sales are {'' if is_late else 'not '}late: {week.problems}")
    if is_late:
        week.must("forecasts_degraded" in week.alerts, f"late, but alerts are {week.alerts}")


def _look_at_corrections(week: Week, plan: pd.DataFrame, arm: Arm, world: World) -> None:
    """Titles are trained for corrected weeks if these were in their training, and only then."""
    found = set(plan.loc[plan["grounds"].str.contains("corrected weeks"), "isbn"])
    expected: set[str] = set()
    unsure: set[str] = set()
    if week.week == world.mishaps.weeks["corrected"]:
        known = pd.read_parquet(arm.data / "05_model_input/model_input.parquet")
        shares = world.corrected_shares(known["week"].min(), world.day(week.week - 1))
        expected = set(shares[shares > 0.01 * _NEAR].index)
        unsure = set(shares[shares.between(0.01 / _NEAR, 0.01 * _NEAR)].index)
        week.events.append(f"corrections of more than 1 % in {len(expected)} titles")
        lacking = sorted(expected - set(week.trained))
        week.must(not lacking, f"corrected, but kept: {lacking}")
    surplus = sorted(found - expected - unsure)
    week.must(not surplus, f"trained for corrections that there are not: {surplus}")


def _look_at_forecasts(week: Week, plan: pd.DataFrame, arm: Arm, world: World) -> None:
    """Every title in use has a forecast, and all together are near to what is sold."""
    forecasts = pd.read_parquet(arm.data / "07_model_output/forecasts.parquet")
    lacking = sorted(set(plan.loc[plan["is_sold"], "isbn"]) - set(forecasts["isbn"]))
    week.must(not lacking, f"no forecast of {lacking}")
    week.must(bool(forecasts["mean"].notna().all()), "forecasts without a number")
    near = forecasts[forecasts["week"] <= forecasts["week"].min() + 3 * WEEK]
    sold = world.sold().merge(near, on=["isbn", "week"])
    ratio = sold["mean"].sum() / max(sold["sold"].sum(), 1)
    text = f"forecasts are {ratio:.2f} times what is sold in the next weeks"
    if week.week == world.mishaps.weeks["broken"]:
        week.events.append(text)
    else:
        week.must(sold.empty or 1 / _FAR < ratio < _FAR, text)


def look_at_resumed(week: Week, arm: Arm) -> None:
    """A kill loses nothing: all titles are fitted and promoted, and MLflow has no run left over."""
    plan = pd.read_parquet(arm.data / "08_reporting/retraining_plan.parquet")
    lacking = set(plan.loc[plan["is_sold"], "isbn"]) - set(week.trained)
    week.must(not lacking, f"a forced refit of all titles has left out {sorted(lacking)}")
    week.must("promotion" in week.alerts, f"resumed, but alerts are {week.alerts}")
    client = MlflowClient(arm.mlflow)
    found = client.search_runs([one.experiment_id for one in client.search_experiments()])
    running = [run.info.run_name for run in found if run.info.status == "RUNNING"]
    week.must(not running, f"MLflow says that these still run: {running}")
