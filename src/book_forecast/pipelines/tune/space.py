"""The search space of SARIMA orders for one title."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from book_forecast.forecasters.sarima import Candidate
from book_forecast.options.models import SearchOptions, SeedOptions
from book_forecast.sarima import ORDERS, Specification
from book_forecast.sarima.arrays import IntArray
from book_forecast.sarima.specification import Trend

SEASONAL = ("P", "D", "Q")
_in_order = itemgetter(*ORDERS, "transform")

Parameters = dict[str, Any]
"""The orders and the transform, by name."""


@dataclass(frozen=True)
class Space:
    """All combinations of the orders within their bounds and the transforms.

    Attributes:
        options: The bounds.
        season: Weeks in a season; 1 where the history is too short to show one.
        most_lags: Largest P and Q; with a seasonal lag a season the likelihood degenerates.
        isbn: The title, whose seeds are tried first.
    """

    options: SearchOptions
    season: int
    most_lags: int
    isbn: str = ""

    @classmethod
    def for_weeks(cls, options: SearchOptions, shortest: int, isbn: str) -> Space:
        """Return the space for folds of at least `shortest` weeks: seasonal from two seasons on."""
        seasons = shortest // options.season
        seasonal = options.season > 1 and seasons >= 2
        return cls(options, options.season if seasonal else 1, max(seasons - 1, 0), isbn)

    def bounds(self, order: str) -> tuple[int, int]:
        """Smallest and largest value of an order."""
        if self.season == 1 and order in SEASONAL:
            return 0, 0
        limits = getattr(self.options, order)
        if order in ("P", "Q"):
            return min(limits.lowest, self.most_lags), min(limits.highest, self.most_lags)
        return limits.lowest, limits.highest

    def distributions(self) -> dict[str, BaseDistribution]:
        """Return Optuna's description of the space, widened to the seeds outside of it."""
        found: dict[str, BaseDistribution] = {}
        for order in ORDERS:
            values = [*self.bounds(order), *(seed[order] for seed in self.seeds)]
            found[order] = IntDistribution(min(values), max(values))
        found["transform"] = CategoricalDistribution(self.options.transforms)
        return found

    def suggest(self, trial: optuna.Trial) -> Parameters:
        """Let a trial choose a point."""
        return {
            name: trial.suggest_int(name, distribution.low, distribution.high)
            if isinstance(distribution, IntDistribution)
            else trial.suggest_categorical(name, self.options.transforms)
            for name, distribution in self.distributions().items()
        }

    @cached_property
    def seeds(self) -> list[Parameters]:
        """The title's seeds, each once, with the seasonal orders that the history can show."""
        found = [self._seed(seed) for seed in self.options.seeds_for(self.isbn)]
        return list({key(parameters): parameters for parameters in found}.values())

    def _seed(self, seed: SeedOptions) -> Parameters:
        orders = dict(zip(ORDERS, (*seed.order, *seed.seasonal_order), strict=True))
        if self.season == 1:
            orders |= dict.fromkeys(SEASONAL, 0)
        orders |= {order: min(orders[order], self.most_lags) for order in ("P", "Q")}
        return {**orders, "transform": self.options.transforms[0]}

    @cached_property
    def points(self) -> list[Parameters]:
        """Every point of the space, in a fixed order."""
        ranges = [range(low, high + 1) for low, high in map(self.bounds, ORDERS)]
        return [
            {**dict(zip(ORDERS, orders, strict=True)), "transform": transform}
            for *orders, transform in product(*ranges, self.options.transforms)
        ]

    def differences(self, parameters: Mapping[str, Any]) -> IntArray:
        """Count the orders in which each point differs from given ones; the transform is one."""
        return np.sum(self._codes != self._code(parameters), axis=1)

    @cached_property
    def _codes(self) -> IntArray:
        return np.array([self._code(point) for point in self.points])

    def _code(self, parameters: Mapping[str, Any]) -> IntArray:
        transform = self.options.transforms.index(parameters["transform"])
        return np.array([*(parameters[order] for order in ORDERS), transform], dtype=np.int64)

    def candidate(self, parameters: Mapping[str, Any]) -> Candidate:
        """Return the model of parameters; it has a mean where nothing is differenced."""
        orders = {order: int(parameters[order]) for order in ORDERS}
        trend: Trend = "c" if orders["d"] + orders["D"] == 0 else "n"
        return Candidate(
            Specification(**orders, s=self.season, trend=trend), parameters["transform"]
        )


def key(parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return parameters as a hashable key."""
    return _in_order(parameters)
