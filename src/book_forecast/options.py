"""The run-time parameters of every pipeline, with their defaults and limits.

`conf/<environment>/parameters*.yml` and `--params` give the values. On the command line a list
is written with commas or spaces, and nested names with dots:

    kedro run --params titles=9780722532935,9780241003008,levels=50,80,95
    kedro run --params "titles=9780722532935 9780241003008,tune.max_trials=20"
"""

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    model_validator,
)

from book_forecast.bookscan.isbn import is_isbn, normalise_isbn
from book_forecast.errors import UserError
from book_forecast.releases.answers import check_level
from book_forecast.releases.manifest import LONGEST_HORIZON

Titles = Literal["top", "all"] | list[str]
Share = Annotated[float, Field(ge=0, le=1)]

_RELEASE = re.compile(r"champion|candidate|\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f]{8}")
_SEPARATORS = re.compile(r"[\s,;]+")


class OptionGroup(BaseModel):
    """Base of all option models: unknown names are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _items(value: object) -> list[object]:
    """Split what a user typed into single items: a list, one value, or `a b`, `a,b`, `[a; b]`."""
    if isinstance(value, str):
        return [item for item in _SEPARATORS.split(value.strip().strip("[]()")) if item]
    if isinstance(value, Iterable):
        return [part for item in value for part in _items(item)]
    return [value]


def normalise_titles(value: object) -> Titles:
    """Read a choice of titles.

    Args:
        value: `top`, `all`, one ISBN as text or number, several in one text separated by spaces,
            commas or semicolons, or a list of any of these.

    Returns:
        `top`, `all`, or ISBN-13s without hyphens, in the order given and each once.

    Raises:
        ValueError: Nothing was given, or an item is no valid ISBN.
    """
    items = [value] if is_isbn(value) else _items(value)
    words = [str(item).lower() for item in items]
    if words == ["top"]:
        return "top"
    if words == ["all"]:
        return "all"
    if not items:
        raise ValueError("give one or more ISBNs, top or all")
    if {"top", "all"} & set(words):
        raise ValueError("top and all stand alone, not beside ISBNs or each other")
    return list(dict.fromkeys(normalise_isbn(item) for item in items))


def normalise_levels(value: object) -> list[int | float]:
    """Read interval levels in percent.

    Args:
        value: One number, several in one text, or a list.

    Returns:
        The levels, ascending and each once; whole numbers as `int`, because they name columns
        (`lo-80`).

    Raises:
        ValueError: There is no level, or one that a release does not hold.
    """
    levels: set[int | float] = set()
    for item in _items(value):
        try:
            level = float(str(item))
        except ValueError:
            raise ValueError(
                f"{item!r} is no number; levels are percentages, as in 80,95"
            ) from None
        check_level(level)
        levels.add(int(level) if level.is_integer() else level)
    if not levels:
        raise ValueError("give at least one level, as in 80,95")
    return sorted(levels)


def check_release(value: object) -> str:
    """Read which release is meant.

    Args:
        value: What was given.

    Returns:
        `champion`, `candidate`, or an id.

    Raises:
        ValueError: It is none of these.
    """
    name = str(value)
    if _RELEASE.fullmatch(name):
        return name
    near = difflib.get_close_matches(name, ("champion", "candidate"), n=1)
    raise ValueError(
        f"did you mean {near[0]}?"
        if near
        else "give champion, candidate, or a whole id as `kedro release list` shows it"
    )


class ShardOptions(OptionGroup):
    """The part of all titles that this run works on: number `index` of `count`, from 1."""

    index: int = Field(default=1, ge=1)
    count: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _index_within_count(self) -> Self:
        if self.index > self.count:
            raise ValueError(f"index {self.index} is beyond count {self.count}")
        return self


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


class TuneOptions(OptionGroup):
    """How specifications are searched.

    Attributes:
        p, d, q, P, D, Q: Bounds of each order.
        season: Weeks in a season; 1 searches models without one.
        transforms: Scales to try.
        folds, step, min_train: Rolling origins inside the training weeks.
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
    folds: int = Field(default=3, ge=1)
    step: int = Field(default=13, ge=1)
    min_train: int = Field(default=104, ge=2)
    max_trials: int = Field(default=12, ge=1)
    min_trials: int = Field(default=8, ge=1)
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


class EvaluateOptions(OptionGroup):
    """How fitted models are scored.

    Attributes:
        folds, step, min_train: Rolling origins inside the training weeks, each with its own fit.
    """

    folds: int = Field(default=3, ge=0)
    step: int = Field(default=13, ge=1)
    min_train: int = Field(default=104, ge=2)


class PromoteOptions(OptionGroup):
    """What a candidate must reach to become champion.

    Attributes:
        max_worse: By which share its errors may be above the champion's.
        significance: Of the paired test that shows a candidate to be worse.
        max_of_baseline: Its WAPE as a share of seasonal naive's.
        coverage_tolerance: How far coverage may be from the nominal level.
        max_fallbacks: Share of titles that could not be fitted as chosen.
        min_titles: Share of the champion's titles that it must have.
    """

    max_worse: float = Field(default=0.02, ge=0)
    significance: float = Field(default=0.1, gt=0, lt=1)
    max_of_baseline: float = Field(default=1.0, gt=0)
    coverage_tolerance: Share = 0.1
    max_fallbacks: Share = 0.2
    min_titles: Share = 0.5


Family = Literal[
    "sarima",
    "regression",
    "ets",
    "theta",
    "mstl",
    "intermittent",
    "boosting",
    "seasonal_naive",
    "naive",
]
FAMILIES: tuple[Family, ...] = get_args(Family)


def has_ensembles(families: Sequence[str]) -> bool:
    """Whether titles are forecast by ensembles: SARIMA alone needs none."""
    return list(families) != ["sarima"]


def normalise_families(value: object) -> list[Family]:
    """Read a choice of model families: a list, or one text, each once and in the usual order.

    Raises:
        ValueError: If there is none, or one that does not exist.
    """
    names = [str(item) for item in _items(value)]
    for name in names:
        if name not in FAMILIES:
            near = difflib.get_close_matches(name, FAMILIES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(FAMILIES)}"
            raise ValueError(f"{name} is no family: {hint}")
    if not names:
        raise ValueError(f"give at least one of {', '.join(FAMILIES)}")
    return [family for family in FAMILIES if family in names]


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
    levels: Annotated[list[int | float], PlainValidator(normalise_levels)] = [80, 95]
    seed: int = Field(default=42, ge=0, lt=2**32)
    n_jobs: int = Field(default=0, ge=0)
    shard: ShardOptions = ShardOptions()
    min_success_rate: Share = 0.8
    max_child_runs: int = Field(default=30, ge=0)
    max_title_plots: int = Field(default=50, ge=0)
    families: Annotated[list[Family], PlainValidator(normalise_families)] = list(FAMILIES)
    calendar: bool = True
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


def check_options(values: Mapping[str, Any]) -> Options:
    """Check parameter values, those nobody has asked for included.

    Args:
        values: Parameters as configuration and command line give them.

    Returns:
        The checked options, normalised.

    Raises:
        UserError: Unknown names or values out of range; all of them in one message.
    """
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        problems = " ".join(_problem(dict(detail)) for detail in error.errors())
        raise UserError(
            f"{problems} Parameters come from conf/<environment>/parameters*.yml and --params."
        ) from None


def _problem(detail: Mapping[str, Any]) -> str:
    path = [str(part) for part in detail["loc"]]
    name = ".".join(path) or "The parameters"
    if detail["type"] == "extra_forbidden":
        return _unknown_name(path)
    reason = str(detail["msg"]).removeprefix("Value error, ")
    if not path or isinstance(detail["input"], Mapping):
        return f"{name}: {reason}."
    return f"{name} is {detail['input']!r}: {reason}."


def _unknown_name(path: list[str]) -> str:
    *group, name = path
    prefix = "".join(f"{part}." for part in group)
    known = _names(Options)
    siblings = [other for other in known if other.startswith(prefix)]
    # Misspelt, or right but in the wrong group; later ones replace those of the same last part.
    candidates = [*Options.model_fields, *known, *siblings]
    by_last_part = {other.rpartition(".")[2]: other for other in candidates}
    near = difflib.get_close_matches(name, by_last_part, n=1)
    hint = f"did you mean {by_last_part[near[0]]}?" if near else f"known are {', '.join(siblings)}."
    return f"There is no parameter {prefix}{name}: {hint}"


def _names(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All option names of a model, those in groups behind the group's name and a dot."""
    names: list[str] = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            names += _names(field.annotation, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names
