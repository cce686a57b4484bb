"""Response bodies, for the OpenAPI document; `openapi` describes the body of `/predict`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from book_forecast.releases.challenges import Arm
from book_forecast.releases.promotion_log import Action
from book_forecast.serving.titles.catalogue import ComparisonState

ARM: Any = Field(description="Whose forecasts these are.")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ErrorDetail(_Strict):
    """The reason of an error."""

    detail: str = Field(examples=["9780000000002 is not in release …"])


class Interval(_Strict):
    """A prediction interval."""

    level: float = Field(ge=1, le=99, description="Percent.")
    lower: list[float] = Field(description="Copies.")
    upper: list[float] = Field(description="Copies.")


class RunningSum(_Strict):
    """Sums over the weeks ahead: the first entry is of the first week, the second of the first two.

    The intervals are those of the sums, from the joint distribution of the weeks.
    """

    mean: list[float] = Field(description="Copies: sums of the weekly means.")
    expected: list[float] = Field(
        description="Copies: means of the sums' distributions; above `mean` where weeks are skewed."
    )
    intervals: list[Interval]


class TitlePrediction(_Strict):
    """The forecast of a title."""

    isbn: str = Field(description="13 digits.")
    arm: Arm = ARM
    release: str
    cutoff: dt.date = Field(description="Saturday of the last week before the forecast.")
    model: str
    weeks: list[dt.date] = Field(description="Saturdays of the weeks ahead.")
    mean: list[float] = Field(description="Copies a week.")
    intervals: list[Interval]
    cumulative: RunningSum | None = Field(
        None, description="Sums from the first week on; missing unless they are asked for."
    )


class InstanceError(_Strict):
    """The error of an instance."""

    code: str = Field(
        description="unknown_isbn, invalid_isbn, invalid_horizon, invalid_levels, "
        "invalid_cumulative, invalid_instance"
    )
    message: str


class FailedPrediction(_Strict):
    """Takes the position of the prediction of an invalid instance."""

    isbn: str = Field("", description="As it was sent; missing if nothing like an ISBN was sent.")
    arm: Arm = ARM
    release: str
    cutoff: dt.date | None
    error: InstanceError


class Predictions(_Strict):
    """One for each instance, in their order."""

    predictions: list[TitlePrediction | FailedPrediction]


class Alive(_Strict):
    """The process is alive."""

    status: str = Field(examples=["alive"])


class ServedChallenger(_Strict):
    """The release that challenges the champion."""

    release: str
    share: float = Field(gt=0, lt=1, description="Of the titles.")


class Ready(_Strict):
    """Whether a release is loaded, and any problem."""

    ready: bool
    release: str | None
    problem: str | None = Field(
        description="Why another release that should be served is not, or what else is wrong."
    )
    stock_problem: str | None = Field(description="Why newer advice on stock is not used.")
    challenger: ServedChallenger | None = Field(description="Null without one.")
    challenger_loading: str | None = Field(
        description="The challenger while it is loaded; until then the champion answers for all."
    )
    challenger_problem: str | None = Field(description="Why the challenger does not answer.")
    log_problem: str | None = Field(description="Why served forecasts are not logged.")
    override_problem: str | None = Field(description="Why newer overrides are not known.")


class Release(_Strict):
    """The release that is served."""

    release: str
    cutoff: dt.date | None
    checksum: str = Field(description="Of the manifest; a refreshed payload has another.")
    place: str = Field(description="Folder that the release was read from.")
    since: dt.datetime = Field(description="When it was loaded.")
    titles: int
    manifest: dict[str, Any] = Field(description="As training has written it.")


class PromotionSummary(BaseModel):
    """How a release became champion."""

    action: Action
    when: AwareDatetime
    who: str
    why: str


class ReleaseComparison(BaseModel):
    """The comparison with the previous champion."""

    state: ComparisonState = Field(description="`none`: there is no previous champion.")
    before: str | None = Field(description="The previous champion; null before it is compared.")
    promotion: PromotionSummary | None = Field(
        description="Null before it is looked up, and if the promotion log does not have it."
    )


class Book(BaseModel):
    """A title."""

    isbn: str
    title: str | None
    author: str | None
    product_class: str | None
    imprint: str | None
    publisher_group: str | None
    publication_date: dt.date | None
    price: float | None = Field(description="Recommended price of a copy.")
    is_launch: bool = Field(description="It is new, or not published yet.")
    model: str
    specification: str | None
    fallback_reason: str | None = Field(description="Why its model is a simpler one than usual.")
    cutoff: dt.date | None = Field(description="Saturday of the last week before the forecast.")
    next_4_weeks: float | None = Field(description="Copies expected in the weeks after it.")
    next_13_weeks: float | None = Field(description="The same for 13 weeks.")
    next_32_weeks: float | None = Field(description="The same for 32 weeks.")
    change: float | None = Field(
        description="`change_copies` as a share of the previous champion's forecast."
    )
    change_copies: float | None = Field(
        description="Copies more than the previous champion's forecast of the same calendar weeks; "
        "null if they cannot be compared."
    )
    change_weeks: int | None = Field(description="How many weeks were compared, at most 32.")
    wape: float | None = Field(description="Error on the test weeks, as a share of copies sold.")
    mase: float | None = Field(description="Error on the test weeks over that of the history.")
    seasonal_naive_wape: float | None = Field(description="`wape` of the same weeks of last year.")
    seasonal_naive_mase: float | None = Field(description="`mase` of the same weeks of last year.")
    last_expected: float | None = Field(
        description="Copies that the last forecast expected in the test weeks."
    )
    last_sold: float | None = Field(description="Copies that were sold in them.")
    error_copies: float | None = Field(description="Sum of the weekly errors, in copies.")
    on_hand: float | None = Field(description="Copies in stock; this and the next: from advice.")
    on_order: float | None
    chance_to_run_out: float | None = Field(
        description="Chance that stock runs out before an order of today arrives, 0 to 1."
    )
    run_out_week: dt.date | None = Field(
        description="Saturday of the week in which it runs out; null if that is not likely."
    )
    order: int | None = Field(description="Copies to order now.")


class SalesHistory(BaseModel):
    """The past sales of a title."""

    isbn: str
    weeks: list[dt.date] = Field(description="Saturdays.")
    volumes: list[float | None] = Field(description="Copies sold; null if none was reported.")


class SumInterval(_Strict):
    """A prediction interval of a sum."""

    level: float = Field(ge=1, le=99, description="Percent.")
    lower: float = Field(description="Copies.")
    upper: float = Field(description="Copies.")


class _Sum(_Strict):
    mean: float = Field(description="Copies: the sum of the weekly means.")
    expected: float = Field(
        description="Copies: the mean of the sum's distribution; above `mean` where weeks are "
        "skewed."
    )
    intervals: list[SumInterval]


class Demand(_Sum):
    """What a title sells in some weeks together."""

    isbn: str = Field(description="13 digits.")
    arm: Arm = ARM
    release: str
    cutoff: dt.date = Field(description="Saturday of the last week before.")
    first: int = Field(description="First week that is added up; 1 follows the cutoff.")
    weeks: int = Field(description="How many weeks are added up.")
    first_week: dt.date
    last_week: dt.date


class Total(_Sum):
    """What some titles sell together."""

    name: str | None = Field(description="Of the group, or `all`; null for titles without one.")
    n_titles: int


class Totals(_Strict):
    """What titles sell in some weeks together."""

    by: str
    arm: Arm = ARM
    release: str
    cutoff: dt.date | None = Field(
        description="Saturday of the release's last week; null in a release without titles."
    )
    first: int = Field(description="First week that is added up; 1 follows the cutoff.")
    weeks: int = Field(description="How many weeks are added up.")
    first_week: dt.date | None
    last_week: dt.date | None
    n_titles: int = Field(description="Titles that are added up.")
    n_beyond: int = Field(description="Titles left out, because they are not forecast as far.")
    n_groups: int = Field(description="Groups on all pages.")
    totals: list[Total]
