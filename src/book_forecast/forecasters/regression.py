"""Dynamic harmonic regression: ARIMA errors around season, calendar, promotions and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from book_forecast.forecasters.base import (
    Capabilities,
    FittedForecaster,
    Forecast,
    array,
    plain,
)
from book_forecast.forecasters.design import (
    design_matrix,
    group_of,
    holiday_names,
    regressor_column,
    season_names,
    wave_number,
)
from book_forecast.forecasters.outliers import clean
from book_forecast.forecasters.sarima import PERFECT_FIT, weekly_variance
from book_forecast.forecasters.shrinkage import FIRST, shrink
from book_forecast.forecasters.transforms import Transform
from book_forecast.histories import WEEK, FloatArray, History
from book_forecast.sarima import Prediction, SarimaFit, Specification, predict
from book_forecast.sarima.marginal import Errors, best_errors, fit_errors, whiten_regression
from book_forecast.seasonality import YEAR

ORDERS = ((1, 0, 0), (2, 0, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1, 2))
"""(p, d, q) of the errors to choose from, by AICc."""
# Errors at which regressors are first judged: a level that wanders, and noise around it.
FIRST_ERRORS = Specification(0, 1, 1)
FIRST_ARMA = np.array([-0.5])
ROUNDS = 2
FEWEST_WEEKS = 8
# Weeks for which regressors are kept beyond the last one known: the longest horizon of a forecast,
# after a year of weeks that were rolled in.
PLAN_WEEKS = 156
# Future regressors are held within what was seen, widened by this share of it on both sides.
BEYOND = 0.5


@dataclass(frozen=True)
class Regression(FittedForecaster):
    """ARIMA errors around shrunk regressors, on the scale of logs of one plus the copies.

    Attributes:
        model: The errors and the regressors' coefficients.
        transform: The scale.
        volumes: The weeks up to the cutoff, in copies, shape (n,).
        season: Weeks in a season.
        names: The regressors' columns, as `design` names them.
        further: By name, the values of further regressors that are known or planned: from the
            first week to `PLAN_WEEKS` after the last that the fit saw.
        trained_until: Saturday of the last week that the fit saw.
        n_trained: Weeks that it saw.
        left_out: Places of weeks that it took for outliers.
    """

    family: ClassVar[str] = "regression"
    capabilities: ClassVar[Capabilities] = Capabilities(
        seasonal=True, regressors=True, missing=True, fewest_weeks=FEWEST_WEEKS
    )
    model: SarimaFit
    transform: Transform
    volumes: FloatArray
    season: int
    names: tuple[str, ...]
    further: Mapping[str, FloatArray]
    trained_until: np.datetime64
    n_trained: int
    left_out: tuple[int, ...]

    @classmethod
    def fit(
        cls,
        history: History,
        season: int = YEAR,
        *,
        calendar: bool = True,
        regressors: bool = True,
        outliers: bool = True,
    ) -> Self:
        """Chooses regressors and errors by what the history's weeks speak for, and fits them.

        Args:
            history: The title's weeks, with its regressors.
            season: Weeks in a season; 1 for none. A history of no more weeks is taken to have none.
            calendar: Whether to use holidays, which are England's.
            regressors: Whether to use promotions and the history's other regressors.
            outliers: Whether to leave bursts of one time only out of the fit, and out of what later
                forecasts see.

        Raises:
            ValueError: If too few weeks are known, or they do not vary.
        """
        kept, excess = clean(history, season) if outliers else (history, np.zeros(history.n_weeks))
        seen = np.isfinite(kept.volumes)
        if seen.sum() < FEWEST_WEEKS:
            raise ValueError(f"{seen.sum()} known weeks are too few; {FEWEST_WEEKS} are needed.")
        transform = Transform.fit("log", kept.volumes)
        values = transform.apply(kept.volumes)
        weeks = history.cutoff - WEEK * np.arange(history.n_weeks)[::-1]
        further = _further(history) if regressors else {}
        past = {
            regressor_column(name): column[: history.n_weeks]
            for name, column in further.items()
            if np.ptp(column[: history.n_weeks][seen])
        }
        names = season_names(season) if history.n_weeks > season else []
        names += holiday_names(weeks, seen) if calendar else []
        names += past
        errors, used = _regress(values, names, design_matrix(names, weeks, season, past))
        if errors.sigma2 < PERFECT_FIT * weekly_variance(values):
            raise ValueError("The regression fits the few weeks there are perfectly.")
        return cls(
            model=errors.as_fit(),
            transform=transform,
            volumes=history.volumes,
            season=season,
            names=tuple(used),
            further={n: column for n, column in further.items() if regressor_column(n) in used},
            trained_until=history.cutoff,
            n_trained=history.n_weeks,
            left_out=tuple(np.flatnonzero(excess).tolist()),
        )

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        ahead, _ = self._ahead(horizon, future)
        return self.transform.to_copies(ahead.mean, np.sqrt(ahead.variance), levels)

    def explain(
        self, horizon: int, future: Mapping[str, FloatArray] | None = None
    ) -> dict[str, FloatArray]:
        """What each part of the model adds to the log of one plus the copies.

        Args:
            horizon: Weeks ahead.
            future: As in `forecast`.

        Returns:
            By part, each of shape (horizon,): "level" (errors and constant), "season", "holidays",
            "promotion" and "other". Their sum is that of the median forecast, but where that is cut
            off at zero or at the ceiling.
        """
        ahead, design = self._ahead(horizon, future)
        effects = design * self._slopes
        groups = np.array([group_of(name) for name in self.names])
        parts = {"level": ahead.mean - effects.sum(axis=1)}
        for part in ("season", "holidays", "promotion", "other"):
            parts[part] = effects[:, groups == part].sum(axis=1)
        return parts

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`; regressors of these weeks are those planned."""
        return replace(self, volumes=np.concatenate([self.volumes, volumes]))

    @property
    def _slopes(self) -> FloatArray:
        """Coefficients of the columns, without the constant."""
        return self.model.coefficients[len(self.model.coefficients) - len(self.names) :]

    def _ahead(
        self, horizon: int, future: Mapping[str, FloatArray] | None
    ) -> tuple[Prediction, FloatArray]:
        """The forecast on the model's scale, and the regressors of its weeks."""
        n = len(self.volumes)
        first = self.trained_until - WEEK * (self.n_trained - 1)
        weeks = first + WEEK * np.arange(n + horizon)
        further = {
            name: self._column(name, n, horizon, None if future is None else future.get(name))
            for name in self.further
        }
        columns = {regressor_column(name): column for name, column in further.items()}
        design = design_matrix(self.names, weeks, self.season, columns)
        values = self.transform.apply(self.volumes)
        values[list(self.left_out)] = np.nan
        return predict(self.model, values, horizon, design[:n], design[n:]), design[n:]

    def _column(self, name: str, n: int, horizon: int, planned: FloatArray | None) -> FloatArray:
        """A further regressor up to the horizon, held within reach of what the fit saw of it."""
        known = self.further[name]
        column = known[np.minimum(np.arange(n + horizon), len(known) - 1)]
        if planned is not None:
            if np.shape(planned) != (horizon,) or not np.all(np.isfinite(planned)):
                raise ValueError(f"{name} must have a value for each of the {horizon} weeks ahead.")
            column[n:] = planned
        seen = known[: self.n_trained]
        reach = BEYOND * np.ptp(seen)
        column[self.n_trained :] = np.clip(
            column[self.n_trained :], seen.min() - reach, seen.max() + reach
        )
        return column

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {
            "specification": asdict(self.model.specification),
            "arma": plain(self.model.arma),
            "sigma2": self.model.sigma2,
            "coefficients": plain(self.model.coefficients),
            "log_likelihood": self.model.log_likelihood,
            "n_effective": self.model.n_effective,
            "names": list(self.names),
            "season": self.season,
            "transform": self.transform.to_state(),
            "trained_until": str(self.trained_until),
            "n_trained": self.n_trained,
            "left_out": list(self.left_out),
            "regressors": {name: _sparse(column) for name, column in self.further.items()},
            "volumes": plain(self.volumes),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        model = SarimaFit(
            specification=Specification(**state["specification"]),
            arma=array(state["arma"]),
            sigma2=float(state["sigma2"]),
            coefficients=array(state["coefficients"]),
            log_likelihood=float(state["log_likelihood"]),
            n_effective=int(state["n_effective"]),
            evaluations=0,
        )
        return cls(
            model=model,
            transform=Transform.from_state(state["transform"]),
            volumes=array(state["volumes"]),
            season=int(state["season"]),
            names=tuple(state["names"]),
            further={name: _dense(kept) for name, kept in state["regressors"].items()},
            trained_until=np.datetime64(state["trained_until"]),
            n_trained=int(state["n_trained"]),
            left_out=tuple(state["left_out"]),
        )


def _further(history: History) -> dict[str, FloatArray]:
    """By name, the regressors' values up to the cutoff and what stands for those after it."""
    known = history.regressors
    if known is None:
        return {}
    n = history.n_weeks
    values = np.concatenate([known.before(n), known.after(n, PLAN_WEEKS)])
    return dict(zip(known.names, values.T, strict=True))


def _regress(
    values: FloatArray, names: Sequence[str], design: FloatArray
) -> tuple[Errors, list[str]]:
    """Errors and coefficients in turn, then the errors once more with the coefficients' priors.

    Returns:
        The regression, and the columns that it uses.
    """
    if not names:
        return best_errors(values, ORDERS), []
    groups = [group_of(name) for name in names]
    weights = _weights(names, design, np.isfinite(values))
    specification, arma, spreads = FIRST_ERRORS, FIRST_ARMA, FIRST
    for _ in range(ROUNDS):
        whitened = whiten_regression(values, specification, arma, design)
        shrunk = shrink(whitened, groups, weights, spreads)
        errors = best_errors(values - design @ shrunk.coefficients, ORDERS)
        specification, arma, spreads = errors.specification, errors.arma, shrunk.spreads
    whitened = whiten_regression(values, specification, arma, design)
    spread = shrink(whitened, groups, weights, spreads).spread
    used = np.flatnonzero(spread).tolist()
    if not used:
        return best_errors(values, ORDERS), []
    errors = fit_errors(
        values, specification, design[:, used], spread=spread[used], start=errors.arma
    )
    return errors, [names[place] for place in used]


def _weights(names: Sequence[str], design: FloatArray, seen: npt.NDArray[np.bool_]) -> FloatArray:
    """What brings the columns of a group to a common scale.

    Faster waves are expected to be smaller; windows are shares of a week; other regressors have
    units of their own.
    """
    weights = np.ones(len(names))
    for place, name in enumerate(names):
        group = group_of(name)
        if group == "season":
            weights[place] = 1.0 / wave_number(name)
        elif group != "holidays":
            weights[place] = 1.0 / np.std(design[seen, place])
    return weights


def _sparse(column: FloatArray) -> dict[str, Any]:
    """A column as plain data: where it is mostly zero, the other weeks alone."""
    places = np.flatnonzero(column)
    if 2 * len(places) > len(column):
        return {"length": len(column), "values": plain(column)}
    return {"length": len(column), "places": places.tolist(), "values": plain(column[places])}


def _dense(kept: Mapping[str, Any]) -> FloatArray:
    """The inverse of `_sparse`."""
    column = np.zeros(kept["length"])
    column[kept.get("places", slice(None))] = array(kept["values"])
    return column
