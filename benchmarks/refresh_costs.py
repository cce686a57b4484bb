"""Cost of a weekly refresh beside a whole run, on generated titles.

    python -m benchmarks.refresh_costs [--titles 200] [--share 0.1] [--params NAME=VALUE,...]

A whole run trains on the weeks up to five weeks before the last. A refresh of the week after it
tunes a share of the titles anew, as if they had degraded, and keeps the others; another one has
only the titles to tune that are new in its week. Wall time depends on what else the machine does,
process time hardly.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks.runs import Watch, export, markdown_table, watch

LAST = dt.date(2024, 6, 29)
"""Last week of the generated sales."""
PLAN = "08_reporting/retraining_plan.parquet"
SELDOM = "retrain.max_age_days=30,max_tuning_age_days=182"


def main() -> None:
    """Print a row per run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.1, help="of the titles to tune anew")
    parser.add_argument("--params", default="n_jobs=0", help="more parameters of every run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
        data = export(Path(folder, "data"), options.titles)
        print(costs(data, options.share, options.params), end="")


def costs(data: Path, share: float, params: str) -> str:
    """Return the table of a whole run, a refresh with titles to tune and one without."""
    whole = run(data, 5, params)
    tuned = pd.read_parquet(data / "05_model_input/training_weeks.parquet")["isbn"].unique()
    chosen = tuned[:: max(round(1 / share), 1)]
    forced = f"{params},{SELDOM},force=retune,force_titles={' '.join(chosen)}"
    rows = [("whole run", len(tuned), whole)]
    weeks = {"some tuned anew": (4, forced), "new titles alone": (3, f"{params},{SELDOM}")}
    for name, (before, given) in weeks.items():
        seen = run(data, before, given, "--pipeline", "refresh")
        plan = pd.read_parquet(data / PLAN)
        rows.append((f"refresh, {name}", int((plan["decision"] == "retune").sum()), seen))
    columns = ("run", "titles tuned", "core-seconds", "share", "wall, s", "share")
    return markdown_table(columns, [_row(name, n, seen, whole) for name, n, seen in rows])


def run(data: Path, before: int, params: str, *arguments: str) -> Watch:
    """Run Kedro on the weeks up to some weeks before the last."""
    cutoff = LAST - dt.timedelta(weeks=before)
    given = f"data_root={data},titles=all,cutoff_date={cutoff},{params}"
    return watch("run", *arguments, "--params", given)


def _row(name: str, tuned: int, seen: Watch, whole: Watch) -> tuple[object, ...]:
    return (
        *(name, tuned, f"{seen.core_seconds:.0f}", f"{seen.core_seconds / whole.core_seconds:.0%}"),
        *(f"{seen.wall:.0f}", f"{seen.wall / whole.wall:.0%}"),
    )


if __name__ == "__main__":
    main()
