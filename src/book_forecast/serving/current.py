"""The release that is served now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from book_forecast.payload.forecast_reader import ForecastReader


@dataclass(frozen=True)
class Status:
    """What is served, and what goes wrong.

    Attributes:
        release: Its id; None before one is loaded.
        checksum: Of its manifest: a refreshed payload of the same release has another one.
        cutoff: The last week that it knows.
        place: Where it was read.
        since: When it was loaded.
        problem: Why another release that should be served is not, or what else is wrong.
    """

    release: str | None = None
    checksum: str | None = None
    cutoff: str | None = None
    place: str | None = None
    since: dt.datetime | None = None
    problem: str | None = None


@dataclass
class Current:
    """Holds the release; requests take `answers` once and keep it to their end.

    Attributes:
        answers: None before a release is loaded.
        status: Of the same release.
    """

    answers: ForecastReader | None = None
    status: Status = field(default_factory=Status)
