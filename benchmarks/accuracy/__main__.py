"""Errors and intervals on any number of panels; writes docs/accuracy.md.

    make benchmark-accuracy DATA=…   # or: python -m benchmarks.accuracy [--data FOLDER] [--quick]

`--data` is a folder outside of the project. Each folder below it with `01_raw/sales` is a panel;
docs/development.md describes the layout and the options. Training weeks decide all choices; test
weeks are scored once.
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import ablations, launches, seasonality
from benchmarks.accuracy import cost, page, sums
from benchmarks.accuracy.options import parse_given
from benchmarks.accuracy.origins import Settings, run_panel
from benchmarks.accuracy.panels import GENERATED, SEEDS, Panel, find_panels
from benchmarks.accuracy.scoring import score_panel
from benchmarks.runs import PROJECT
from book_forecast.storage.errors import UserError

HEAD = """# Accuracy

`make benchmark-accuracy` writes this page, last on {date}. Folds inside the training weeks decide
all choices; test weeks are scored once. [Models](models.md) describe the families.
"""
ABLATED = tuple(f"{GENERATED}{seed}" for seed in SEEDS[:4])
SEASON, COST, PARTS = "season", "cost", "parts"


def main() -> None:
    """Run all panels and parts, and write the page."""
    options = _arguments()
    try:
        panels = find_panels(
            options.data,
            parse_given(options.panel),
            options.horizon,
            SEEDS[:1] if options.quick else SEEDS,
        )
        names = [panel.name for panel in panels]
        _check_only(options.only, [*names, SEASON, COST, PARTS])
    except UserError as error:
        raise SystemExit(str(error)) from None
    parameters = dict(pair.split("=", 1) for pair in options.param)
    settings = Settings(
        options.work.absolute() / ("quick" if options.quick else "whole"), options.quick, parameters
    )
    wanted = [panel for panel in panels if options.only is None or panel.name in options.only]
    text = _page(wanted, settings, options.only)
    if options.only is None or options.output:
        target = options.output or PROJECT / "docs/accuracy.md"
        target.write_text(text, encoding="utf-8")
        print(f"Wrote {target}")
    else:
        print(text)


def _page(panels: list[Panel], settings: Settings, only: list[str] | None) -> str:
    """Run everything that is wanted and return the page."""
    results, roots, of_sums = [], {}, {}
    for number, panel in enumerate(panels, start=1):
        origins = run_panel(panel, settings)
        roots[panel.name] = origins[0].root
        results.append(page.result_of(panel, score_panel(origins), origins))
        of_sums[panel.name] = sums.sum_coverage(sums.read_run(panel, origins[0].root))
        print(f"[{number}/{len(panels)}] {page.line(results[-1])}", flush=True)
    parts = [HEAD.format(date=dt.date.today().isoformat())]
    if results:
        parts += [page.summary(results), page.losses(results), page.METHOD]
        parts += [page.section(result) for result in results]
    if any(len(rows) for rows in of_sums.values()):
        parts.append(sums.section(of_sums))
    scored = {
        name: pd.read_parquet(root / "08_reporting/launch_scores.parquet")
        for name, root in roots.items()
    }
    if any(len(scores) for scores in scored.values()):
        parts.append(launches.section(scored))
    ablated = {name: roots[name] for name in ABLATED if name in roots}
    if ablated and (only is None or PARTS in only):
        ends = dict([*ablated.items()][:: len(ABLATED) - 1])
        parts += [ablations.families_section(ablated), ablations.parts_section(ends)]
    if (only is None and not settings.quick) or COST in (only or ()):
        parts.append(cost.section(settings))
    if only is None or SEASON in only:
        parts.append(seasonality.section(None, quick=settings.quick))
    return "\n".join(parts)


def _check_only(only: list[str] | None, known: list[str]) -> None:
    for name in only or ():
        if name not in known:
            raise UserError(f"--only {name}: there is no such panel or part: {', '.join(known)}.")


def _arguments() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with panels, outside of the project")
    parser.add_argument("--horizon", type=int, help="test weeks of panels without a panel.yml")
    parser.add_argument(
        "--panel", action="append", default=[], metavar="NAME:KEY=VALUE", help="option of a panel"
    )
    parser.add_argument(
        "--param", action="append", default=[], metavar="NAME=VALUE", help="of every kedro run"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=PROJECT / "build/accuracy",
        help="folder of the runs, from which they resume; %(default)s",
    )
    parser.add_argument("--quick", action="store_true", help="few series, to see that all works")
    parser.add_argument("--only", nargs="+", help="some panels or parts; the page is printed")
    parser.add_argument("--output", type=Path, help="the page; docs/accuracy.md by default")
    return parser.parse_args()


if __name__ == "__main__":
    main()
