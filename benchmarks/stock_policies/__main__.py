"""Copies short, copies left and cost of orders from three forecasts; prints tables in Markdown.

    python -m benchmarks.stock_policies --data FOLDER [--only PANEL …] [--work FOLDER]

Each panel of the accuracy benchmark has a release fitted on the weeks up to an origin, and rolled
forward through the weeks after it. Stock is reviewed every week; sales beyond it are lost. The same
code orders from each forecast: `book_forecast.decisions.orders.advise`.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.accuracy.panels import GENERATED, M4, find_panels
from benchmarks.runs import PROJECT
from benchmarks.stock_policies.page import coverage_table, policy_tables, promise_table, summary
from benchmarks.stock_policies.releases import origins_of
from benchmarks.stock_policies.simulation import simulate
from book_forecast.decisions.orders import Terms
from book_forecast.options.decisions import DecideOptions
from book_forecast.storage.errors import UserError

# A book of a price of 10, of which the dealer has 6; stock costs a quarter of its cost a year.
COSTS = {"unit_cost": 4.0, "price": 10.0, "holding_cost": 0.02, "write_off": 0.2}
ORDER_FOR_WEEKS = 8
LEADS, POLICIES, SIZES = (4, 8), ("service_level", "margin"), ("target", "median")
SEEDS = (42,)


def main() -> None:
    """Simulate all panels, and print the tables."""
    options = _arguments()
    try:
        panels = find_panels(options.data, {}, None, SEEDS)
    except UserError as error:
        raise SystemExit(str(error)) from None
    wanted = options.only or [panel.name for panel in panels if panel.name != M4]
    unknown = set(wanted) - {panel.name for panel in panels}
    if unknown:
        names = ", ".join(panel.name for panel in panels)
        raise SystemExit(f"--only {min(unknown)}: there is no such panel; there are {names}.")
    terms = every_terms()
    work = options.work.absolute()
    rows: list[pd.DataFrame] = []
    sums: list[pd.DataFrame] = []
    for panel in panels:
        if panel.name not in wanted:
            continue
        name = "generated" if panel.name.startswith(GENERATED) else panel.name
        for origin in origins_of(panel, work, options.weeks, options.origins, quick=options.quick):
            about = {"panel": name, "origin": f"{panel.name} {origin.number}"}
            of_titles, of_sums = simulate(origin, terms, partial(print, flush=True))
            rows.append(of_titles.assign(**about))
            sums.append(of_sums.assign(**about))
    tables = {
        "titles": pd.concat(rows, ignore_index=True),
        "sums": pd.concat(sums, ignore_index=True),
    }
    for name, table in tables.items():
        table.to_parquet(work / f"{name}.parquet")
    added = summary(tables["titles"], terms[0])
    print("\n".join([*policy_tables(added), promise_table(added), coverage_table(tables["sums"])]))


def every_terms() -> list[Terms]:
    """Return the terms that are simulated."""
    options = DecideOptions.model_validate({**COSTS, "order_for_weeks": ORDER_FOR_WEEKS})
    return [
        options.model_copy(update={"policy": policy, "order_size": size}).terms_of(
            None, {"lead_weeks": float(lead)}
        )
        for size in SIZES
        for policy in POLICIES
        for lead in LEADS
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stock_policies", description=__doc__
    )
    parser.add_argument("--data", type=Path, help="folder with panels, outside of the project")
    parser.add_argument("--only", nargs="+", help="some panels; all but M4's, which are no sales")
    parser.add_argument("--weeks", type=int, default=26, help="after each origin; %(default)s")
    parser.add_argument("--origins", type=int, default=2, help="of each panel; %(default)s")
    parser.add_argument(
        "--work",
        type=Path,
        default=PROJECT / "build/stock_policies",
        help="folder of the runs, from which they resume; %(default)s",
    )
    parser.add_argument("--quick", action="store_true", help="few titles, to see that all works")
    return parser.parse_args()


if __name__ == "__main__":
    main()
