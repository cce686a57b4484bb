"""Response bodies of what planners ask of one title, for the OpenAPI document."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from book_forecast.releases.challenges import Arm
from book_forecast.serving.routes.schemas import ARM, ErrorDetail, Interval, SumInterval

BODY_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorDetail, "description": "The body is no JSON."},
    408: {"model": ErrorDetail, "description": "The body did not arrive in time."},
    413: {"model": ErrorDetail, "description": "The body is too large."},
}
"""What may be wrong with a body before it is read."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PlanSum(_Strict):
    """All weeks of the horizon together, from the joint distribution of the weeks."""

    mean: float = Field(description="Copies: the sum of the weekly means.")
    expected: float = Field(description="Copies: the mean of the sum's distribution.")
    intervals: list[SumInterval]


class PlanForecast(_Strict):
    """A forecast, with or without the plan."""

    mean: list[float] = Field(description="Copies a week.")
    intervals: list[Interval]
    sum: PlanSum


class PlanDifference(_Strict):
    """What the plan changes."""

    copies: float = Field(description="Of the sums' means.")
    share: float | None = Field(description="Of the sum without the plan; null if that is 0.")


class PlannedPromotion(_Strict):
    """A row of `01_raw/promotions/`."""

    isbn: str
    week: dt.date = Field(description="Saturday.")
    depth: float


class WhatIfAnswer(_Strict):
    """A title's forecast without and with a plan."""

    isbn: str
    arm: Arm = ARM
    release: str
    cutoff: dt.date = Field(description="Saturday of the last week before the forecast.")
    weeks: list[dt.date] = Field(description="Saturdays.")
    plain: PlanForecast = Field(description="Without the plan: the forecast of the release.")
    changed: PlanForecast = Field(description="With the plan.")
    difference: PlanDifference
    notes: list[str] = Field(
        description="Sentences on what the answer has in it, such as that a title's forecast does "
        "not react to promotions."
    )
    plan: list[PlannedPromotion] = Field(description="The promotions of the plan by week.")


class TitleOverride(_Strict):
    """What a person expects in place of the forecast."""

    number: int
    source: Literal["person"] = Field(description="No model made these numbers.")
    who: str
    why: str
    when: AwareDatetime
    release: str = Field(description="Whose forecast it replaces.")
    weeks: list[dt.date] = Field(description="Saturdays.")
    copies: list[float] = Field(description="What the person expects of each week.")
    replaced: list[float] = Field(description="What the forecast expected at that time.")
    total: float
    replaced_total: float


class TitleOverrides(_Strict):
    """The overrides of a title that hold."""

    isbn: str
    writable: bool = Field(description="Whether the service takes new ones.")
    overrides: list[TitleOverride] = Field(description="The newest first.")


class SpanSum(_Strict):
    """What the next weeks sell together."""

    weeks: int
    last_week: dt.date
    mean: float
    expected: float
    level: float = Field(description="Of the interval, in percent.")
    lower: float
    upper: float


class TitleFacts(_Strict):
    """What is known of a title beside its sales."""

    imprint: str | None
    publisher_group: str | None
    publication_date: dt.date | None
    price: float | None = Field(description="Last recommended price.")


class TitleStock(_Strict):
    """Advice on stock, as the pipeline `decide` has written it."""

    on_hand: float
    on_order: float
    lead_weeks: int
    demand: float = Field(description="Within the lead time.")
    chance_to_run_out: float = Field(description="Within the lead time, 0 to 1.")
    run_out_week: dt.date | None = Field(
        description="Week by which the stock has run out more likely than not."
    )
    cover_weeks: int
    target: float
    order: int = Field(description="Copies to order now.")
    reason: str
    release: str
    last_week: dt.date = Field(description="At whose end the stock was counted.")
    sentences: list[str]


class Factor(_Strict):
    """What multiplies one plus the copies of each week."""

    name: str = Field(description="trend, season, holidays, promotion or other")
    label: str
    factors: list[float]


class TitleExplanation(_Strict):
    """What a forecast consists of."""

    weeks: list[dt.date]
    level: float = Field(description="Copies of a usual week.")
    parts: list[Factor]
    members: dict[str, float] = Field(
        description="Mean weights of the models over these weeks, for programs."
    )
    sentences: list[str] = Field(description="Three, in plain words.")


class PromotionRun(_Strict):
    """Weeks of promotion in a row."""

    first_week: dt.date
    last_week: dt.date
    weeks: int
    depth: float = Field(description="The deepest, as a share of the recommended price.")
    sold: float | None = Field(description="Copies a week; null if it is to come or not reported.")
    before: float | None = Field(description="Copies a week in the weeks before.")
    times: float | None = Field(description="`sold` over `before`.")
    is_planned: bool


class LastForecast(_Strict):
    """The forecast of the test weeks beside what sold."""

    weeks: list[dt.date]
    level: float | None = Field(description="Of the interval, in percent.")
    mean: list[float]
    lower: list[float]
    upper: list[float]
    sold: list[float | None]
    sentence: str


class TriableRegressor(_Strict):
    """A regressor that can be tried."""

    name: str
    reacts: bool = Field(description="Whether it made a difference to this title.")
    low: float | None = Field(description="Smallest value that can be tried.")
    high: float | None = Field(description="Largest value that can be tried.")
    is_known_ahead: bool = Field(
        description="Whether the weekly forecast uses values of weeks ahead."
    )


class Triable(_Strict):
    """What can be tried on a title with `/what-if`."""

    promotions: bool
    text: str
    regressors: list[TriableRegressor]
    price: str | None = Field(description="The regressor that a price stands for.")
    first_week: dt.date
    last_week: dt.date


class TitleDetails(_Strict):
    """What a planner asks of a title beside its forecast.

    A part that is missing is null, and `missing` says what to run.
    """

    isbn: str
    arm: Arm = ARM
    release: str
    cutoff: dt.date
    sums: list[SpanSum]
    facts: TitleFacts | None
    stock: TitleStock | None
    explanation: TitleExplanation | None
    promotions: list[PromotionRun] | None = Field(
        description="At least 5 % deep, or planned; the latest first."
    )
    last_forecast: LastForecast | None
    what_if: Triable
    overrides: list[TitleOverride] = Field(description="By people; part of no forecast.")
    writable: bool = Field(description="Whether the service takes overrides.")
    missing: dict[str, str] = Field(description="By part, why it is missing and what to run.")
