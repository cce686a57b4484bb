"""Parameters of the monitoring of forecasts and deliveries."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field, PlainValidator

from book_forecast.options.base import OptionGroup, Share
from book_forecast.options.values import normalise_weeks


class MonitorOptions(OptionGroup):
    """What is looked at, and from where on something is reported.

    Attributes:
        monitored_weeks: Newest weeks whose forecasts are scored.
        shift_window: Weeks that a shift of a title's level is looked for in.
        alarm_rate: Share of titles without a shift that may be alarmed in a week.
        max_naive_ratio: WAPE over seasonal naive's above which forecasts count as degraded.
        coverage_margin: How far coverage may be below the level of an interval.
        tracking_signal: Summed errors over their mean size, above which forecasts count as biased.
        late_days: Days since the end of the newest week after which a delivery is late.
        volume_jump: Copies of the newest week over those expected, or the reverse, above which the
            delivery counts as broken.
        judged_weeks: Newest weeks that are left out where the forecasts recorded before them hold
            them for impossible.
        accepted_weeks: Ends of weeks whose copies are right, however far from the forecast.
        price_jumps: Share of titles whose price differs by half or more.
        vanished: Share of titles with sales in every week that may have none.
        false_verdicts: Probability that two equally good releases ever get a verdict.
        withdraw_loser: Whether a challenger that has lost is taken back at once.
    """

    monitored_weeks: int = Field(default=13, ge=1, le=104)
    shift_window: int = Field(default=4, ge=1, le=26)
    alarm_rate: float = Field(default=0.007, gt=0, lt=0.5)
    max_naive_ratio: float = Field(default=1.0, gt=0)
    coverage_margin: Share = 0.1
    tracking_signal: float = Field(default=6.0, gt=0)
    late_days: int = Field(default=13, ge=1)
    volume_jump: float = Field(default=3.0, gt=1)
    judged_weeks: int = Field(default=13, ge=1, le=52)
    accepted_weeks: Annotated[list[dt.date], PlainValidator(normalise_weeks)] = Field(default=[])
    price_jumps: Share = 0.2
    vanished: Share = 0.1
    false_verdicts: float = Field(default=0.05, ge=0.0001, le=0.5)
    withdraw_loser: bool = False
