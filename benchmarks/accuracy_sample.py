"""Generated titles through the real command: the sample and other seeds of its generator."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from benchmarks import ablations

PROJECT = Path(__file__).resolve().parents[1]
SEEDS = (42, 1, 2, 3)
COVERAGE_SEEDS = (42, 1, 2, 3, 4, 5, 6, 7, 8, 9)
LEVELS = (80, 95)


def section(data: Path | None, *, quick: bool) -> str:  # noqa: ARG001 - the others have data
    """The part of the page, as Markdown."""
    seeds = COVERAGE_SEEDS[:1] if quick else COVERAGE_SEEDS
    with tempfile.TemporaryDirectory() as folder:
        scores = {seed: run(Path(folder), seed) for seed in seeds}
        parts = ablations.section([_root(Path(folder), s) for s in SEEDS if s in scores])
        many = "" if quick else cost(Path(folder))
    lines = ["## The sample's titles\n", "WAPE on the test weeks, over all titles.\n"]
    shown = [seed for seed in SEEDS if seed in scores]
    table = pd.DataFrame({seed: _wape(scores[seed]) for seed in shown})
    table = table.sort_values(shown[0])
    lines.append(f"| model | {' | '.join(f'seed {seed}' for seed in shown)} |")
    lines.append(f"|---|{'---|' * len(shown)}")
    lines += [
        f"| {model} | {' | '.join(f'{value:.3f}' for value in row)} |"
        for model, *row in table.itertuples(name=None)
    ]
    lines.append(
        f"\nCoverage over the test weeks of {len(seeds)} seeds together, and of each in turn.\n"
    )
    lines.append("| level | together | least | most |\n|---|---|---|---|")
    for level in LEVELS:
        each = [_coverage(found, level) for found in scores.values()]
        lines.append(
            f"| {level} % | {sum(each) / len(each):.1%} | {min(each):.1%} | {max(each):.1%} |"
        )
    return "\n".join([*lines, "", parts, many])


def cost(folder: Path, titles: int = 1000) -> str:
    """Core-seconds a title of a whole run with all families."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    scores = run(folder, SEEDS[0], titles=titles)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wape = _wape(scores)
    singles = wape.drop("book_forecast")
    return (
        "## Cost\n\n"
        f"{titles} generated titles, {scores.attrs['titles']} of them forecast, all families, the "
        f"whole of `kedro run`: {scores.attrs['seconds']:.0f} s of wall time, "
        f"{used / scores.attrs['titles']:.2f} s of one core a title forecast. WAPE "
        f"{wape['book_forecast']:.3f}; the best single family, {singles.idxmin()}, has "
        f"{singles.min():.3f}, seasonal naive {wape['seasonal_naive']:.3f}.\n"
    )


def run(folder: Path, seed: int, *params: str, titles: int | None = None) -> pd.DataFrame:
    """Scores of a whole run over generated titles.

    Args:
        folder: For the data.
        seed: Of the generator.
        params: Further ones of the run.
        titles: How many; else the sample's own.
    """
    root = _root(folder, seed, titles)
    sales = root / "01_raw/sales/sample.parquet"
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    if not sales.exists():
        sales.parent.mkdir(parents=True)
        many = ["--titles", str(titles)] if titles else []
        _kedro("sample", *many, "--seed", str(seed), "--format", "parquet", "--output", str(sales))
    began = time.monotonic()
    given = ",".join([f"data_root={root}", "titles=all", "max_title_plots=0", *params])
    _kedro("run", "--params", given)
    scores = pd.read_parquet(root / "08_reporting/scores.parquet")
    scores.attrs["seconds"] = time.monotonic() - began
    scores.attrs["titles"] = scores["isbn"].nunique() - 1
    return scores


def _root(folder: Path, seed: int, titles: int | None = None) -> Path:
    return folder / (f"seed-{seed}" if titles is None else f"{titles}-titles")


def _kedro(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=PROJECT,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\nkedro {' '.join(arguments)} failed")
    return done.stdout + done.stderr


def _over_all(scores: pd.DataFrame, metric: str) -> pd.Series:
    latest = scores[(scores["cutoff"] == scores["cutoff"].max()) & (scores["isbn"] == "all")]
    return latest[latest["metric"] == metric].set_index("model")["value"]


def _wape(scores: pd.DataFrame) -> pd.Series:
    return _over_all(scores, "wape").rename({"chosen": "book_forecast"}).drop("ensemble")


def _coverage(scores: pd.DataFrame, level: int) -> float:
    return float(_over_all(scores, f"coverage-{level}")["chosen"])
