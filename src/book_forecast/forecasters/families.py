"""How each family is fitted to a title, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.boosting_member import Boosting
from book_forecast.forecasters.naive import Naive, SeasonalNaive
from book_forecast.forecasters.outliers import clean
from book_forecast.forecasters.paths import Ets, Intermittent, Mstl, Theta
from book_forecast.forecasters.registry import FAMILIES
from book_forecast.forecasters.regression import Regression
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.series.history import YEAR, FloatArray, History


@dataclass(frozen=True, slots=True)
class Recipe:
    """What was chosen for a title from its training weeks.

    Attributes:
        season: Weeks in a season; 1 where none was found.
        candidate: Orders and scale of the SARIMA model; None where there is none.
        calendar: Whether the calendar's windows mean anything for the title.
        paths: Forecasts by families that learn from all titles, each of 156 weeks.
        start: SARIMA coefficients to begin from.
    """

    season: int = 52
    candidate: Candidate | None = None
    calendar: bool = True
    paths: Mapping[str, FloatArray] = field(default_factory=dict)
    start: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Fits:
    """Models of one title, and why others are missing.

    Attributes:
        models: By family.
        failures: Reasons by family.
        bursts: Places of weeks that the models did not see.
    """

    models: dict[str, FittedForecaster]
    failures: dict[str, str]
    bursts: tuple[int, ...]


def fit_families(
    history: History, recipe: Recipe, families: Collection[str], *, thorough: bool = True
) -> Fits:
    """Fits families to a title's weeks without its bursts, each of which may refuse.

    Args:
        history: The weeks.
        recipe: What was chosen.
        families: Their names.
        thorough: Whether SARIMA spends time on other optima than the nearest.
    """
    cleaned, excess = clean(history, recipe.season)
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
    return Fits(models, failures, tuple(np.flatnonzero(excess).tolist()))


def _sarima(history: History, recipe: Recipe, thorough: bool) -> FittedForecaster:
    if recipe.candidate is None:
        raise ValueError("tune has found no orders for it")
    return Sarima.fit(history, recipe.candidate, recipe.start, thorough=thorough)


def _regression(history: History, recipe: Recipe, _: bool) -> FittedForecaster:
    # It shrinks what the weeks do not speak for, and finds weaker seasons than the test does.
    season = YEAR if recipe.season == 1 else recipe.season
    return Regression.fit(history, season, calendar=recipe.calendar, outliers=False)


def _boosting(history: History, recipe: Recipe, _: bool) -> FittedForecaster:
    if Boosting.family not in recipe.paths:
        raise ValueError("the model of all titles says nothing of it")
    return Boosting.from_path(history, recipe.paths[Boosting.family])


Fit = Callable[[History, Recipe, bool], FittedForecaster]
FITS: dict[str, Fit] = {
    "sarima": _sarima,
    "regression": _regression,
    "ets": lambda history, recipe, _: Ets.fit(history, recipe.season),
    "theta": lambda history, recipe, _: Theta.fit(history, recipe.season),
    "mstl": lambda history, recipe, _: Mstl.fit(history, recipe.season),
    "intermittent": lambda history, recipe, _: Intermittent.fit(history, recipe.season),
    "boosting": _boosting,
    "seasonal_naive": lambda history, _, __: SeasonalNaive.fit(history),
    "naive": lambda history, _, __: Naive.fit(history),
}
"""What may be a member of an ensemble."""
ACROSS_TITLES = frozenset(name for name in FITS if FAMILIES[name].capabilities.across_titles)
