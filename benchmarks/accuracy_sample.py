"""Generated titles through the real command: the sample and other seeds of its generator."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from benchmarks import ablations
from benchmarks.runs import export, markdown_table, watch
from book_forecast.series.history import ALL_TITLES

SEEDS = (42, 1, 2, 3)
COVERAGE_SEEDS = (*SEEDS, 4, 5, 6, 7, 8, 9)
COVERAGES = ["coverage-80", "coverage-95"]
OURS = "book_forecast"
QUICK_TITLES = 3


def section(data: Path | None, *, quick: bool) -> str:  # noqa: ARG001 - the others have data
    """Return the part of the page, as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        seeds, titles = (SEEDS[:1], QUICK_TITLES) if quick else (COVERAGE_SEEDS, None)
        roots = {seed: Path(folder) / f"seed-{seed}" for seed in seeds}
        scores = {seed: run(root, seed, titles) for seed, root in roots.items()}
        shown = [roots[seed] for seed in SEEDS if seed in roots]
        parts = [
            by_seed(scores),
            by_model({seed: scores[seed] for seed in SEEDS if seed in scores}),
            intervals(scores),
            ablations.families_section(shown),
            ablations.parts_section(shown[:: len(SEEDS) - 1]),
        ]
        if not quick:
            parts.append(cost(Path(folder) / "cost"))
    return "\n".join(parts)


def by_seed(scores: Mapping[int, pd.DataFrame]) -> str:
    """Return the ensemble beside its best family and seasonal naive, a row per seed."""
    coverages = pd.DataFrame({seed: found[COVERAGES].loc[OURS] for seed, found in scores.items()})
    coverages["together"] = coverages.mean(axis=1)
    rows = []
    for name, inside in coverages.map("{:.1%}".format).items():
        cells = [""] * 4
        if isinstance(name, int):
            wape = scores[name]["wape"]
            ours, naive, singles = wape[OURS], wape["seasonal_naive"], wape.drop(OURS)
            best = f"{singles.min():.3f} ({singles.idxmin()})"
            cells = [f"{ours:.3f}", best, f"{naive:.3f}", f"{1.0 - ours / naive:.0%}"]
        rows.append([name, *cells, *inside])
    columns = ["seed", OURS, "best single family", "seasonal naive", "below it"]
    return (
        f"## Generated titles: the sample, and {len(scores) - 1} other seeds\n\n"
        "WAPE on the test weeks over all titles, and the share of these weeks inside the "
        f"intervals.\n\n{markdown_table([*columns, 'inside 80 %', 'inside 95 %'], rows)}"
    )


def by_model(scores: Mapping[int, pd.DataFrame]) -> str:
    """Return the WAPE of every model, a column per seed."""
    wapes = pd.DataFrame({f"seed {seed}": found["wape"] for seed, found in scores.items()})
    wapes = wapes.sort_values(wapes.columns[0]).map("{:.3f}".format)
    return markdown_table(["model", *wapes.columns], wapes.itertuples(name=None))


def intervals(scores: Mapping[int, pd.DataFrame]) -> str:
    """Return the coverage of the intervals of each family and of the ensemble."""
    means = (
        pd.concat(found[COVERAGES] for found in scores.values()).groupby(level=0, sort=False).mean()
    )
    order = (means - [0.8, 0.95]).abs().sum(axis=1).sort_values().index
    shown = means.loc[order].map("{:.1%}".format)
    return (
        "### Intervals\n\n"
        "Share of test weeks inside, over all seeds: the ensemble's intervals are conformal, the "
        "others' come from the model.\n\n"
        f"{markdown_table(['model', 'inside 80 %', 'inside 95 %'], shown.itertuples(name=None))}"
    )


def cost(root: Path, titles: int = 1000) -> str:
    """Return the core-seconds per title of a whole run with all families."""
    found = run(root, SEEDS[0], titles)
    about = found.attrs
    wape = found["wape"]
    best = str(wape.drop(OURS).idxmin())
    return (
        "## Cost\n\n"
        f"{titles} generated titles, {about['titles']} of them forecast, all families, the whole "
        f"of `kedro run`: {about['seconds']:.0f} s of wall time, "
        f"{about['core_seconds'] / about['titles']:.2f} s of one core a title forecast. WAPE "
        f"{wape[OURS]:.3f}; the best single family, {best}, has {wape[best]:.3f}, seasonal naive "
        f"{wape['seasonal_naive']:.3f}.\n"
    )


def run(root: Path, seed: int, titles: int | None = None) -> pd.DataFrame:
    """Return the scores of a whole run over generated titles: a row per model, a column per metric.

    Args:
        root: The data root.
        seed: Of the generator.
        titles: Number of titles; None for the sample's own.
    """
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{root.parent}/mlflow.db"
    export(root, titles, seed, "parquet")
    seen = watch("run", "--params", f"data_root={root},titles=all,max_title_plots=0")
    scores = pd.read_parquet(root / "08_reporting/scores.parquet")
    latest = scores[(scores["cutoff"] == scores["cutoff"].max()) & (scores["isbn"] == ALL_TITLES)]
    found = latest.pivot_table(index="model", columns="metric", values="value", sort=False)
    found = found.drop(index="ensemble").rename(index={"chosen": OURS})
    found.attrs = {
        "seconds": seen.wall,
        "core_seconds": seen.core_seconds,
        "titles": scores["isbn"].nunique() - 1,
    }
    return found
