"""Parameters of a run in groups, with their limits."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal, Self, TypeVar

import numpy as np
from pydantic import Field, PlainValidator, model_validator

from book_forecast.backtesting.rolling_origins import RollingOrigins
from book_forecast.options.base import OptionGroup, Share
from book_forecast.options.values import (
    Titles,
    normalise_levels,
    normalise_spans,
    normalise_titles,
)
from book_forecast.payload.manifest import LONGEST_HORIZON

T = TypeVar("T")

# Weeks that the scored folds cover together, and the fewest and the most of these.
SCORED_WEEKS = 96
SCORED_FOLDS = (3, 8)
# Folds of the search for orders: each costs as much as the one before.
SEARCHED_FOLDS = 3
# Origins of the weights by the most titles of a catalogue: many titles are evidence themselves.
ORIGINS_BY_TITLES = ((200, 12), (600, 8))
FEWEST_ORIGINS = 5


class Shard(OptionGroup):
    """The part of all titles that a run works on.

    Attributes:
        index: Number of the part, from 1.
        count: Number of parts.
    """

    index: int = Field(default=1, ge=1)
    count: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _index_within_count(self) -> Self:
        if self.index > self.count:
            raise ValueError(f"index {self.index} is beyond count {self.count}")
        return self

    @property
    def name(self) -> str:
        """The shard as a file name without suffix, such as ``0003-of-0016``."""
        return f"{self.index:04d}-of-{self.count:04d}"

    def take(self, items: Sequence[T]) -> list[T]:
        """Return this shard's items: contiguous, in order, sizes at most one apart.

        The parts of all shards, one after the other, have the order of the whole, so that the
        result does not depend on the number of shards.
        """
        start = (self.index - 1) * len(items) // self.count
        stop = self.index * len(items) // self.count
        return list(items[start:stop])


class SelectionOptions(OptionGroup):
    """The titles and weeks in use.

    Attributes:
        titles: `top`, `all` or ISBNs.
        max_titles: Titles that `top` takes.
        min_weeks: Training weeks that `top` and `all` require to tune and score a title.
        start_date: First week in use; None for the first sale of each title.
        cutoff_date: Last week in use; None for the last week of the exports.
        missing_weeks: The rule for weeks without a row of any title.
        min_reporting_share: Share of the expected titles that a complete week has; 0 for any.
    """

    titles: Annotated[Titles, PlainValidator(normalise_titles)] = "top"
    max_titles: int = Field(default=15, ge=1)
    min_weeks: int = Field(default=52, ge=1)
    start_date: dt.date | None = None
    cutoff_date: dt.date | None = None
    missing_weeks: Literal["auto", "zero", "missing"] = "auto"
    min_reporting_share: Share = 0.6

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.start_date and self.cutoff_date and self.start_date >= self.cutoff_date:
            raise ValueError(
                f"start_date {self.start_date} is not before cutoff_date {self.cutoff_date}"
            )
        return self


class IngestOptions(OptionGroup):
    """Acceptance of exports.

    Attributes:
        max_rejected_share: Share of unusable rows above which the run stops.
        hold_back: Whether implausible volumes are rejected.
    """

    max_rejected_share: Share = 0.05
    hold_back: bool = True


class BacktestOptions(OptionGroup):
    """Test set and rolling origins of tune, the global model and evaluate.

    Attributes:
        split_size: Weeks in the test set, and the horizon of each fold.
        folds: Rolling origins that are scored; None for as many as cover `SCORED_WEEKS`.
        step: Weeks between two of them; None for `split_size`, so that folds do not overlap.
        overlap: Rolling origins a step of the ensemble's weights and intervals: 1 for the scored
            ones alone; None for a number that falls with the number of titles.
        min_train: Fewest training weeks of a fold; two thirds of a shorter history.
    """

    split_size: int = Field(default=32, ge=1)
    folds: int | None = Field(default=None, ge=1)
    step: int | None = Field(default=None, ge=1)
    overlap: int | None = Field(default=None, ge=1)
    min_train: int = Field(default=104, ge=2)

    @property
    def origins(self) -> RollingOrigins:
        """The rolling origins inside the training weeks that are scored."""
        usual = int(np.clip(round(SCORED_WEEKS / self.split_size), *SCORED_FOLDS))
        folds = usual if self.folds is None else self.folds
        step = self.split_size if self.step is None else self.step
        return RollingOrigins(self.split_size, folds, step, self.min_train)

    @property
    def search_origins(self) -> RollingOrigins:
        """The latest of them, on which orders are searched."""
        origins = self.origins
        return replace(origins, folds=min(origins.folds, SEARCHED_FOLDS))

    def origins_of_weights(self, n_titles: int) -> RollingOrigins:
        """Return the rolling origins from which a catalogue's weights and intervals are learnt.

        Args:
            n_titles: Titles in the catalogue.
        """
        scored = self.origins
        overlap = self.overlap
        if overlap is None:
            wanted = next((n for most, n in ORIGINS_BY_TITLES if n_titles <= most), FEWEST_ORIGINS)
            overlap = max(1, round((wanted - 1) / max(scored.folds - 1, 1)))
        return replace(scored, overlap=overlap)


class ForecastOptions(OptionGroup):
    """The forecasts to make.

    Attributes:
        horizon: Weeks ahead.
        levels: Interval levels in percent.
        sums: Weeks ahead that totals add up.
    """

    horizon: int = Field(default=32, ge=1, le=LONGEST_HORIZON)
    levels: Annotated[list[int | float], PlainValidator(normalise_levels)] = Field(default=[80, 95])
    sums: Annotated[list[int], PlainValidator(normalise_spans)] = Field(default=[4, 8, 13, 26])


class ExecutionOptions(OptionGroup):
    """How the work on titles is done.

    Attributes:
        n_jobs: Processes; 0 for one per core.
        shard: This run's part of the titles.
        min_success_rate: Share of titles without a fallback below which a run fails at its end.
        wait_minutes: Minutes to wait for another run that writes the same data root.
    """

    n_jobs: int = Field(default=0, ge=0)
    shard: Shard = Shard()
    min_success_rate: Share = 0.8
    wait_minutes: float = Field(default=60.0, ge=0)


class ReportingOptions(OptionGroup):
    """Size of what a run reports.

    Attributes:
        max_child_runs: With more titles MLflow gets tables in place of a child run per title.
        max_title_plots: Titles with figures of their own.
    """

    max_child_runs: int = Field(default=30, ge=0)
    max_title_plots: int = Field(default=50, ge=0)


class PromoteOptions(OptionGroup):
    """What a candidate must reach to become champion.

    Attributes:
        max_worse: Share by which its errors may exceed the champion's.
        max_worse_by_chance: The same where tests cannot show that it is worse.
        significance: Level of the tests.
        max_of_baseline: Its WAPE as a share of seasonal naive's.
        coverage_tolerance: How far coverage may be below the nominal level.
        max_fallbacks: Share of titles with a fallback.
        min_titles: Share of the champion's living titles that must be compared.
        require_win: Whether it must have won a challenge of the champion.
        required: Whether a run whose candidate is refused ends with an error.
    """

    max_worse: float = Field(default=0.02, ge=0)
    max_worse_by_chance: float = Field(default=0.1, ge=0)
    significance: float = Field(default=0.1, gt=0, lt=1)
    max_of_baseline: float = Field(default=1.0, gt=0)
    coverage_tolerance: Share = 0.1
    max_fallbacks: Share = 0.2
    min_titles: Share = 0.8
    require_win: bool = False
    required: bool = False
