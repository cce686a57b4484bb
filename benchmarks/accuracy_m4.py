"""The weekly series of the M4 competition, horizon 13, scored by its formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.panel import forecast_panel, panel_of
from benchmarks.runs import markdown_table

HORIZON = 13
LEVEL = 95


def section(data: Path, *, quick: bool) -> str:
    """Return the part of the page, as Markdown."""
    train, test = (_series(data / f"m4_weekly/{name}.csv.gz") for name in ("train", "test"))
    if quick:
        train = dict(list(train.items())[::20])
    forecasts, board, seconds = forecast_panel(panel_of(train, HORIZON), levels=(LEVEL,))
    rows = {
        str(model): scores(rows, train, test)
        for model, rows in forecasts.groupby(forecasts["model"].astype(str), sort=False)
    }
    naive = rows["naive"]
    for found in rows.values():
        found["owa"] = (found["smape"] / naive["smape"] + found["mase"] / naive["mase"]) / 2
    weights = board[board["isbn"] == "all"].set_index("family")["weight"].map("{:.2f}".format)
    shown = [
        (
            *(model, f"{found['owa']:.3f}", f"{found['smape']:.2f}", f"{found['mase']:.2f}"),
            *(f"{found['msis']:.1f}", f"{found['coverage']:.3f}"),
            "" if model == "ensemble" else weights.get(model, "0.00"),
        )
        for model, found in sorted(rows.items(), key=lambda item: item[1]["owa"])
    ]
    columns = "model", "OWA", "sMAPE", "MASE", "MSIS at 95 %", "coverage", "mean weight"
    return (
        f"## M4 weekly: {len(train)} series\n\n"
        f"{seconds / len(train):.1f} s of wall time a series on all cores.\n\n"
        f"{markdown_table(columns, shown)}"
    )


def _series(path: Path) -> dict[str, np.ndarray]:
    frame = pd.read_csv(path).sort_values(["series_id", "t"])
    return {str(name): rows["value"].to_numpy() for name, rows in frame.groupby("series_id")}


def scores(
    rows: pd.DataFrame, train: dict[str, np.ndarray], test: dict[str, np.ndarray]
) -> dict[str, float]:
    """Return one model's mean scores over the series, by the competition's formulas.

    sMAPE is 200 |y - f| / (|y| + |f|), MASE is scaled by last week's value (m = 1), MSIS is the
    interval score beside the same scale.
    """
    found = []
    for name, own in rows.groupby(rows["isbn"].astype(str)):
        actual, mean = test[str(name)][: len(own)], own["mean"].to_numpy()
        low, high = (own[f"{side}-{LEVEL}"].to_numpy() for side in ("lo", "hi"))
        scale = np.mean(np.abs(np.diff(train[str(name)])))
        errors = np.abs(actual - mean)
        penalty = np.maximum(low - actual, 0.0) + np.maximum(actual - high, 0.0)
        found.append(
            {
                "smape": np.mean(200.0 * errors / (np.abs(actual) + np.abs(mean))),
                "mase": np.mean(errors) / scale,
                "msis": np.mean(high - low + 2.0 / (1.0 - LEVEL / 100.0) * penalty) / scale,
                "coverage": np.mean((actual >= low) & (actual <= high)),
            }
        )
    means = pd.DataFrame(found).mean()
    return {str(name): float(value) for name, value in means.items()}
