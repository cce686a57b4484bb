"""The tables of docs/accuracy.md on panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.accuracy import comparison, published
from benchmarks.accuracy.origins import OURS, Origin
from benchmarks.accuracy.panels import M4, Panel
from benchmarks.accuracy.rivals import LONGEST, SERIES
from benchmarks.accuracy.scoring import ERRORS, SIMPLE_MEAN, value
from benchmarks.runs import markdown_table

METHOD = f"""## How panels are run and scored

Every panel is an export and passes through the whole of `kedro run`. The last weeks are the test
weeks, 13 of them, or a tenth of a short panel, unless the panel or the command line sets another
number. `{SIMPLE_MEAN}` averages the families without `naive`, `seasonal_naive` and `intermittent`.
statsforecast's models see the last {LONGEST} weeks, with missing ones filled, of at most {SERIES}
series of a panel. AutoARIMA and AutoETS have no season, as GIFT-Eval has it for weekly data; Theta
and MSTL have one of 52 weeks where two years are known.

Errors are those of GIFT-Eval: MASE is scaled by the mean change from week to week (m = 1), of the
median and of the mean forecast; WQL is the mean weighted quantile loss at 0.1 to 0.9; MSIS is of
the 95 % interval. WAPE is of the mean. A model without forecasts for some titles is compared on the
others; `series` has their number.
"""

_COLUMNS = ("model", "series", "WAPE", "MASE", "MASE of the mean", "WQL", "MSIS",
            "inside 80 %", "inside 95 %")  # fmt: skip
_NAMES = dict(zip(ERRORS, ("WAPE", "MASE", "MASE of the mean", "WQL", "MSIS"), strict=True))

_DIGITS = {"wql": 4, "msis": 2}
_M4 = "Published on all 359 series: Theta 0.971, Comb 0.926, Smyl 0.851, FFORMA 0.796, best 0.739."


@dataclass(frozen=True)
class Result:
    """A finished panel.

    Attributes:
        panel: What was run.
        scores: A row per model.
        origins: Number of test cutoffs.
        horizon: Weeks ahead.
        series: Titles forecast at the last cutoff.
        listed: Titles in the export.
        seconds: Wall time of all runs.
        core_seconds: Their process time.
        owa: The product's by M4's formulas; NaN elsewhere.
    """

    panel: Panel
    scores: pd.DataFrame
    origins: int
    horizon: int
    series: int
    listed: int
    seconds: float
    core_seconds: float
    owa: float = float("nan")


def result_of(panel: Panel, scores: pd.DataFrame, origins: Sequence[Origin]) -> Result:
    """Return what the page needs of a panel."""
    latest = origins[0].forecasts
    ours = latest[latest["model"] == OURS]
    return Result(
        panel=panel,
        scores=scores,
        origins=len(origins),
        horizon=int(ours.groupby("isbn").size().max()),
        series=ours["isbn"].nunique(),
        listed=origins[0].listed,
        seconds=sum(origin.seconds for origin in origins),
        core_seconds=sum(origin.core_seconds for origin in origins),
        owa=comparison.owa(scores, origins) if panel.name == M4 else float("nan"),
    )


def line(result: Result) -> str:
    """Return a line of progress."""
    scores = result.scores
    best = comparison.best_family(scores, "wape")
    return (
        f"{result.panel.name}: WAPE {value(scores, OURS, 'wape'):.3f}, best family {best} "
        f"{value(scores, best, 'wape'):.3f}, inside 80 % {value(scores, OURS, 'coverage-80'):.2f}, "
        f"{result.seconds:.0f} s"
    )


def summary(results: Sequence[Result]) -> str:
    """Return geometric means of the ratios to other models, over panels of each kind."""
    head = (
        "## The ensemble beside others, over all panels\n\n"
        "Error of the ensemble over the other's, as the geometric mean over panels: below 1 the "
        "ensemble is better. The best single family is the one with the least error on the test "
        "weeks, which nobody knows before.\n"
    )
    return "\n".join([head, *(f"{kind}:\n\n{_means(own)}" for kind, own in _kinds(results))])


def _kinds(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    """Return panels by kind; those of the folder decide, generated ones are all alike."""
    kinds = (
        ("Panels of the folder", [one for one in results if not one.panel.is_generated]),
        ("Generated titles", [one for one in results if one.panel.is_generated]),
    )
    return [(kind, own) for kind, own in kinds if own]


def _means(results: Sequence[Result]) -> str:
    """Return the table of geometric means."""
    tables = {result.panel.name: result.scores for result in results}
    ratios = comparison.ratios(tables)
    rows = []
    for other, own in ratios.groupby("beside", sort=False):
        means = {name: comparison.geometric_mean(own[name]) for name in ERRORS}
        worst = own.sort_values("wape").iloc[-1]
        rows.append(
            [
                other,
                len(own),
                *(_number(means[name]) for name in ERRORS),
                f"{worst['wape']:.2f} ({worst['panel']})",
            ]
        )
    columns = ["beside", "panels", *_NAMES.values(), "largest WAPE ratio"]
    return markdown_table(columns, rows)


def losses(results: Sequence[Result]) -> str:
    """Return where the ensemble is beaten, and where intervals are off."""
    tables = {result.panel.name: result.scores for result in results}
    sizes = {result.panel.name: result.series for result in results}
    beaten = comparison.beaten(tables)
    rows = [
        [panel, sizes[panel], other, f"{theirs:.3f}", f"{ours:.3f}", f"{ours / theirs - 1:+.1%}"]
        for panel, other, theirs, ours in beaten
    ]
    columns = ["panel", "series", "better by WAPE", "its WAPE", "the ensemble's", "worse by"]
    head = "## Where the ensemble loses\n\n"
    text = "Every single family, simple mean or rival with a lower WAPE than the ensemble's.\n\n"
    body = text + markdown_table(columns, rows) if rows else "Nothing beats it on any panel.\n"
    return f"{head}{body}\n{_coverage(results)}"


def _coverage(results: Sequence[Result]) -> str:
    """Return mean coverages, and the panels where they are off."""
    tables = {result.panel.name: result.scores for result in results}
    sizes = {result.panel.name: result.series for result in results}
    off = [
        [panel, sizes[panel], f"{level} %", f"{share:.1%}", f"{100 * share - level:+.1f}"]
        for panel, level, share in comparison.off_coverage(tables)
    ]
    columns = ["panel", "series", "interval", "inside", "points off"]
    means = [_mean_coverage(kind, own) for kind, own in _kinds(results)]
    listed = markdown_table(columns, off) if off else "No panel is off by more.\n"
    return (
        "### Where intervals are off\n\n"
        f"{' '.join(means)} Panels that are off by more than "
        f"{comparison.TOLERANCE:g} points:\n\n{listed}"
    )


def _mean_coverage(kind: str, results: Sequence[Result]) -> str:
    """Return a sentence with the mean over panels; each of them counts as much."""
    shares = [
        f"{np.mean([value(one.scores, OURS, f'coverage-{level}') for one in results]):.1%} of the "
        f"test weeks are inside {level} %"
        for level in (80, 95)
    ]
    return f"{kind}: {' and '.join(shares)}, in the mean over panels."


def section(result: Result) -> str:
    """Return the table of one panel."""
    cutoffs = "one test cutoff" if result.origins == 1 else f"{result.origins} test cutoffs"
    left = result.listed - result.series
    without = f" {left} of {result.listed} titles in the export are left out." if left else ""
    rows = [
        [
            model,
            int(row["series"]),
            *(_number(row[name], name) for name in ERRORS),
            *(f"{row[name]:.1%}" for name in ("coverage-80", "coverage-95")),
        ]
        for model, row in result.scores.iterrows()
    ]
    return (
        f"## {result.panel.name}: {result.series} series, {result.horizon} weeks ahead\n\n"
        f"{_sentence(result.panel.note)}{cutoffs.capitalize()}, {result.seconds:.0f} s of wall "
        f"time in all.{without}\n\n{markdown_table(_COLUMNS, rows)}{_beside(result)}"
    )


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}. " if text else ""


def _beside(result: Result) -> str:
    """Return the published figures of the same data set."""
    dataset = result.panel.options.gift_eval
    if not dataset:
        return ""
    theirs = published.PUBLISHED[dataset]
    note = ""
    if result.series != theirs["series"]:
        note = f", on all {theirs['series']} series (here: {result.series})"
    ours = ((name, value(result.scores, OURS, name)) for name in ("mase", "wql", "msis"))
    rows = [[OURS, *(_number(found, name) for name, found in ours)]]
    rows += published.beside(dataset)
    owa = ""
    if np.isfinite(result.owa):
        owa = f"\nBy M4's own formulas the ensemble's OWA is {result.owa:.3f}. {_M4}\n"
    return (
        f"\nGIFT-Eval's published figures for `{dataset}`{note}:\n\n"
        f"{markdown_table(['system', 'MASE', 'WQL', 'MSIS'], rows)}{owa}"
    )


def _number(value: float, metric: str = "mase") -> str:
    return f"{value:.{_DIGITS.get(metric, 3)}f}" if np.isfinite(value) else ""
