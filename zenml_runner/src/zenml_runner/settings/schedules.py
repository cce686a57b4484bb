"""The section `schedules` of zenml.yml."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from zenml_runner.settings.sections import Section

Shards = Annotated[int, Field(ge=1, le=1000)] | Literal["auto"]


class ScheduleSettings(Section):
    """The schedule of a pipeline.

    Attributes:
        cron: Five fields, in `timezone`.
        timezone: Name of a time zone, such as ``Europe/London``; UTC if None.
        start: First moment of the schedule; without an offset in `timezone`.
        end: Its last moment, likewise.
        catchup: Whether runs that were missed are made up for.
        params: Runtime parameters of its runs.
        shards: Number of shards, or ``auto``: counted when the schedule is created.
    """

    cron: str = Field(pattern=r"^\S+( \S+){4}$")
    timezone: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    catchup: bool = False
    params: dict[str, Any] = {}
    shards: Shards | None = None

    @field_validator("timezone")
    @classmethod
    def _refuse_unknown_zone(cls, name: str | None) -> str | None:
        if name is not None:
            try:
                ZoneInfo(name)
            except (KeyError, ValueError, OSError):
                raise ValueError(
                    f"there is no time zone {name!r}; names are like Europe/London"
                ) from None
        return name

    @model_validator(mode="after")
    def _refuse_empty_time(self) -> Self:
        start, end = self.first, self.last
        if start is not None and end is not None and end <= start:
            raise ValueError("end must be after start")
        return self

    @property
    def first(self) -> datetime | None:
        """The start with its offset."""
        return self._with_offset(self.start)

    @property
    def last(self) -> datetime | None:
        """The end with its offset."""
        return self._with_offset(self.end)

    @property
    def zone(self) -> str:
        """The name of its time zone."""
        return self.timezone or "UTC"

    def _with_offset(self, moment: datetime | None) -> datetime | None:
        if moment is None or moment.tzinfo is not None:
            return moment
        return moment.replace(tzinfo=ZoneInfo(self.timezone) if self.timezone else UTC)
