"""Parameters of alerts."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from book_forecast.alerts.events import Kind
from book_forecast.options.base import OptionGroup, Share

Address = Annotated[str, StringConstraints(pattern=r"^[^\s@<>,]+@[^\s@<>,]+$", max_length=254)]


class AlertOptions(OptionGroup):
    """What is sent, and to whom; the channels' addresses are environment variables.

    Attributes:
        immediate: Kinds that are sent at the end of the run.
        digest: Kinds that are sent together, once a day.
        repeat_hours: The same alert is not sent again within.
        runs_out_chance: Chance to run out within the lead time from which on a title is named.
        mail_from: Sender of mail.
        mail_to: Addresses that mail goes to.
    """

    immediate: tuple[Kind, ...] = (
        *("run_failed", "gate_failed", "delivery_broken", "promotion", "rollback"),
        *("challenge_started", "challenger_won", "challenger_lost", "challenger_withdrawn"),
    )
    digest: tuple[Kind, ...] = ("forecasts_degraded", "trained", "runs_out")
    repeat_hours: float = Field(default=20.0, ge=0, le=24 * 60)
    runs_out_chance: Share = 0.5
    mail_from: Address | None = None
    mail_to: tuple[Address, ...] = ()

    @property
    def rules(self) -> dict[str, Any]:
        """The parameters of `alerts.sending.Alerts`."""
        return self.model_dump(exclude={"runs_out_chance"})
