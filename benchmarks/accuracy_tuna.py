"""Dominick's canned tuna: real weekly units with promotions and gaps, at eight rolling origins."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.panel import LAST_WEEK, forecast_panel, panel_of
from benchmarks.runs import markdown_table
from book_forecast.forecasters.filling import fill_missing
from book_forecast.options.models import RegressorOptions

HORIZON, ORIGINS, PRODUCTS = 13, 8, 7
SEASON = 52
COVARIATES = {"price": "LPRICE", "display": "NSALE"}
WITH_PRICES = ("book_forecast", "regression", "boosting")
KNOWN = RegressorOptions(futures=dict.fromkeys(COVARIATES, "known"))


def section(data: Path, *, quick: bool) -> str:
    """Return the part of the page, as Markdown."""
    table = _table(data / "dominicks_tuna_weekly.csv")
    series = {f"tuna-{k}": table[f"MOVE{k}"].to_numpy() for k in range(1, PRODUCTS + 1)}
    n = len(table)
    origins = [n - HORIZON * (k + 1) for k in range(2 if quick else ORIGINS)]
    errors: dict[str, list[float]] = {}
    sold: list[float] = []
    for origin in origins:
        past = {name: values[:origin] for name, values in series.items()}
        actual = np.stack([values[origin : origin + HORIZON] for values in series.values()])
        sold.append(float(np.nansum(actual)))
        for model, mean in _forecasts(past, table, origin).items():
            errors.setdefault(model, []).append(float(np.nansum(np.abs(mean - actual))))
    wapes = sorted((sum(values) / sum(sold), model) for model, values in errors.items())
    rows = [(model, f"{wape:.3f}") for wape, model in wapes]
    return (
        f"## Canned tuna: {PRODUCTS} products, {len(origins)} origins, horizon {HORIZON}\n\n"
        "WAPE over all origins and products. statsforecast's models see series with gaps filled."
        f"\n\n{markdown_table(['model', 'WAPE'], rows)}"
    )


def _table(path: Path) -> pd.DataFrame:
    """Return all weeks from the first to the last; weeks without a row or units are missing."""
    table = pd.read_csv(path).set_index("WEEK")
    table = table.reindex(range(table.index.min(), table.index.max() + 1))
    units = [f"MOVE{k}" for k in range(1, PRODUCTS + 1)]
    table[units] = table[units].where(table[units] > 0)
    return table


def _forecasts(
    past: dict[str, np.ndarray], table: pd.DataFrame, origin: int
) -> dict[str, np.ndarray]:
    """Return each model's forecasts, shape (products, horizon)."""
    panel = panel_of(past, HORIZON)
    known = replace(panel, covariates=_covariates(table, origin), rules=KNOWN)
    found: dict[str, np.ndarray] = {}
    for label, one in (("prices known", known), ("without prices", panel)):
        forecasts, _, _ = forecast_panel(one, levels=(80,))
        for model, rows in forecasts.groupby(forecasts["model"].astype(str)):
            mean = rows.pivot_table(index="isbn", columns="week", values="mean").loc[list(past)]
            name = "book_forecast" if model == "ensemble" else str(model)
            if name in WITH_PRICES:
                found[f"{name}, {label}"] = mean.to_numpy()
            else:
                found[name] = mean.to_numpy()
    for name, make in _rivals().items():
        found[f"statsforecast {name}"] = np.stack([_rival(make, v) for v in past.values()])
    return found


def _covariates(table: pd.DataFrame, origin: int) -> pd.DataFrame:
    """Return prices and displays up to the horizon, with gaps filled forward."""
    parts = []
    weeks = LAST_WEEK + pd.to_timedelta(7 * (np.arange(origin + HORIZON) - origin + 1), unit="D")
    for k in range(1, PRODUCTS + 1):
        for name, column in COVARIATES.items():
            values = table[f"{column}{k}"].ffill().bfill().to_numpy()[: origin + HORIZON]
            parts.append(
                pd.DataFrame({"isbn": f"tuna-{k}", "week": weeks, "name": name, "value": values})
            )
    frame = pd.concat(parts, ignore_index=True)
    return frame.astype({"isbn": "str", "name": "str", "week": "datetime64[us]"})


def _rivals() -> dict[str, Callable[[], Any]]:
    from statsforecast.models import MSTL, AutoARIMA, AutoETS, SeasonalNaive
    from statsforecast.models import Theta as TheirTheta

    return {
        "AutoARIMA": AutoARIMA,
        "MSTL(52) with AutoARIMA": lambda: MSTL(SEASON, trend_forecaster=AutoARIMA()),
        "AutoETS": AutoETS,
        "Theta(52)": lambda: TheirTheta(season_length=SEASON),
        "seasonal naive": lambda: SeasonalNaive(SEASON),
    }


def _rival(make: Callable[[], Any], values: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mean = make().forecast(y=fill_missing(values, SEASON), h=HORIZON)["mean"]
    return np.maximum(np.asarray(mean, dtype=np.float64), 0.0)
