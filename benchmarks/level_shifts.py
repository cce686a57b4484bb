"""False alarms and power of the test for level shifts, by simulation.

    python -m benchmarks.level_shifts [--runs 3] [--write docs/monitoring.md]

Each row is a kind of catalogue: the share of titles that a week alarms without a shift, and the
share that is found at one of the four looks after a shift by 30 %. "At most" is what a test finds
that knows level, season and noise and alarms as many. `--write` puts the table into a page.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.runs import markdown_table
from benchmarks.shift_catalogues import Catalogue
from book_forecast.options.monitoring import MonitorOptions

COPIES, NOISES = (20.0, 60.0, 200.0, 1000.0), (0.0, 0.1, 0.2)
FACTORS = (0.7, 1.3)
QUIET, EARLY = range(0, 16, 4), range(4)
"""Looks without a shift, and those while the record is short."""
SHORT = 8
USUAL = Catalogue()
KINDS = {
    "noise from title to title 0.05 to 0.2": replace(USUAL, unlike=0.35),
    "noise with a t distribution of 4": replace(USUAL, tails=4.0),
    "negative binomial counts, dispersion 0.01": replace(USUAL, noise=0.0, dispersion=0.01),
    "level that walks by 3 % a week": replace(USUAL, walk=0.03),
    "season of 80 %": replace(USUAL, season=0.8),
    "trend of -30 % a year": replace(USUAL, trend=-0.36),
    "weeks that all titles share, 5 %": replace(USUAL, shared=0.05, share=0.1),
    "each fourth week lacks 80 % of the titles": replace(USUAL, short=0.8),
    "a tenth shifts": replace(USUAL, share=0.1),
    "half shifts": replace(USUAL, share=0.5),
    "15 titles": replace(USUAL, titles=15),
    "1,000 titles": replace(USUAL, titles=1000),
    "4 recorded weeks": replace(USUAL, recorded=4),
    "8 recorded weeks": replace(USUAL, recorded=SHORT),
    "8 recorded weeks, 15 titles": replace(USUAL, recorded=SHORT, titles=15),
}
START, END = "<!-- benchmarks.level_shifts -->", "<!-- benchmarks.level_shifts: end -->"


def main() -> None:
    """Simulate, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", help="rows whose name has this text")
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    options = parser.parse_args()
    rows = []
    for name, kind in catalogues():
        if options.only is None or options.only in name:
            rows.append((name, *measured(kind, options.runs)))
            print(" | ".join(rows[-1]), flush=True)
    if options.write is not None:
        page = options.write.read_text(encoding="utf-8")
        columns = ("catalogue", "false alarms a week", "-30 %", "at most", "+30 %", "at most")
        before, after = page.split(START)[0], page.split(END)[1]
        table = f"{START}\n\n{markdown_table(columns, rows)}\n{END}"
        options.write.write_text(before + table + after, encoding="utf-8")


def catalogues() -> Iterator[tuple[str, Catalogue]]:
    """Yield the rows of the table."""
    for copies, noise in product(COPIES, NOISES):
        yield f"{copies:,.0f} copies, noise {noise:.1f}", replace(USUAL, copies=copies, noise=noise)
    yield from KINDS.items()


def measured(kind: Catalogue, runs: int) -> tuple[str, ...]:
    """Return the figures of a row; small catalogues run more often."""
    monitor = MonitorOptions()
    runs *= max(1, round(USUAL.titles / kind.titles / 2))
    alarms, found = [], []
    for seed in range(runs):
        catalogue = replace(kind, seed=1000 * seed)
        alarms.append(catalogue.alarmed(EARLY if kind.recorded <= SHORT else QUIET, monitor))
        found.append([catalogue.moved(factor).found(monitor) for factor in FACTORS])
    known = replace(kind, titles=1000, recorded=52, share=1.0)
    most = [known.attainable(factor, monitor.alarm_rate) for factor in FACTORS]
    down, up = np.mean(found, axis=0)
    return (f"{np.mean(alarms):.2%}", *(f"{v:.0%}" for v in (down, most[0], up, most[1])))


if __name__ == "__main__":
    main()
