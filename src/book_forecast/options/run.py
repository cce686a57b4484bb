"""All parameters of a run."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, PlainValidator, model_validator

from book_forecast.options.groups import (
    BoostingOptions,
    EvaluateOptions,
    OptionGroup,
    PromoteOptions,
    RegressorOptions,
    ShardOptions,
    Share,
    TuneOptions,
)
from book_forecast.options.values import (
    FAMILIES,
    Family,
    Titles,
    check_release,
    normalise_families,
    normalise_levels,
    normalise_titles,
)
from book_forecast.payload.manifest import LONGEST_HORIZON


class Options(OptionGroup):
    """All parameters of a run."""

    data_root: str | None = Field(default=None, min_length=1)
    titles: Annotated[Titles, PlainValidator(normalise_titles)] = "top"
    max_titles: int = Field(default=15, ge=1)
    min_weeks: int = Field(default=52, ge=1)
    alive_weeks: int = Field(default=26, ge=1)
    start_date: dt.date | None = None
    cutoff_date: dt.date | None = None
    split_size: int = Field(default=32, ge=1)
    missing_weeks: Literal["auto", "zero", "missing"] = "auto"
    max_rejected_share: Share = 0.05
    horizon: int = Field(default=32, ge=1, le=LONGEST_HORIZON)
    levels: Annotated[list[int | float], PlainValidator(normalise_levels)] = Field(default=[80, 95])
    seed: int = Field(default=42, ge=0, lt=2**32)
    n_jobs: int = Field(default=0, ge=0)
    shard: ShardOptions = ShardOptions()
    min_success_rate: Share = 0.8
    max_child_runs: int = Field(default=30, ge=0)
    max_title_plots: int = Field(default=50, ge=0)
    families: Annotated[list[Family], PlainValidator(normalise_families)] = Field(
        default=list(FAMILIES)
    )
    calendar: bool = True
    regressors: RegressorOptions = RegressorOptions()
    tune: TuneOptions = TuneOptions()
    boosting: BoostingOptions = BoostingOptions()
    evaluate: EvaluateOptions = EvaluateOptions()
    promote: PromoteOptions = PromoteOptions()
    release: Annotated[str, PlainValidator(check_release)] = "champion"

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.start_date and self.cutoff_date and self.start_date >= self.cutoff_date:
            raise ValueError(
                f"start_date {self.start_date} is not before cutoff_date {self.cutoff_date}"
            )
        return self


def has_ensembles(families: Sequence[str]) -> bool:
    """Whether titles are forecast by ensembles: SARIMA alone needs none."""
    return list(families) != ["sarima"]
