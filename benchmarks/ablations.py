"""What each family and each step of the weighing is worth, from the tables of finished runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from book_forecast.datasets import GenerationDataset
from book_forecast.forecasters import weights
from book_forecast.options.values import FAMILIES
from book_forecast.pipelines.tune.weighing import weigh_families


def section(roots: Sequence[Path]) -> str:
    """The part of the page, as Markdown.

    Args:
        roots: Data folders of finished runs.
    """
    runs = [_Run(root) for root in roots]
    base = [run.wape(FAMILIES) for run in runs]
    lines = [
        "## What each part is worth\n",
        "WAPE on the test weeks of the same titles, each part off in turn, and the mean change.\n",
        f"| | {' | '.join(run.root.name for run in runs)} | |",
        f"|---|{'---|' * (len(runs) + 1)}",
        _row("everything", base, base),
    ]
    for family in FAMILIES:
        rest = tuple(name for name in FAMILIES if name != family)
        lines.append(_row(f"without {family}", [run.wape(rest) for run in runs], base))
    lines.append(_row("equal weights", [run.wape(FAMILIES, equal=True) for run in runs], base))
    lines.append(_row("the same weights for all titles", _without_tilt(runs), base))
    return "\n".join(lines) + "\n"


def _row(name: str, values: Sequence[float], base: Sequence[float]) -> str:
    change = np.mean(np.array(values) / np.array(base)) - 1.0
    shown = "" if values is base else f"{change:+.1%}"
    return f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} | {shown} |"


def _without_tilt(runs: Sequence[_Run]) -> list[float]:
    usual = weights.TILTS
    weights.TILTS = (0.0,)
    try:
        return [run.wape(FAMILIES) for run in runs]
    finally:
        weights.TILTS = usual


class _Run:
    """The tables of a finished run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        models, output = root / "06_models", root / "07_model_output"
        self.said = _generation(models / "fold_forecasts")
        self.seasons = _generation(models / "seasons")
        self.training = pd.read_parquet(root / "05_model_input/training_weeks.parquet")
        self.titles = pd.read_parquet(root / "03_primary/titles.parquet")
        test = pd.read_parquet(root / "05_model_input/test_weeks.parquet")
        forecasts = _generation(output / "test_forecasts")
        wide = forecasts.pivot_table(index=["isbn", "week"], columns="model", values="mean")
        happened = test.set_index(["isbn", "week"])["volume"].reindex(wide.index)
        known = happened.notna() & wide.index.get_level_values(0).isin(self.seasons["isbn"])
        self.wide, self.happened = wide[known], happened[known]

    def wape(self, families: Sequence[str], *, equal: bool = False) -> float:
        """Of ensembles of some families."""
        names = list(families)
        ensembles, *_ = weigh_families(
            self.said[["isbn", "cutoff", "week", *names]],
            self.seasons,
            self.training,
            self.titles,
            names,
            [80],
        )
        found = {row["isbn"]: json.loads(row["weights"]) for row in ensembles.to_dict("records")}
        table = pd.DataFrame(found).T.reindex(columns=names).fillna(0.0)
        if equal:
            table[:] = 1.0 / len(names)
        shares = table.loc[self.wide.index.get_level_values(0)].to_numpy()
        means = self.wide.reindex(columns=names).to_numpy()
        there = np.isfinite(means)
        weighted = np.where(there, shares, 0.0)
        total = np.maximum(weighted.sum(axis=1), 1e-12)
        mean = (np.where(there, means, 0.0) * weighted).sum(axis=1) / total
        return float(np.abs(mean - self.happened).sum() / self.happened.sum())


def _generation(path: Path) -> pd.DataFrame:
    loaded: pd.DataFrame = GenerationDataset(filepath=str(path)).load()
    return loaded
