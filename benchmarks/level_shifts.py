"""False alarms and power of the test for level shifts, by simulation.

    python -m benchmarks.level_shifts --titles 200 --runs 5

Stationary catalogues with a season a title are monitored week by week. Each row has the share of
titles that one week alarms without a shift, and the share that is found within four weeks after all
levels have shifted.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np

from book_forecast.monitoring.shifts import find_shifts
from book_forecast.options.monitoring import MonitorOptions
from tests.monitoring.catalogues import WINDOW, Catalogue

COPIES, NOISES = (20.0, 60.0, 200.0, 1000.0), (0.0, 0.1, 0.2)
_AT = 104
_QUIET_WEEKS = 10


def main() -> None:
    """Simulate and print the table of docs/monitoring.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--factor", type=float, default=1.3)
    options = parser.parse_args()
    rate = MonitorOptions().alarm_rate
    print(
        "| copies a week | noise | false alarms a week | found within 4 weeks |\n|---|---|---|---|"
    )
    for copies, noise in product(COPIES, NOISES):
        alarms, found = [], []
        for seed in range(options.runs):
            catalogue = Catalogue(options.titles, copies, noise, 10 * seed)
            past = catalogue.past(_AT)
            for week in range(_AT, _AT + _QUIET_WEEKS):
                window = catalogue.window(week)
                alarms.append(find_shifts(window, catalogue.past(week), rate)["shifted"].mean())
            shifted = catalogue.shifted(_AT, options.factor)
            hits: set[str] = set()
            for week in range(_AT + 1, _AT + WINDOW + 1):
                table = find_shifts(shifted.window(week), past, rate)
                hits |= set(table.loc[table["shifted"], "isbn"])
            found.append(len(hits) / options.titles)
        print(f"| {copies:,.0f} | {noise:.2f} | {np.mean(alarms):.2%} | {np.mean(found):.0%} |")


if __name__ == "__main__":
    main()
