"""A year of weekly deliveries with mishaps: refreshes beside a whole training every week.

    python -m benchmarks.year_of_weeks [--titles 200] [--weeks 52] [--params NAME=VALUE,...]

Generated sales arrive week by week in two data roots. One is refreshed, the other trained whole.
Mishaps are spread over the weeks: titles whose level shifts, a week that comes late, one of which a
fifth arrives, one with ten times the copies, corrections of past weeks, a run that is killed, and a
challenger of naive forecasts. Errors are those of the recorded forecasts, 1 to 4 weeks ahead,
against the sales as they really were.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.runs import PROJECT, markdown_table, watch
from book_forecast.releases.store import ReleaseStore
from book_forecast.sample import sample_frame

AHEAD = 4
SHIFT, SHIFTED = 0.5, 0.1
"""Factor of a shifted level, and the share of the titles that shift."""
MISHAPS = ("shift", "late", "short", "broken", "corrected", "killed", "challenger")
SELDOM = "retrain.max_age_days=30,max_tuning_age_days=182"
CHALLENGER = "families=naive"


@dataclass
class Arm:
    """A data root and what became of it.

    Attributes:
        data: The root.
        core_seconds: Process time of all its weeks.
        seen: What happened, counted.
        wrong: Events that should not have happened.
    """

    data: Path
    core_seconds: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def deliver(self, name: str, rows: pd.DataFrame) -> None:
        """Put an export into the root."""
        folder = self.data / "01_raw/sales"
        folder.mkdir(parents=True, exist_ok=True)
        rows.to_csv(folder / f"{name}.csv", index=False)

    def run(self, params: str, *arguments: str) -> None:
        """Run Kedro, and add up its process time."""
        given = f"data_root={self.data},titles=all,{params}"
        self.core_seconds += watch("run", *arguments, "--params", given).core_seconds

    @property
    def store(self) -> ReleaseStore:
        """The releases."""
        return ReleaseStore(str(self.data / "06_models/releases"))

    def document(self, path: str) -> dict[str, Any]:
        """Read a JSON document of the root."""
        found: dict[str, Any] = json.loads((self.data / path).read_text(encoding="utf-8"))
        return found


def main() -> None:
    """Print what happened, and costs and errors of both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=200)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--params", default="n_jobs=0", help="more parameters of every run")
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        arms = [Arm(Path(folder, name)) for name in ("refresh", "whole")]
        truth, when = year(arms, options.titles, options.weeks, options.params, options.seed)
        print(report(arms, truth, when), end="")


def year(
    arms: list[Arm], titles: int, weeks: int, params: str, seed: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Simulate the weeks.

    Returns:
        The sales as they were, and the week of each mishap.
    """
    sales = sample_frame(titles=titles, seed=seed)
    dates = pd.to_datetime(sales["End Date"])
    last = dates.max() - pd.Timedelta(weeks=weeks)
    # Mishaps do not fall on each other; with few weeks some do not happen.
    places = np.linspace(1, weeks - 2, len(MISHAPS)).round().astype(int)
    when = {name: int(week) for name, week in zip(MISHAPS, places, strict=True)}
    truth = _shifted(sales, dates, last + pd.Timedelta(weeks=when["shift"]), seed)
    for arm in arms:
        arm.deliver("base", truth[dates <= last])
        arm.run(params)
    held = truth.head(0)
    for week in range(1, weeks + 1):
        day = last + pd.Timedelta(weeks=week)
        rows = truth[dates == day]
        past = truth[dates == day - pd.Timedelta(weeks=6)]
        delivered, held = _delivery(week, rows, held, when, past)
        refreshed, whole = arms
        for arm in arms:
            if len(delivered):
                arm.deliver(f"week-{week:02d}", delivered)
        own = f"{params},{CHALLENGER}" if week == when["challenger"] else params
        if week == when["killed"]:
            _kill(refreshed, own)
        before = refreshed.store.champion()
        refreshed.run(f"{own},{SELDOM}", "--pipeline", "refresh")
        _count(refreshed, week, when, before)
        whole.run(params)
    return truth, when


def _shifted(sales: pd.DataFrame, dates: pd.Series, since: pd.Timestamp, seed: int) -> pd.DataFrame:
    """Return sales in which some titles sell less from a week on."""
    isbns = np.sort(sales["ISBN"].unique())
    chosen = np.random.default_rng(seed).choice(isbns, max(1, int(SHIFTED * len(isbns))), False)
    after = sales["ISBN"].isin(chosen) & (dates >= since)
    volume = sales["Volume"].where(~after, (sales["Volume"] * SHIFT).round().astype(int))
    return sales.assign(Volume=volume)


def _delivery(
    week: int, rows: pd.DataFrame, held: pd.DataFrame, when: dict[str, int], past: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what arrives in a week, and what is held for the next one."""
    if week == when["late"]:
        return held, rows
    if week == when["short"]:
        return pd.concat([held, rows.iloc[::5]]), rows
    if week == when["broken"]:
        wrong = rows.assign(Volume=rows["Volume"] * 10, Value=rows["Value"] * 10)
        return pd.concat([held, wrong]), rows
    if week == when["corrected"]:
        corrected = past.assign(Volume=(past["Volume"] * 1.5).round().astype(int))
        return pd.concat([held, rows, corrected]), past
    return pd.concat([held, rows]), rows.head(0)


def _kill(arm: Arm, params: str) -> None:
    """Start a refresh and kill it in the midst."""
    given = f"data_root={arm.data},titles=all,{params},{SELDOM},force=refit"
    command = [sys.executable, "-m", "kedro", "run", "--pipeline", "refresh", "--params", given]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout or ():
            if "fit_titles" in line:
                break
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
    arm.seen["killed runs"] += 1


def _count(arm: Arm, week: int, when: dict[str, int], before: str | None) -> None:
    """Count what a refresh did, and what was wrong about it."""
    summary = arm.document("08_reporting/retraining_summary.json")
    state = arm.document("08_reporting/monitor_status.json")["state"]
    verdict = arm.document("06_models/promotion.json")
    arm.seen[f"weeks {state}"] += 1
    for decision, titles in summary["titles"].items():
        arm.seen[f"titles {decision}"] += titles
    is_changed = arm.store.champion() != before
    arm.seen["promotions"] += is_changed
    arm.seen["refused"] += not verdict["promote"]
    if state == "broken" and week not in (when["broken"], when["short"]):
        arm.wrong.append(f"week {week} counts as broken")
    if week == when["broken"] and (state != "broken" or is_changed):
        arm.wrong.append(f"the broken delivery of week {week} was used")
    if week == when["challenger"] and is_changed:
        arm.wrong.append(f"the bad challenger of week {week} was promoted")


def report(arms: list[Arm], truth: pd.DataFrame, when: dict[str, int]) -> str:
    """Return tables of costs and errors, and of what happened."""
    refreshed, whole = arms
    found = [(arm.core_seconds, wape(arm.data, truth)) for arm in arms]
    (cost, error), (most, least) = found
    rows = [
        (
            "refresh",
            f"{cost:.0f}",
            f"{cost / most:.0%}",
            f"{error:.4f}",
            f"{error / least - 1:+.1%}",
        ),
        ("whole training each week", f"{most:.0f}", "100%", f"{least:.4f}", ""),
    ]
    table = markdown_table(("way", "core-seconds", "share", "WAPE", "beside"), rows)
    happened = ", ".join(f"{name} {count}" for name, count in sorted(refreshed.seen.items()))
    mishaps = ", ".join(f"{name} in week {week}" for name, week in when.items())
    wrong = "; ".join(refreshed.wrong) or "nothing"
    promoted = len(whole.store.promotions()) - 1
    return (
        f"{table}\nMishaps: {mishaps}.\n\nRefreshes: {happened}. Whole trainings: promotions "
        f"{promoted}.\n\nWrong: {wrong}.\n"
    )


def wape(data: Path, truth: pd.DataFrame) -> float:
    """Return the WAPE of recorded forecasts, 1 to 4 weeks ahead, on weeks that were sold in."""
    tables = [
        pd.read_parquet(path)[["isbn", "cutoff", "week", "mean"]]
        for path in sorted((data / "07_model_output/forecast_history").glob("*/*.parquet"))
    ]
    forecasts = pd.concat(tables).drop_duplicates(["isbn", "cutoff", "week"], keep="last")
    near = forecasts[forecasts["week"] - forecasts["cutoff"] <= pd.Timedelta(weeks=AHEAD)]
    sold = (
        truth.assign(isbn=truth["ISBN"].astype(str), week=pd.to_datetime(truth["End Date"]))
        .groupby(["isbn", "week"], as_index=False)["Volume"]
        .sum()
    )
    rows = near.merge(sold, on=["isbn", "week"])
    return float((rows["mean"] - rows["Volume"]).abs().sum() / rows["Volume"].sum())


if __name__ == "__main__":
    main()
