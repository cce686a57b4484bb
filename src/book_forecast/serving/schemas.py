"""What the answers look like, for the OpenAPI document; requests are in `openapi`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Answer):
    """Why there is no other answer."""

    detail: str = Field(examples=["9780000000002 is not in release …"])


class Interval(_Answer):
    """An interval that sales lie in with a probability."""

    level: float = Field(ge=1, le=99, description="Percent.")
    lower: list[float] = Field(description="Copies a week.")
    upper: list[float] = Field(description="Copies a week.")


class Prediction(_Answer):
    """The forecast of a title."""

    isbn: str = Field(description="13 digits.")
    release: str
    cutoff: dt.date = Field(description="Saturday of the last week that the forecast knows.")
    model: str
    weeks: list[dt.date] = Field(description="Saturdays of the weeks ahead.")
    mean: list[float] = Field(description="Copies a week.")
    intervals: list[Interval]


class WhatIsWrong(_Answer):
    """What is wrong with an instance."""

    code: str = Field(
        description="unknown_isbn, invalid_isbn, invalid_horizon, invalid_levels, invalid_instance"
    )
    message: str


class Failure(_Answer):
    """In place of the forecast of an instance that cannot be answered."""

    isbn: str = Field("", description="As it was sent; not there if nothing like it was.")
    release: str
    cutoff: dt.date | None
    error: WhatIsWrong


class Predictions(_Answer):
    """One for each instance, in their order."""

    predictions: list[Prediction | Failure]


class Alive(_Answer):
    """The process is alive."""

    status: str = Field(examples=["alive"])


class Ready(_Answer):
    """Whether a release is loaded, and what goes wrong."""

    ready: bool
    release: str | None
    problem: str | None = Field(
        description="Why another release that should be served is not, or what else is wrong."
    )


class Release(_Answer):
    """The release that is served."""

    release: str
    cutoff: dt.date | None
    checksum: str = Field(description="Of the manifest; a refreshed payload has another.")
    place: str
    since: dt.datetime
    titles: int
    manifest: dict[str, Any] = Field(description="What training has written of it.")
