"""Generated titles through the real command: the sample and other seeds of its generator."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks import ablations
from benchmarks.runs import export, watch
from book_forecast.series.history import ALL_TITLES

SEEDS = (42, 1, 2, 3)
COVERAGE_SEEDS = (42, 1, 2, 3, 4, 5, 6, 7, 8, 9)
LEVELS = (80, 95)


def section(data: Path | None, *, quick: bool) -> str:  # noqa: ARG001 - the others have data
    """Return the part of the page, as Markdown."""
    seeds = COVERAGE_SEEDS[:1] if quick else COVERAGE_SEEDS
    with tempfile.TemporaryDirectory() as folder:
        scores = {seed: run(Path(folder), seed) for seed in seeds}
        shown = [seed for seed in SEEDS if seed in scores]
        roots = [_root(Path(folder), seed) for seed in shown]
        parts = [
            by_seed(scores),
            by_model({seed: scores[seed] for seed in shown}),
            intervals(list(scores.values())),
            ablations.families_section(roots),
            ablations.parts_section(roots[:: len(SEEDS) - 1]),
        ]
        if not quick:
            parts.append(cost(Path(folder)))
    return "\n".join(parts)


def by_seed(scores: dict[int, pd.DataFrame]) -> str:
    """Return the ensemble beside its best family and seasonal naive, a row per seed."""
    lines = [
        f"## Generated titles: the sample, and {len(scores) - 1} other seeds\n",
        (
            "WAPE on the test weeks over all titles, and how many of these weeks lay inside the "
            "intervals.\n"
        ),
        (
            "| seed | book_forecast | best single family | seasonal naive | below it | "
            "inside 80 % | inside 95 % |\n|---|---|---|---|---|---|---|"
        ),
    ]
    for seed, found in scores.items():
        wape = _wape(found)
        ours, singles, naive = wape["book_forecast"], wape.drop("book_forecast"), "seasonal_naive"
        inside = " | ".join(f"{_coverage(found, level):.1%}" for level in LEVELS)
        lines.append(
            f"| {seed} | {ours:.3f} | {singles.min():.3f} ({singles.idxmin()}) | "
            f"{wape[naive]:.3f} | {1.0 - ours / wape[naive]:.0%} | {inside} |"
        )
    together = [
        sum(_coverage(found, level) for found in scores.values()) / len(scores) for level in LEVELS
    ]
    lines.append(f"| together | | | | | {' | '.join(f'{value:.1%}' for value in together)} |")
    return "\n".join(lines) + "\n"


def by_model(scores: dict[int, pd.DataFrame]) -> str:
    """Return the WAPE of every model, a column per seed."""
    table = pd.DataFrame({f"seed {seed}": _wape(found) for seed, found in scores.items()})
    lines = [f"| model | {' | '.join(table.columns)} |", f"|---|{'---|' * table.shape[1]}"]
    lines += [
        f"| {model} | {' | '.join(f'{value:.3f}' for value in row)} |"
        for model, *row in table.sort_values(table.columns[0]).itertuples(name=None)
    ]
    return "\n".join(lines) + "\n"


def intervals(scores: Sequence[pd.DataFrame]) -> str:
    """Return the coverage of the intervals of each family and of the ensemble."""
    means = pd.DataFrame(
        {
            level: pd.concat([_over_all(one, f"coverage-{level}") for one in scores], axis=1).mean(
                axis=1
            )
            for level in LEVELS
        }
    )
    means = means.drop(index="ensemble").rename(index={"chosen": "book_forecast"})
    off = (means - [level / 100 for level in LEVELS]).abs().sum(axis=1)
    lines = [
        "### Intervals\n",
        (
            "Test weeks inside, over all seeds: the ensemble's intervals come from the folds "
            "(conformal), the others' from the model.\n"
        ),
        "| model | inside 80 % | inside 95 % |\n|---|---|---|",
    ]
    lines += [
        f"| {model} | {' | '.join(f'{value:.1%}' for value in row)} |"
        for model, *row in means.loc[off.sort_values().index].itertuples(name=None)
    ]
    return "\n".join(lines) + "\n"


def cost(folder: Path, titles: int = 1000) -> str:
    """Return the core-seconds per title of a whole run with all families."""
    scores = run(folder, SEEDS[0], titles=titles)
    each = scores.attrs["core_seconds"] / scores.attrs["titles"]
    wape = _wape(scores)
    singles = wape.drop("book_forecast")
    return (
        "## Cost\n\n"
        f"{titles} generated titles, {scores.attrs['titles']} of them forecast, all families, the "
        f"whole of `kedro run`: {scores.attrs['seconds']:.0f} s of wall time, "
        f"{each:.2f} s of one core a title forecast. WAPE "
        f"{wape['book_forecast']:.3f}; the best single family, {singles.idxmin()}, has "
        f"{singles.min():.3f}, seasonal naive {wape['seasonal_naive']:.3f}.\n"
    )


def run(folder: Path, seed: int, titles: int | None = None) -> pd.DataFrame:
    """Return the scores of a whole run over generated titles.

    Args:
        folder: For the data.
        seed: Of the generator.
        titles: Number of titles; None for the sample's own.
    """
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    root = export(_root(folder, seed, titles), titles, seed, "parquet")
    seen = watch("run", "--params", f"data_root={root},titles=all,max_title_plots=0")
    scores = pd.read_parquet(root / "08_reporting/scores.parquet")
    scores.attrs["seconds"], scores.attrs["core_seconds"] = seen.wall, seen.samples[-1][1]
    scores.attrs["titles"] = scores["isbn"].nunique() - 1
    return scores


def _root(folder: Path, seed: int, titles: int | None = None) -> Path:
    return folder / (f"seed-{seed}" if titles is None else f"{titles}-titles")


def _over_all(scores: pd.DataFrame, metric: str) -> pd.Series:
    latest = scores[(scores["cutoff"] == scores["cutoff"].max()) & (scores["isbn"] == ALL_TITLES)]
    return latest[latest["metric"] == metric].set_index("model")["value"]


def _wape(scores: pd.DataFrame) -> pd.Series:
    return _over_all(scores, "wape").rename({"chosen": "book_forecast"}).drop("ensemble")


def _coverage(scores: pd.DataFrame, level: int) -> float:
    return float(_over_all(scores, f"coverage-{level}")["chosen"])
