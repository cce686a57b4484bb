"""The product beside single families, their simple mean and rivals, on one panel and over all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import gmean
from utilsforecast import losses

from benchmarks.accuracy.origins import OURS, Origin
from benchmarks.accuracy.rivals import PREFIX
from benchmarks.accuracy.scoring import ERRORS, SIMPLE_MEAN, families_of, value

TOLERANCE = 5.0
"""Points by which coverage may be off its level."""
BEST = "best single family"
_ENOUGH = 0.9
"""Share of the titles that a family must forecast to count as the best one."""


def best_family(scores: pd.DataFrame, metric: str) -> str:
    """Return the family with the least error beside the product's on the same titles.

    Args:
        scores: A row per model, as `score_panel` returns it.
        metric: One of `ERRORS`.
    """
    families = scores.loc[families_of(scores)]
    families = families[families["share"] >= _ENOUGH]
    ratio = families[metric].astype(float) / families[f"ours_{metric}"].astype(float)
    return str(ratio.idxmin())


def ratios(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return errors of the product over those of others: a row per panel and other model.

    Args:
        tables: Scores by panel.

    Returns:
        panel, beside, and `ERRORS`; NaN where the other has no error.
    """
    rows = []
    for panel, scores in tables.items():
        best = {metric: _ratio(scores, best_family(scores, metric), metric) for metric in ERRORS}
        rows.append({"panel": panel, "beside": BEST, **best})
        others = [SIMPLE_MEAN, "seasonal_naive", *sorted(n for n in scores.index if PREFIX in n)]
        rows += [
            {"panel": panel, "beside": other, **{m: _ratio(scores, other, m) for m in ERRORS}}
            for other in others
            if other in scores.index
        ]
    return pd.DataFrame(rows)


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of those that are positive and finite; NaN without any."""
    known = [v for v in values if np.isfinite(v) and v > 0]
    return float(gmean(known)) if known else float("nan")


def beaten(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, str, float, float]]:
    """Return panel, model, its WAPE and the product's on the same titles, where that is larger."""
    found = []
    for panel, scores in tables.items():
        counts = (scores["share"] >= _ENOUGH) | scores.index.str.startswith(PREFIX)
        better = map(str, scores.index[counts & (scores["wape"] < scores["ours_wape"])])
        found += [
            (panel, name, value(scores, name, "wape"), value(scores, name, "ours_wape"))
            for name in better
        ]
    return found


def off_coverage(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, int, float]]:
    """Return panel, level and the product's coverage where it is off by more than `TOLERANCE`."""
    shares = [
        (panel, level, value(scores, OURS, f"coverage-{level}"))
        for panel, scores in tables.items()
        for level in (80, 95)
    ]
    return [found for found in shares if abs(100.0 * found[2] - found[1]) > TOLERANCE]


def owa(scores: pd.DataFrame, origins: Sequence[Origin]) -> float:
    """Return the mean of the ratios of sMAPE and MASE to the naive forecast's, as M4 has it."""
    smape = {}
    for model in (OURS, "naive"):
        rows = pd.concat([_known(origin, model) for origin in origins], ignore_index=True)
        found = losses.smape(rows, ["mean"], id_col="panel", target_col="volume")
        smape[model] = float(found["mean"].iloc[0])
    mase = scores["mase_of_mean"].astype(float)
    return float((smape[OURS] / smape["naive"] + mase[OURS] / mase["naive"]) / 2)


def _known(origin: Origin, model: str) -> pd.DataFrame:
    rows = origin.forecasts[origin.forecasts["model"] == model]
    known = origin.weeks.dropna(subset=["volume"])
    return rows[["isbn", "week", "mean"]].merge(known, on=["isbn", "week"]).assign(panel="all")


def _ratio(scores: pd.DataFrame, other: str, metric: str) -> float:
    theirs, ours = value(scores, other, metric), value(scores, other, f"ours_{metric}")
    return ours / theirs if theirs > 0 else float("nan")
