"""What people do in the year: a challenge, a bad release and the way back, MLflow's catching up."""

from __future__ import annotations

import shutil

import pandas as pd
from mlflow import MlflowClient

from benchmarks.year.arm import Arm, Week
from benchmarks.year.checks import failed_gates
from benchmarks.year.world import World

TRIALS = 5
"""Most weeks for which the bad release is tried."""
MADE_BAD = "a release of doubled sales is trained"
TRIED, ROLLED_BACK = "the bad release forecasts", "rolled back"
"""Beginnings of events."""
_KINDS = ("more or less than their forecasts", "time and again", "worse than last year")
"""Parts of problems that speak against a release."""
_DOUBLED = "wrong-unit"
"""Name of the export of which the bad release is made."""


def act(week: Week, arm: Arm, name: str, *words: str) -> list[str]:
    """Run a command by hand; return the kinds of its alerts, which the week has too."""
    week.use(arm.by_hand(f"{week.week:03d}-{name}", *words), by_hand=True)
    alerts = arm.take_alerts()
    week.alerts = sorted({*week.alerts, *alerts})
    return alerts


def challenge(week: Week, before: Week, arm: Arm) -> None:
    """Let the refused release of naive forecasts challenge the champion."""
    week.must(week.champion == before.champion, "the release of naive forecasts is promoted")
    week.must("gate_failed" in week.alerts, f"it is refused, but alerts are {week.alerts}")
    words = ("release", "challenge", "candidate", "--share", "0.2", "--why", "a test")
    alerts = act(week, arm, "challenge", *words)
    week.must("challenge_started" in alerts, f"it challenges, but alerts are {alerts}")
    week.events.append("naive forecasts are refused, and challenge the champion")


def follow_challenge(week: Week, before: Week, arm: Arm, is_last: bool) -> None:
    """Hold the state of the challenge against what it should be; end it in its last week."""
    running = arm.store.challenge()
    test = arm.document("08_reporting/arm_test.json")
    week.must(test["verdict"] != "win", "the challenger of naive forecasts has won")
    is_same = week.champion == before.champion
    week.must(is_same, "another release is promoted during the challenge")
    if test["verdict"] == "lose":
        for kind in ("challenger_lost", "challenger_withdrawn"):
            week.must(kind in week.alerts, f"no {kind} among the alerts {week.alerts}")
        week.must(running is None, "the challenger has lost, and still answers")
        week.events.append(f"the challenger has lost, and is taken back: {test['message']}")
    elif running is None:
        last = arm.store.challenges.entries()[-1]
        week.must(False, f"the challenge has ended by itself: {last.why}")
    elif is_last:
        alerts = act(week, arm, "withdraw", "release", "withdraw", "--why", "the test is over")
        week.must("challenger_withdrawn" in alerts, f"withdrawn, but alerts are {alerts}")
        week.events.append(f"the challenger is withdrawn: {test['message']}")
    else:
        week.events.append(f"the challenge goes on: {test['message']}")


def catch_up(week: Week, arm: Arm) -> None:
    """Register what was trained without MLflow, once it is back."""
    client, store = MlflowClient(arm.mlflow), arm.store
    (model,) = {found.name for found in client.search_registered_models()}
    lacking = set(store.releases()) - _registered(client, model)
    week.must(bool(lacking), "no release was trained without MLflow")
    act(week, arm, "sync", "release", "sync")
    left = sorted(set(store.releases()) - _registered(client, model))
    week.must(not left, f"not in MLflow after `kedro release sync`: {left}")
    version = client.get_model_version_by_alias(model, "champion")
    is_right = version.tags.get("release") == store.champion()
    week.must(is_right, f"MLflow's champion is {version.tags.get('release')}")
    week.events.append(f"`sync` registers {len(lacking)} releases of the weeks without MLflow")


def _registered(client: MlflowClient, model: str) -> set[str]:
    found = client.search_model_versions(f"name = '{model}'")
    return {version.tags["release"] for version in found if "release" in version.tags}


def promote_bad(week: Week, arm: Arm, world: World) -> None:
    """Train on an export in which all copies count twice, promote that and pin it."""
    good, sales, aside = arm.store.champion(), arm.data / "01_raw/sales", arm.folder / "aside"
    # It may be there already, from a run of the benchmark that was stopped.
    if not aside.exists():
        shutil.move(sales, aside)
    rows = world.truth[pd.to_datetime(world.truth["End Date"]) <= world.day(week.week)]
    doubled = rows.assign(Volume=rows["Volume"] * 2, Value=(rows["Value"] * 2).round(2))
    arm.deliver(_DOUBLED, doubled)
    week.use(arm.run(f"{week.week:03d}-bad"), by_hand=True)
    shutil.rmtree(sales)
    shutil.move(aside, sales)
    refused = ", ".join(failed_gates(arm)) or "none"
    week.events.append(f"{MADE_BAD}; gates that fail: {refused}")
    if arm.store.champion() == good:
        act(week, arm, "promote", "release", "promote", "candidate", "--why", "by mistake")
    alerts = act(week, arm, "pin", "release", "pin", "champion", "--why", "to try it")
    week.must("promotion" in week.alerts, f"promoted by hand, but alerts are {alerts}")


def _kinds(week: Week) -> set[str]:
    return {kind for kind in _KINDS for text in week.problems if kind in text}


def judge_bad(week: Week, before: Week, arm: Arm, world: World) -> None:
    """Go back from the bad release once monitoring says what it did not say before."""
    week.must(week.champion == before.champion, "a pinned champion has changed")
    weeks = week.week - world.mishaps.weeks["bad"]
    is_found = bool(_kinds(week) - _kinds(arm.weeks()[-weeks]))
    if not is_found and weeks < TRIALS:
        week.events.append(f"{TRIED}; monitoring says nothing of it yet")
        return
    week.must(is_found, f"after {weeks} weeks monitoring says nothing of the bad release")
    week.must("forecasts_degraded" in week.alerts, f"bad, but alerts are {week.alerts}")
    releases = [record.release for record in arm.store.promotions()]
    good = releases[releases.index(str(week.champion)) - 1]
    alerts = act(week, arm, "rollback", "release", "rollback", "--why", "twice what is sold")
    week.must("rollback" in alerts, f"rolled back, but alerts are {alerts}")
    week.must(arm.store.champion() == good, f"rolled back, but not to {good}")
    act(week, arm, "unpin", "release", "pin", "--off", "--why", "back")
    week.events.append(f"{ROLLED_BACK} after {weeks} weeks: {' '.join(week.problems)}")
