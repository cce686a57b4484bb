"""The effect of each family, each step of the weights and each part of the models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

from benchmarks.accuracy.sums import weights_by_week
from benchmarks.panel import Panel, forecast_panel
from benchmarks.runs import configured, markdown_table
from book_forecast.datasets import GenerationDataset
from book_forecast.forecasters import families as fits
from book_forecast.forecasters import weights
from book_forecast.options.values import FAMILIES, Family
from book_forecast.pipelines.tune import folds as compared
from book_forecast.pipelines.tune.weighting import weigh_families
from book_forecast.series.history import WEEK
from book_forecast.series.seasonality import Seasonality, detect

HORIZON = 32
WITHOUT_SARIMA: tuple[Family, ...] = tuple(name for name in FAMILIES if name != "sarima")


def families_section(roots: Mapping[str, Path]) -> str:
    """Return the part of the page on families and weights, as Markdown.

    Args:
        roots: Data roots of finished runs by name.
    """
    runs = [_Run(root) for root in roots.values()]
    rows = {"everything": [run.wape(FAMILIES) for run in runs]}
    for family in FAMILIES:
        rest = [name for name in FAMILIES if name != family]
        rows[f"without {family}"] = [run.wape(rest) for run in runs]
    rows["equal weights"] = [run.wape(FAMILIES, equal=True) for run in runs]
    with patch.object(weights, "TILT", 0.0):
        rows["the same weights for all titles"] = [run.wape(FAMILIES) for run in runs]
    head = (
        "## Effect of each part\n\n"
        "WAPE on the test weeks of the same titles, each part off in turn, and the mean change.\n"
    )
    return _table(head, roots, rows)


def parts_section(roots: Mapping[str, Path]) -> str:
    """Return the part of the page on parts of the models, as Markdown.

    Each is off in turn for a whole ensemble, with folds, weights and fits of its own. SARIMA is
    left out: its search takes longer than all the rest and uses none of these parts.

    Args:
        roots: Data roots of finished runs by name.
    """
    panels = [(_panel(root), _test_weeks(root)) for root in roots.values()]
    rows = {}
    for name, change, patched in PARTS:
        with patched():
            rows[name] = [_wape(change(panel), test) for panel, test in panels]
    head = (
        "### Parts of the models\n\n"
        "WAPE on the test weeks, each part off in turn and all chosen anew, without `sarima`.\n"
    )
    return _table(head, roots, rows)


def _table(head: str, names: Iterable[str], rows: dict[str, list[float]]) -> str:
    """Return a row per ablation with its mean change from the first one."""
    base = np.array(next(iter(rows.values())))
    changes = {name: f"{np.mean(values / base) - 1.0:+.1%}" for name, values in rows.items()}
    changes[next(iter(rows))] = ""
    shown = [[n, *(f"{wape:.3f}" for wape in rows[n]), change] for n, change in changes.items()]
    return f"{head}\n{markdown_table(['', *names, ''], shown)}"


class _Run:
    """The tables of a finished run."""

    def __init__(self, root: Path) -> None:
        tables = ("fold_forecasts", "seasons", "sarima_orders")
        self.tables = [_generation(root / "06_models" / name) for name in tables]
        self.training = pd.read_parquet(root / "05_model_input/training_weeks.parquet")
        self.titles = pd.read_parquet(root / "03_primary/titles.parquet")
        forecasts = _generation(root / "07_model_output/test_forecasts")
        wide = forecasts.pivot_table(index=["isbn", "week"], columns="model", values="mean")
        actual = _test_weeks(root).reindex(wide.index)
        known = actual.notna() & wide.index.get_level_values(0).isin(self.tables[1]["isbn"])
        self.wide, self.actual = wide[known], actual[known]

    def wape(self, families: Sequence[Family], *, equal: bool = False) -> float:
        """Return the error of ensembles of some families."""
        names = list(families)
        models = configured().model_copy(update={"families": names})
        folds, seasons, orders = self.tables
        folds = folds[["isbn", "cutoff", "week", *names]]
        specifications, *_ = weigh_families(
            folds, seasons, orders, self.training, self.titles, models, [80]
        )
        weighted = specifications.dropna(subset=["weights"]).set_index("isbn")
        table = weights_by_week(weighted, names, HORIZON)
        if equal:
            table[:] = 1.0 / len(names)
        titles = pd.Series(range(len(weighted)), weighted.index)
        of_row = titles.loc[self.wide.index.get_level_values("isbn")].to_numpy()
        weeks = self.wide.index.get_level_values("week")
        ahead = ((weeks - self.training["week"].max()) // WEEK).to_numpy() - 1
        shares = table[of_row, :, ahead]
        means = self.wide.reindex(columns=names).to_numpy()
        mean = np.nan_to_num(weights.combine(means[:, :, None], shares[:, :, None])[:, 0])
        return float(np.abs(mean - self.actual).sum() / self.actual.sum())


def _generation(path: Path) -> pd.DataFrame:
    loaded: pd.DataFrame = GenerationDataset(filepath=str(path)).load()
    return loaded


def _panel(root: Path) -> Panel:
    weeks = pd.read_parquet(root / "05_model_input/training_weeks.parquet")
    titles = pd.read_parquet(root / "03_primary/titles.parquet")
    covariates = pd.read_parquet(root / "05_model_input/covariates.parquet")
    return Panel(weeks, titles, HORIZON, calendar=True, covariates=covariates)


def _test_weeks(root: Path) -> pd.Series:
    test = pd.read_parquet(root / "05_model_input/test_weeks.parquet")
    return test.set_index(["isbn", "week"])["volume"]


def _wape(panel: Panel, test: pd.Series) -> float:
    # A single process, so that patches apply.
    forecasts, _, _ = forecast_panel(panel, WITHOUT_SARIMA, n_jobs=1)
    ours = forecasts[forecasts["model"] == "ensemble"]
    mean = ours.set_index(["isbn", "week"])["mean"]
    actual = test.reindex(mean.index)
    return float((mean - actual).abs().sum() / actual.sum())


def _as_it_is(panel: Panel) -> Panel:
    return panel


def _without_promotions(panel: Panel) -> Panel:
    return replace(panel, weeks=panel.weeks.assign(promotion=0.0), covariates=None)


def _without_cleaning() -> AbstractContextManager[object]:
    nothing = lambda history, _: (history, np.zeros(history.n_weeks))  # noqa: E731
    return patch.object(fits, "clean", nothing)


def _always_a_year() -> AbstractContextManager[object]:
    year = Seasonality(season=52, p_value=0.0, strength=1.0)
    # Histories of fewer than two years have no season of a year.
    always = lambda logs: year if len(logs) >= 2 * year.season else detect(logs)  # noqa: E731
    return patch.object(compared, "detect", always)


PARTS: tuple[
    tuple[str, Callable[[Panel], Panel], Callable[[], AbstractContextManager[object]]], ...
] = (
    ("everything", _as_it_is, nullcontext),
    ("without the calendar", lambda panel: replace(panel, calendar=False), nullcontext),
    ("without promotions", _without_promotions, nullcontext),
    ("without the cleaning of outliers", _as_it_is, _without_cleaning),
    ("52 weeks for all, without a test", _as_it_is, _always_a_year),
)
