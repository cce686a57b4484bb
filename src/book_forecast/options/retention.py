"""Parameters of retention."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from book_forecast.options.base import OptionGroup

_MOST_DAYS = 36_500


class RetentionOptions(OptionGroup):
    """How long `kedro release prune` leaves what is not in use.

    Attributes:
        release_days: Days after its training, or its last day as champion, that a release stays.
        generation_days: Days after its last part was written that a generation stays.
        artifact_days: Days after its end that an MLflow run has its artifacts.
    """

    release_days: float = Field(default=90.0, ge=0, le=_MOST_DAYS)
    generation_days: float = Field(default=14.0, ge=0, le=_MOST_DAYS)
    artifact_days: float = Field(default=90.0, ge=0, le=_MOST_DAYS)

    @property
    def releases(self) -> dt.timedelta:
        """`release_days` as a time."""
        return dt.timedelta(days=self.release_days)

    @property
    def generations(self) -> dt.timedelta:
        """`generation_days` as a time."""
        return dt.timedelta(days=self.generation_days)

    @property
    def artifacts(self) -> dt.timedelta:
        """`artifact_days` as a time."""
        return dt.timedelta(days=self.artifact_days)
