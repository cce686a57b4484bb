"""The model families by name: how each is fitted to a title, and restored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.global_models.members import (
    AcrossTitles,
    Autoregression,
    Boosting,
    Network,
)
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.level_shifts import LevelShift, find_shift
from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from book_forecast.forecasters.outliers import clean
from book_forecast.forecasters.pretrained import Pretrained
from book_forecast.forecasters.promotion_effects import PromotionEffects
from book_forecast.forecasters.regression import Regression
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.forecasters.statistical import Ets, Intermittent, Mstl, Theta
from book_forecast.options.models import PretrainedOptions
from book_forecast.series.history import YEAR, FloatArray, History


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was chosen for a title from its training weeks.

    Attributes:
        season: Weeks in a season; 1 for none.
        candidate: Orders and scale of the SARIMA model; None without one.
        calendar: Whether the English calendar applies to the title.
        global_forecasts: Copies in the weeks ahead, by families that learn from all titles.
        promotion_effects: Of promotions on these, by family; those without leave them unknown.
        start: SARIMA coefficients to begin from.
        pretrained: Weights that others have trained.
    """

    season: int = 52
    candidate: Candidate | None = None
    calendar: bool = True
    global_forecasts: Mapping[str, FloatArray] = field(default_factory=dict)
    promotion_effects: Mapping[str, PromotionEffects] = field(default_factory=dict)
    start: FloatArray | None = None
    pretrained: PretrainedOptions = field(default_factory=PretrainedOptions)


@dataclass(frozen=True, slots=True)
class FittedFamilies:
    """Models of one title, and why others are missing.

    Attributes:
        models: By family.
        failures: Reasons by family.
        outliers: Indices of weeks that are missing to the models.
        shift: A recent one, before which the models have the weeks on the new level; None without.
    """

    models: dict[str, FittedForecaster]
    failures: dict[str, str]
    outliers: tuple[int, ...]
    shift: LevelShift | None = None


def fit_families(
    history: History, recipe: Recipe, families: Collection[str], *, thorough: bool = True
) -> FittedFamilies:
    """Fit families to a title's weeks without outliers and level shift; any of them may fail.

    Args:
        history: The weeks.
        recipe: What was chosen.
        families: Their names.
        thorough: Whether SARIMA searches for optima beyond the nearest one.
    """
    cleaned, excess = clean(history, recipe.season)
    # The global model, which knows no outliers, finds the same shift.
    shift = find_shift(history.volumes)
    if shift is not None:
        cleaned = replace(cleaned, volumes=shift.moved(cleaned.volumes))
    models: dict[str, FittedForecaster] = {}
    failures: dict[str, str] = {}
    for family in families:
        try:
            model = FITS[family](cleaned, recipe, thorough)
            if not np.isfinite(model.forecast(1, ()).mean).all():
                raise ValueError("its forecast is not finite")
        except (ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            failures[family] = str(error)
        else:
            models[family] = model
    return FittedFamilies(models, failures, tuple(np.flatnonzero(excess).tolist()), shift)


def restore_member(family: str, state: Mapping[str, Any]) -> FittedForecaster:
    """Restore a fitted single model; raise `ValueError` if there is no such family."""
    if family not in FORECASTERS:
        raise ValueError(
            f"There is no model family {family!r}; there are {', '.join(FORECASTERS)}."
        )
    return FORECASTERS[family].from_state(state)


def _sarima(history: History, recipe: Recipe, thorough: bool) -> FittedForecaster:
    if recipe.candidate is None:
        raise ValueError("tune has found no orders for it")
    return Sarima.fit(history, recipe.candidate, recipe.start, thorough=thorough)


def _regression(history: History, recipe: Recipe, _: bool) -> FittedForecaster:
    # Its shrinkage finds weaker seasons than the season test does.
    season = YEAR if recipe.season == 1 else recipe.season
    return Regression.fit(history, season, calendar=recipe.calendar, outliers=False)


def _across_titles(member: type[AcrossTitles], history: History, recipe: Recipe) -> AcrossTitles:
    if member.family not in recipe.global_forecasts:
        raise ValueError(f"{member.family} has no forecast of it: too few known weeks or titles")
    path = recipe.global_forecasts[member.family]
    return member.from_forecast(history, path, recipe.promotion_effects.get(member.family))


Fit = Callable[[History, Recipe, bool], FittedForecaster]
FITS: dict[str, Fit] = {
    "sarima": _sarima,
    "regression": _regression,
    "ets": lambda history, recipe, _: Ets.fit(history, recipe.season),
    "theta": lambda history, recipe, _: Theta.fit(history, recipe.season),
    "mstl": lambda history, recipe, _: Mstl.fit(history, recipe.season),
    "intermittent": lambda history, recipe, _: Intermittent.fit(history, recipe.season),
    "boosting": lambda history, recipe, _: _across_titles(Boosting, history, recipe),
    "autoregression": lambda history, recipe, _: _across_titles(Autoregression, history, recipe),
    "network": lambda history, recipe, _: _across_titles(Network, history, recipe),
    "seasonal_naive": lambda history, _, __: SeasonalNaive.fit(history),
    "naive": lambda history, _, __: Naive.fit(history),
    "pretrained": lambda history, recipe, _: Pretrained.from_weights(history, recipe.pretrained),
}
"""The possible members of an ensemble."""
FORECASTERS: dict[str, type[FittedForecaster]] = {
    model.family: model
    for model in (
        *(Sarima, Regression, Ets, Theta, Mstl, Intermittent, Boosting, Autoregression),
        *(Network, Pretrained, SeasonalNaive, Naive, Zero, Launch),
    )
}
"""All families of single models."""
FILTERING = frozenset({Sarima.family, Regression.family})
"""Families that filter all weeks of a history for a forecast, which is slow."""
ACROSS_TITLES = frozenset(name for name in FITS if FORECASTERS[name].capabilities.across_titles)
