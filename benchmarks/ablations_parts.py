"""What the calendar, promotions, the cleaning of bursts and the season test are worth.

Each is off in turn for a whole ensemble, which is compared, weighed and fitted anew;
without SARIMA, whose search would take longer than all the rest and knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.panel import Panel, forecast_panel
from book_forecast.forecasters import families as fits
from book_forecast.options.values import FAMILIES
from book_forecast.pipelines.tune import families as compared
from book_forecast.series.seasonality import Seasonality, detect

HORIZON = 32
MEMBERS = tuple(name for name in FAMILIES if name != "sarima")
LEVELS = (80, 95)


def section(roots: Sequence[Path]) -> str:
    """The part of the page, as Markdown.

    Args:
        roots: Data folders of finished runs.
    """
    panels = [(_panel(root), _happened(root)) for root in roots]
    lines = [
        "### Parts of the models\n",
        "WAPE on the test weeks, each part off in turn and all chosen anew, without `sarima`.\n",
        f"| | {' | '.join(root.name for root in roots)} | |",
        f"|---|{'---|' * (len(roots) + 1)}",
    ]
    base: list[float] = []
    for name, change, patched in PARTS:
        values = []
        for panel, happened in panels:
            with patched():
                values.append(_wape(change(panel), happened))
        base = base or values
        mean = np.mean(np.array(values) / np.array(base)) - 1.0
        shown = "" if values is base else f"{mean:+.1%}"
        lines.append(f"| {name} | {' | '.join(f'{v:.3f}' for v in values)} | {shown} |")
    return "\n".join(lines) + "\n"


def _panel(root: Path) -> Panel:
    weeks = pd.read_parquet(root / "05_model_input/training_weeks.parquet")
    titles = pd.read_parquet(root / "03_primary/titles.parquet")
    regressors = pd.read_parquet(root / "05_model_input/regressors.parquet")
    return Panel(weeks, titles, HORIZON, HORIZON, calendar=True, regressors=regressors)


def _happened(root: Path) -> pd.Series:
    test = pd.read_parquet(root / "05_model_input/test_weeks.parquet")
    return test.set_index(["isbn", "week"])["volume"]


def _wape(panel: Panel, happened: pd.Series) -> float:
    # One process, in which the parts that are off are off.
    forecasts, _, _ = forecast_panel(panel, MEMBERS, LEVELS, n_jobs=1)
    ours = forecasts[forecasts["model"] == "ensemble"]
    mean = ours.set_index(["isbn", "week"])["mean"]
    known = happened.reindex(mean.index)
    return float((mean - known).abs().sum() / known.sum())


def _as_it_is(panel: Panel) -> Panel:
    return panel


def _without_calendar(panel: Panel) -> Panel:
    return replace(panel, calendar=False)


def _without_promotions(panel: Panel) -> Panel:
    return replace(panel, weeks=panel.weeks.assign(promotion=0.0), regressors=None)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _in_place_of(module: Any, name: str, value: Any) -> Iterator[None]:
    usual = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, usual)


def _no_cleaning() -> Any:
    nothing = lambda history, _: (history, np.zeros(history.n_weeks, dtype=bool))  # noqa: E731
    return _in_place_of(fits, "clean", nothing)


def _always_a_year() -> Any:
    year = Seasonality(season=52, p_value=0.0, strength=1.0)
    # Where the test could not find one either there is none.
    return _in_place_of(
        compared, "detect", lambda logs: year if len(logs) >= 2 * year.season else detect(logs)
    )


PARTS: tuple[tuple[str, Callable[[Panel], Panel], Callable[[], Any]], ...] = (
    ("everything", _as_it_is, _nothing),
    ("without the calendar", _without_calendar, _nothing),
    ("without promotions", _without_promotions, _nothing),
    ("without the cleaning of bursts", _as_it_is, _no_cleaning),
    ("52 weeks for all, without a test", _as_it_is, _always_a_year),
)
