"""The families of single models by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.boosting_member import Boosting
from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from book_forecast.forecasters.paths import Ets, Intermittent, Mstl, Theta
from book_forecast.forecasters.regression import Regression
from book_forecast.forecasters.sarima import Sarima

FAMILIES: dict[str, type[FittedForecaster]] = {
    family.family: family
    for family in (
        Sarima,
        Regression,
        Ets,
        Theta,
        Mstl,
        Intermittent,
        Boosting,
        SeasonalNaive,
        Naive,
        Zero,
    )
}


def restore_member(family: str, state: Mapping[str, Any]) -> FittedForecaster:
    """Restore a fitted single model from its family's name and its state.

    Raises:
        ValueError: If there is no such family.
    """
    if family not in FAMILIES:
        raise ValueError(f"There is no model family {family!r}; there are {', '.join(FAMILIES)}.")
    return FAMILIES[family].from_state(state)
