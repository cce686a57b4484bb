"""A year of weekly deliveries with mishaps: refreshes beside a whole training every week.

    python -m benchmarks.year_of_weeks [--titles 200] [--weeks 52] [--params NAME=VALUE,...]
        [--work FOLDER] [--arm refresh|whole|both|none]

Generated sales arrive week by week in two data roots. One is refreshed, the other trained whole.
Mishaps are spread over the weeks: two lots of titles whose level shifts, weeks that come late, one
of which a fifth arrives, one with ten times the copies, corrections of past weeks, a run that is
killed, weeks without MLflow, a challenger of naive forecasts, and a bad release that a person
promotes and goes back from. What must follow from each is checked. Errors are those of the recorded
forecasts, 1 to 4 weeks ahead, against the sales as they really were.

With `--work`, each finished week is recorded there. The arms may run in two processes, and the same
command goes on where a former one has ended. The report has the weeks that are there.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.year.arm import Arm
from benchmarks.year.commands import Commands
from benchmarks.year.refreshed import Refreshed
from benchmarks.year.report import report
from benchmarks.year.whole import Whole
from benchmarks.year.world import World

PARAMS = (
    "n_jobs=1,start_date=2019-01-01,families=theta seasonal_naive naive,backtest.folds=2,"
    "backtest.overlap=1,reporting.max_title_plots=0,reporting.max_child_runs=0"
)
"""With them a whole training costs little more than its start, tables and pages."""


def main() -> None:
    """Live through the year, and print what it was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=200)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--params", default=PARAMS, help="more parameters of every run")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--work", type=Path, help="folder of the data roots and records")
    parser.add_argument("--arm", choices=("refresh", "whole", "both", "none"), default="both")
    options = parser.parse_args()
    world = World.of(options.titles, options.weeks, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        work = (options.work or Path(folder)).resolve()
        commands = None if options.arm == "none" else Commands()
        refresh, whole = (
            Arm.of(work, name, options.params, commands) for name in ("refresh", "whole")
        )
        for name, lived in (("whole", Whole(whole, world)), ("refresh", Refreshed(refresh, world))):
            if options.arm in (name, "both"):
                live(lived, options.weeks)
        print(report(refresh, whole, world), end="")


def live(lived: Refreshed | Whole, weeks: int) -> None:
    """Go on with an arm until its last week."""
    done = lived.arm.weeks()
    if not done:
        lived.begin()
    for number in range(max(len(done), 1), weeks + 1):
        lived.week(number)
        week = lived.arm.weeks()[-1]
        print(
            f"{lived.arm.folder.name} {number}: {week.core_seconds:.0f} core-seconds, "
            f"{week.state or 'trained'} {week.events} {week.wrong}",
            flush=True,
        )


if __name__ == "__main__":
    main()
