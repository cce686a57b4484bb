"""Parameters of the models: families, search, global model, covariates."""

from typing import Annotated, Literal, Self

from pydantic import Field, PlainValidator, model_validator

from book_forecast.options.base import OptionGroup, Share
from book_forecast.options.values import FAMILIES, Family, normalise_families
from book_forecast.series.history import TableFuture


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
    seeds: dict[str, list[SeedOptions]] = Field(default={})

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
        fits: Whose mean is the forecast, each with rows and trees of its own.
        rows: Of a fit's training, over all titles; each is one title, origin and week ahead.
        rows_per_title: The most that one title has.
        trees, leaves, learning_rate: Of the boosting.
    """

    fits: int = Field(default=3, ge=1)
    rows: int = Field(default=120_000, ge=1)
    rows_per_title: int = Field(default=1_000, ge=1)
    trees: int = Field(default=100, ge=1)
    leaves: int = Field(default=31, ge=2)
    learning_rate: float = Field(default=0.08, gt=0, le=1)


class NetworkOptions(OptionGroup):
    """How large the neural network of all titles is.

    Attributes:
        fits: Whose mean is the forecast, each with weights of its own.
        rows: Of a fit's training, over all titles; each is one title and origin.
        fewest_rows: With fewer, there is no network.
        fewest_weeks: The same of the mean history of a title.
        passes: How often a fit sees each row.
        steps: The most that a fit has; each draws 1,024 rows.
        width: Of the first hidden layer; the second one has half of it.
    """

    fits: int = Field(default=4, ge=1)
    rows: int = Field(default=300_000, ge=1)
    fewest_rows: int = Field(default=30_000, ge=1)
    fewest_weeks: int = Field(default=600, ge=1)
    passes: int = Field(default=16, ge=1)
    steps: int = Field(default=3_000, ge=1)
    width: int = Field(default=192, ge=2)


class PretrainedOptions(OptionGroup):
    """The weights of the family `pretrained`.

    Attributes:
        folder: A Chronos-2 or Chronos-Bolt model, `config.json` and `*.safetensors`; None for none.
        context: The latest weeks of a title that the model sees.
    """

    folder: str | None = None
    context: int = Field(default=512, ge=1)


class EffortOptions(OptionGroup):
    """Which titles get every family.

    Attributes:
        every_title: Catalogues of at most so many titles compare every family for every title.
        sample: Titles of a larger catalogue that every family is compared on first.
        max_loss: Share by which errors on the sample may grow from leaving families out.
    """

    every_title: int = Field(default=200, ge=0)
    sample: int = Field(default=120, ge=1)
    max_loss: Share = 0.003


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
    futures: dict[str, TableFuture] = Field(default={})

    def future_of(self, name: str) -> TableFuture:
        """What stands for a regressor's weeks ahead."""
        return self.futures.get(name, self.future)


class ModelOptions(OptionGroup):
    """The models of a title.

    Attributes:
        families: Model families of the ensembles; SARIMA alone needs no ensemble.
        calendar: Whether models use the calendar's windows.
        alive_weeks: A title without a sale in so many reported weeks forecasts zero.
        regressors: Knowledge of covariates in the weeks ahead.
        tune: The search for SARIMA orders.
        boosting, network: Sizes of the global models.
        pretrained: Weights of a model that others have trained.
        effort: Which titles get every family.
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
    network: NetworkOptions = NetworkOptions()
    pretrained: PretrainedOptions = PretrainedOptions()
    effort: EffortOptions = EffortOptions()
    seed: int = Field(default=42, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _weights_named(self) -> Self:
        if "pretrained" in self.families and self.pretrained.folder is None:
            raise ValueError(
                "the family pretrained needs weights: name their folder in pretrained.folder"
            )
        return self

    @property
    def has_ensembles(self) -> bool:
        """Whether titles are forecast by ensembles."""
        return list(self.families) != ["sarima"]

    @property
    def has_chosen_families(self) -> bool:
        """Whether the families are not the default, so that every title gets all of them."""
        return set(self.families) != set(FAMILIES)
