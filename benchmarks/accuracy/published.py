"""GIFT-Eval's published figures, and its rule for the number of test cutoffs."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml

PUBLISHED: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("published.yml").read_text(encoding="utf-8")
)
"""By data set: horizon, windows, series, figures by system."""

_SHARE, _MOST = 0.1, 20


def windows(dataset: str, shortest: int, horizon: int) -> int:
    """Return how many test cutoffs GIFT-Eval has, a horizon apart.

    Args:
        dataset: As in `PUBLISHED`.
        shortest: Weeks of the shortest series.
        horizon: Weeks ahead.
    """
    fixed: int | None = PUBLISHED[dataset]["windows"]
    return fixed or min(_MOST, max(1, math.ceil(_SHARE * shortest / horizon)))


def beside(dataset: str) -> list[list[str]]:
    """Return rows of a table: system, MASE, weighted quantile loss, MSIS."""
    return [
        [system, *(_shown(figures.get(name)) for name in ("mase", "wql", "msis"))]
        for system, figures in PUBLISHED[dataset]["figures"].items()
    ]


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
