"""Parameters of the plan that says which titles are trained again."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from book_forecast.options.base import OptionGroup, Share
from book_forecast.options.values import normalise_titles


def _all_or_isbns(value: object) -> Literal["all"] | list[str]:
    titles = normalise_titles(value)
    if titles == "top":
        raise ValueError("give all, or ISBNs")
    return titles


class RetrainOptions(OptionGroup):
    """From where on a title is fitted or tuned again.

    Attributes:
        max_age_days: Days of sales since a title's training from which on it is fitted again; 0
            for each run.
        max_tuning_age_days: The same since its tuning, for a new search.
        max_degradation: Share by which a title's errors beside seasonal naive's may grow.
        degradation_chance: Level of the test that tells such growth from chance.
        degradation_weeks: Fewest weeks of errors since the tuning for that test.
        retry_after_days: Days of sales after a training whose candidate was refused in which
            neither age, degradation nor drift calls for another one, nor code, options, corrections
            or promotions that it knew; 0 for none.
        max_corrected: Share of the copies in a title's training that may be corrected.
        whole_share: Share of the tuned titles from which on all of them are tuned anew.
        force: What is done at least with the titles in `force_titles`, also if the delivery is
            broken.
        force_titles: `all` or ISBNs.
    """

    max_age_days: int = Field(default=30, ge=0)
    max_tuning_age_days: int = Field(default=182, ge=0)
    max_degradation: float = Field(default=0.05, ge=0)
    degradation_chance: float = Field(default=0.01, gt=0, lt=0.5)
    degradation_weeks: int = Field(default=8, ge=3)
    retry_after_days: int = Field(default=28, ge=0)
    max_corrected: Share = 0.01
    whole_share: Share = 0.5
    force: Literal["none", "refit", "retune"] = "none"
    force_titles: Annotated[Literal["all"] | list[str], PlainValidator(_all_or_isbns)] = "all"
