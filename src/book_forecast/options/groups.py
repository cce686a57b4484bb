"""Parameters that belong together, with their limits: one model a group."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, model_validator

from book_forecast.backtesting.rolling_origins import RollingOrigins
from book_forecast.options.values import (
    FAMILIES,
    Family,
    Titles,
    normalise_families,
    normalise_levels,
    normalise_titles,
)
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.series.history import TableFuture

T = TypeVar("T")
Share = Annotated[float, Field(ge=0, le=1)]


class OptionGroup(BaseModel):
    """Base of all option models: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class Bounds(OptionGroup):
    """The smallest and the largest order to try."""

    lowest: int = Field(default=0, ge=0)
    highest: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest {self.lowest} is above highest {self.highest}")
        return self


class SeedOptions(OptionGroup):
    """Orders to try first: (p, d, q) and (P, D, Q)."""

    order: tuple[int, int, int]
    seasonal_order: tuple[int, int, int] = (0, 0, 0)

    @model_validator(mode="after")
    def _orders_supported(self) -> Self:
        if min(*self.order, *self.seasonal_order) < 0:
            raise ValueError("orders must not be negative")
        if self.order[1] > 2 or self.seasonal_order[1] > 1:
            raise ValueError("at most two differences and one seasonal difference are supported")
        return self


class SearchOptions(OptionGroup):
    """How specifications are searched.

    Attributes:
        p, d, q, P, D, Q: Bounds of each order.
        season: Weeks in a season; 1 searches models without one.
        transforms: Scales to try.
        max_trials, min_trials, patience, min_improvement: When the search stops.
        max_evaluations: Likelihoods computed for a title, after which no further trial begins.
        max_seconds: The same by the clock: an emergency brake, after which results may not repeat.
        random_trials: Tried after the seeds.
        seeds: Orders tried first, by ISBN, and under "default" for every other title.
    """

    p: Bounds = Bounds(highest=3)
    d: Bounds = Bounds(highest=1)
    q: Bounds = Bounds(highest=3)
    P: Bounds = Bounds(highest=2)
    D: Bounds = Bounds(highest=0)
    Q: Bounds = Bounds(highest=2)
    season: int = Field(default=52, ge=1)
    transforms: list[Literal["log", "box_cox", "none"]] = Field(default=["log"], min_length=1)
    max_trials: int = Field(default=60, ge=1)
    min_trials: int = Field(default=40, ge=1)
    patience: int = Field(default=20, ge=1)
    min_improvement: float = Field(default=0.001, ge=0)
    max_evaluations: int = Field(default=200_000, ge=1)
    max_seconds: float = Field(default=600.0, gt=0)
    random_trials: int = Field(default=6, ge=1)
    seeds: dict[str, list[SeedOptions]] = {}

    @model_validator(mode="after")
    def _differences_supported(self) -> Self:
        if self.d.highest > 2 or self.D.highest > 1:
            raise ValueError("at most two differences (d) and one seasonal one (D) are supported")
        return self

    def seeds_for(self, isbn: str) -> list[SeedOptions]:
        """The orders to try first for a title."""
        return self.seeds.get(isbn, self.seeds.get("default", []))


class BoostingOptions(OptionGroup):
    """How large the model of all titles is.

    Attributes:
        rows: Of training, over all titles; each is one title, origin and week ahead.
        rows_per_title: The most that one title has.
        trees, leaves, learning_rate: Of the boosting.
    """

    rows: int = Field(default=150_000, ge=1)
    rows_per_title: int = Field(default=1_000, ge=1)
    trees: int = Field(default=150, ge=1)
    leaves: int = Field(default=31, ge=2)
    learning_rate: float = Field(default=0.1, gt=0, le=1)


class RegressorOptions(OptionGroup):
    """What may be known of promotions and further regressors in the weeks ahead.

    Attributes:
        promotions_known: Whether a forecast made in a past week may use the promotions that
            followed, as if they had been planned by then.
        future: What stands for the weeks ahead of a regressor that `futures` does not name.
        futures: The same by name: known (the table's own values), zero, last (the last value) or
            seasonal (that of a year ago).
    """

    promotions_known: bool = False
    future: TableFuture = "last"
    futures: dict[str, TableFuture] = {}

    def future_of(self, name: str) -> TableFuture:
        """What stands for a regressor's weeks ahead."""
        return self.futures.get(name, self.future)


class SelectionOptions(OptionGroup):
    """The titles and weeks in use.

    Attributes:
        titles: `top`, `all` or ISBNs.
        max_titles: Titles that `top` takes.
        min_weeks: Training weeks that `top` and `all` require.
        start_date: First week in use; None for the first sale of each title.
        cutoff_date: Last week in use; None for the last week of the exports.
        missing_weeks: The rule for weeks without a row of any title.
    """

    titles: Annotated[Titles, PlainValidator(normalise_titles)] = "top"
    max_titles: int = Field(default=15, ge=1)
    min_weeks: int = Field(default=52, ge=1)
    start_date: dt.date | None = None
    cutoff_date: dt.date | None = None
    missing_weeks: Literal["auto", "zero", "missing"] = "auto"

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
    """

    max_rejected_share: Share = 0.05


class BacktestOptions(OptionGroup):
    """Test set and rolling origins of tune, the global model and evaluate.

    Attributes:
        split_size: Weeks in the test set, and the horizon of each fold.
        folds: Rolling origins inside the training weeks.
        step: Weeks between two origins.
        min_train: Fewest training weeks of a fold; two thirds of a shorter history.
    """

    split_size: int = Field(default=32, ge=1)
    folds: int = Field(default=3, ge=1)
    step: int = Field(default=32, ge=1)
    min_train: int = Field(default=104, ge=2)

    @property
    def origins(self) -> RollingOrigins:
        """The rolling origins inside the training weeks."""
        return RollingOrigins(self.split_size, self.folds, self.step, self.min_train)


class ModelOptions(OptionGroup):
    """The models of a title.

    Attributes:
        families: Model families of the ensembles; SARIMA alone needs no ensemble.
        calendar: Whether models use the calendar's windows.
        alive_weeks: A title without a sale in so many reported weeks forecasts zero.
        regressors: Knowledge of covariates in the weeks ahead.
        tune: The search for SARIMA orders.
        boosting: Size of the global model.
        seed: Of everything that is drawn.
    """

    families: Annotated[list[Family], PlainValidator(normalise_families)] = Field(
        default=list(FAMILIES)
    )
    calendar: bool = True
    alive_weeks: int = Field(default=26, ge=1)
    regressors: RegressorOptions = RegressorOptions()
    tune: SearchOptions = SearchOptions()
    boosting: BoostingOptions = BoostingOptions()
    seed: int = Field(default=42, ge=0, lt=2**32)

    @property
    def has_ensembles(self) -> bool:
        """Whether titles are forecast by ensembles."""
        return list(self.families) != ["sarima"]


class ForecastOptions(OptionGroup):
    """The forecasts to make.

    Attributes:
        horizon: Weeks ahead.
        levels: Interval levels in percent.
    """

    horizon: int = Field(default=32, ge=1, le=LONGEST_HORIZON)
    levels: Annotated[list[int | float], PlainValidator(normalise_levels)] = Field(default=[80, 95])


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
        required: Whether a run whose candidate is refused ends with an error.
    """

    max_worse: float = Field(default=0.02, ge=0)
    max_worse_by_chance: float = Field(default=0.1, ge=0)
    significance: float = Field(default=0.1, gt=0, lt=1)
    max_of_baseline: float = Field(default=1.0, gt=0)
    coverage_tolerance: Share = 0.1
    max_fallbacks: Share = 0.2
    min_titles: Share = 0.8
    required: bool = False
