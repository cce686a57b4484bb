"""The cross-validation of one title: its weeks, rolling origins and families."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from book_forecast.backtesting.rolling_origins import Fold, RollingOrigins
from book_forecast.forecasters.family_choice import used_families
from book_forecast.forecasters.sarima import Candidate
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import ModelOptions
from book_forecast.sarima import Specification
from book_forecast.series.history import FloatArray, History

# Weeks before an origin that a launch needs to be compared there.
FEWEST_WEEKS_BEFORE_FOLD = 8


@dataclass(frozen=True)
class FoldTask:
    """One title's cross-validation, complete for another process.

    Attributes:
        history: The training weeks.
        folds: Rolling origins inside of them, the latest first.
        models: Options of the families.
        families: Those that are compared.
        search_origins: Origins of the search's folds in the history.
        global_forecasts: Forecasts of models of all titles by cutoff and family.
        candidates: SARIMA orders, chosen without each of the search's folds in turn.
    """

    history: History
    folds: Sequence[Fold]
    models: ModelOptions
    families: tuple[str, ...]
    search_origins: Sequence[int]
    global_forecasts: Mapping[np.datetime64, Mapping[str, FloatArray]]
    candidates: Sequence[Candidate] = ()

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn

    def with_orders(self, row: Mapping[str, Any]) -> FoldTask:
        """Return the task with a row of `search_orders`: its orders, and its families."""
        found = row.get("fold_candidates")
        candidates = [
            Candidate(Specification(**item["specification"]), item["transform"])
            for item in json.loads(found if isinstance(found, str) else "[]")
        ]
        families = row.get("families")
        used = used_families(families) if isinstance(families, str) else self.families
        return replace(self, candidates=candidates, families=used)

    def candidate(self, fold: Fold) -> Candidate | None:
        """Return the orders chosen without the search's fold that shares most weeks with this one.

        A fold that lies between two of the search's has orders that know a part of its weeks.
        """
        near = sorted(
            zip(self.search_origins, self.candidates, strict=False),
            key=lambda pair: abs(pair[0] - fold.origin),
        )
        return near[0][1] if near else None


def at_common_weeks(origins: RollingOrigins) -> Callable[[History], list[Fold]]:
    """Return a function of a title that places its folds at the weeks of all titles."""
    return lambda history: origins.at_common_weeks(history.n_weeks, FEWEST_WEEKS_BEFORE_FOLD)


def fold_tasks(
    histories: Iterable[History],
    global_forecasts: Mapping[str, Mapping[np.datetime64, Mapping[str, FloatArray]]],
    models: ModelOptions,
    backtest: BacktestOptions,
    folds_of: Callable[[History], list[Fold]],
) -> list[FoldTask]:
    """Return the cross-validation of each title with every family, without SARIMA orders.

    Args:
        histories: The training weeks.
        global_forecasts: Forecasts of models of all titles by ISBN, cutoff and family.
        models: The families.
        backtest: The rolling origins of the search.
        folds_of: Returns the folds of a title.
    """
    return [
        FoldTask(
            history=history,
            folds=folds_of(history),
            models=models,
            families=tuple(models.families),
            search_origins=[
                fold.origin for fold in backtest.search_origins.of_title(history.volumes)
            ],
            global_forecasts=global_forecasts.get(history.isbn, {}),
        )
        for history in histories
    ]
