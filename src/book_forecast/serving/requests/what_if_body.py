"""The body of a what-if request, and the plan that it stands for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from book_forecast.payload.arrays import FloatArray
from book_forecast.payload.limits import HIGHEST_LEVEL, LOWEST_LEVEL
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.what_if import Effects, Plan, Regressors, level_path
from book_forecast.serving.errors import RequestError
from book_forecast.serving.requests.predict import DEFAULT_LEVELS, MOST_LEVELS
from book_forecast.serving.requests.weeks import WeeksAhead

MOST_CHANGES = 50
"""Promotions of a plan, and changes of regressors."""
MOST_TIMES = 100.0
"""Highest factor of a level of one's own."""
PRICES = ("price", "selling_price", "asp", "rrp", "list_price")
"""Regressors that a price stands for, the first that there is."""
_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Level = Annotated[float, Field(strict=True, ge=LOWEST_LEVEL, le=HIGHEST_LEVEL)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Span(_Part):
    first_week: dt.date = Field(description="A day of its first week.")
    last_week: dt.date | None = Field(
        None, description="A day of its last week; the first week alone if not given."
    )


class TriedPromotion(_Span):
    """A promotion."""

    depth: _Number = Field(
        ge=0.0,
        le=1.0,
        description="Discount beyond the usual one, as a share of the recommended price: 0.25 for "
        "a title with a usual discount of 10 % and a planned one of 35 %. 0 cancels a promotion.",
    )


class TriedPrice(_Span):
    """A price, where prices are a regressor of the release."""

    value: _Number = Field(gt=0.0)


class TriedRegressor(_Span):
    """A value of a regressor, such as what a campaign costs a week."""

    name: str = Field(min_length=1, max_length=100)
    value: _Number


class OwnLevel(_Part):
    """A level of one's own: after a prize, say, that no model knows of."""

    factor: _Number = Field(ge=0.0, le=MOST_TIMES, description="Of the copies in its first week.")
    first_week: dt.date = Field(description="A day of its first week.")
    half_life: _Number | None = Field(
        None,
        ge=0.1,
        le=LONGEST_HORIZON,
        description="Weeks in which half of the difference is gone; without it, the level stays.",
    )


class WhatIf(_Part):
    """A plan to be tried on a title. Of changes of the same week, the later one in a list holds."""

    horizon: int = Field(
        13, strict=True, ge=1, le=LONGEST_HORIZON, description="Weeks ahead to forecast."
    )
    levels: list[_Level] = Field(
        list(DEFAULT_LEVELS), max_length=MOST_LEVELS, description="Intervals in percent."
    )
    promotions: list[TriedPromotion] = Field([], max_length=MOST_CHANGES)
    price: TriedPrice | None = None
    regressors: list[TriedRegressor] = Field([], max_length=MOST_CHANGES)
    own_level: OwnLevel | None = None


def plan_of(asked: WhatIf, effects: Effects | None, weeks: WeeksAhead) -> Plan:
    """Return the plan of a request by week ahead, shape (104,) each.

    Args:
        asked: The request.
        effects: What the title's forecast reacts to; None if that is nothing.
        weeks: That may be planned.

    Raises:
        RequestError: If a week or value is out of bounds, which it names, or the release cannot
            answer for a regressor.
    """
    depths = np.full(LONGEST_HORIZON, np.nan)
    for place, promotion in enumerate(asked.promotions):
        depths[_span(promotion, weeks, f"promotions.{place}")] = promotion.depth
    models = Regressors() if effects is None else effects.regressors
    regressors: dict[str, FloatArray] = {}
    changes = [(f"regressors.{place}", one) for place, one in enumerate(asked.regressors)]
    if asked.price is not None:
        changes.append(("price", _as_regressor(asked.price, models)))
    for where, change in changes:
        span = _span(change, weeks, where)
        _check_value(where, change, models)
        if change.name in models.others:
            empty = np.full(LONGEST_HORIZON, np.nan)
            regressors.setdefault(change.name, empty)[span] = change.value
    level = np.ones(LONGEST_HORIZON)
    if (own := asked.own_level) is not None:
        first = weeks.place(own.first_week, "own_level.first_week")
        level = level_path(own.factor, first, own.half_life, LONGEST_HORIZON)
    return Plan(depths, regressors, level)


def _span(span: _Span, weeks: WeeksAhead, where: str) -> slice:
    first = weeks.place(span.first_week, f"{where}.first_week")
    if span.last_week is None:
        return slice(first, first + 1)
    last = weeks.place(span.last_week, f"{where}.last_week")
    if last < first:
        raise RequestError(422, f"{where}.last_week: it is before first_week.")
    return slice(first, last + 1)


def price_of(models: Regressors) -> str | None:
    """Return the regressor that a price stands for; None where there is none."""
    folded = {name.lower(): name for name in models.names}
    return next((folded[name] for name in PRICES if name in folded), None)


def _as_regressor(price: TriedPrice, models: Regressors) -> TriedRegressor:
    name = price_of(models)
    if name is None:
        raise RequestError(
            422,
            "price: prices are no regressor of this release, so it cannot answer for a price. A "
            "lower price is a promotion: give its depth, the discount beyond the usual one.",
        )
    return TriedRegressor(
        name=name, value=price.value, first_week=price.first_week, last_week=price.last_week
    )


def _check_value(where: str, change: TriedRegressor, models: Regressors) -> None:
    if change.name not in models.names:
        known = ", ".join(models.names)
        raise RequestError(
            422,
            f"{where}: this release has no regressor {change.name!r}, so it cannot answer for it. "
            + (f"It has {known}." if known else "It has none."),
        )
    if (regressor := models.others.get(change.name)) is None:
        return
    low, high = regressor.bounds
    if not low <= change.value <= high:
        raise RequestError(
            422,
            f"{where}.value: {change.value:g} is not within {low:g} to {high:g}. The past of this "
            f"title has {regressor.low:g} to {regressor.high:g}, and nothing is known far outside.",
        )
