"""Refreshes of a data root, and what they have decided."""

import json
from pathlib import Path

import pandas as pd

from book_forecast.releases.store import ReleaseStore

# As in production: development retrains always.
SELDOM = "retrain.max_age_days=30,max_tuning_age_days=182,reporting.max_title_plots=1"
FORCED = "9780722532935"


def store_of(data: Path) -> ReleaseStore:
    return ReleaseStore(str(data / "06_models/releases"))


def verdict_of(data: Path) -> dict:
    found: dict = json.loads((data / "06_models/promotion.json").read_text())
    return found


def plan_of(data: Path) -> dict[str, str]:
    plan = pd.read_parquet(data / "08_reporting/retraining_plan.parquet")
    return dict(zip(plan["isbn"], plan["decision"], strict=True))


def deliver_a_broken_week(data: Path) -> None:
    """Deliver the newest week once more, for the week after it, with ten times the copies."""
    export = data / "01_raw/sales/export.csv"
    sales = pd.read_csv(export, dtype=str)
    dates = pd.to_datetime(sales["End Date"])
    wrong = sales[dates == dates.max()].drop(columns="Interval")
    wrong["End Date"] = f"{dates.max() + pd.Timedelta(weeks=1):%Y-%m-%d}"
    for name in ("Volume", "Value"):
        wrong[name] = wrong[name].astype(float) * 10
    wrong.to_csv(data / "01_raw/sales/newer.csv", index=False)
