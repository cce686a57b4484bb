"""Dynamic harmonic regression: ARIMA errors around season, calendar, promotions and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

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
)
from book_forecast.forecasters.outliers import clean
from book_forecast.forecasters.sarima import PERFECT_FIT, fit_from_state, fit_state, weekly_variance
from book_forecast.forecasters.shrinkage import regress
from book_forecast.forecasters.transforms import Transform
from book_forecast.sarima import Prediction, SarimaFit, predict
from book_forecast.series.history import WEEK, FloatArray, History
from book_forecast.series.seasonality import YEAR

# Six years: seasons change, and what they were long ago says little of the next one. On folds in
# M4's training weeks three to six years do alike and all weeks worse; sample titles, whose seasons
# do not change, lose next to nothing.
MEMORY = 312
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
            first week that the fit saw to `PLAN_WEEKS` after the last.
        trained_until: Saturday of the last week that the fit saw.
        n_trained: Weeks of the history up to there.
        first: Place of the first week that it saw; those before it are not looked at.
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
    first: int
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
        memory: int = MEMORY,
    ) -> Self:
        """Chooses regressors and errors by what the history's weeks speak for, and fits them.

        Args:
            history: The title's weeks, with its regressors.
            season: Weeks in a season; 1 for none. A history of no more weeks is taken to have none.
            calendar: Whether to use holidays, which are England's.
            regressors: Whether to use promotions and the history's other regressors.
            outliers: Whether to leave bursts of one time only out of the fit, and out of what later
                forecasts see.
            memory: How many of the latest weeks to fit to.

        Raises:
            ValueError: If too few weeks are known, or they do not vary.
        """
        kept, excess = clean(history, season) if outliers else (history, np.zeros(history.n_weeks))
        first = max(history.n_weeks - memory, 0)
        n = history.n_weeks - first
        seen = np.isfinite(kept.volumes[first:])
        if seen.sum() < FEWEST_WEEKS:
            raise ValueError(f"{seen.sum()} known weeks are too few; {FEWEST_WEEKS} are needed.")
        transform = Transform.fit("log", kept.volumes)
        values = transform.apply(kept.volumes[first:])
        weeks = history.cutoff - WEEK * np.arange(n)[::-1]
        further = _further(history, first) if regressors else {}
        past = {
            regressor_column(name): column[:n]
            for name, column in further.items()
            if np.ptp(column[:n][seen])
        }
        names = season_names(season) if n > season else []
        names += holiday_names(weeks, seen) if calendar else []
        names += past
        errors, used = regress(values, names, design_matrix(names, weeks, season, past))
        if errors.sigma2 < PERFECT_FIT * weekly_variance(values):
            raise ValueError("The regression fits the few weeks there are perfectly.")
        return cls(
            model=errors.as_fit(),
            transform=transform,
            volumes=history.volumes,
            season=season,
            names=tuple(used),
            further={name: c for name, c in further.items() if regressor_column(name) in used},
            trained_until=history.cutoff,
            n_trained=history.n_weeks,
            first=first,
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
        n = len(self.volumes) - self.first
        weeks = self.trained_until + WEEK * np.arange(
            1 - self._n_seen, n + horizon - self._n_seen + 1
        )
        columns = {
            regressor_column(name): self._column(name, n, horizon, (future or {}).get(name))
            for name in self.further
        }
        design = design_matrix(self.names, weeks, self.season, columns)
        values = self.transform.apply(self.volumes)
        values[list(self.left_out)] = np.nan
        ahead = predict(self.model, values[self.first :], horizon, design[:n], design[n:])
        return ahead, design[n:]

    def _column(self, name: str, n: int, horizon: int, planned: FloatArray | None) -> FloatArray:
        """A further regressor up to the horizon, held within reach of what the fit saw of it."""
        known = self.further[name]
        column = known[np.minimum(np.arange(n + horizon), len(known) - 1)]
        if planned is not None:
            if np.shape(planned) != (horizon,) or not np.all(np.isfinite(planned)):
                raise ValueError(f"{name} must have a value for each of the {horizon} weeks ahead.")
            column[n:] = planned
        seen = known[: self._n_seen]
        reach = BEYOND * np.ptp(seen)
        later = column[self._n_seen :]
        np.clip(later, seen.min() - reach, seen.max() + reach, out=later)
        return column

    @property
    def _n_seen(self) -> int:
        """Weeks that the fit saw."""
        return self.n_trained - self.first

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {
            **fit_state(self.model),
            "names": list(self.names),
            "season": self.season,
            "transform": self.transform.to_state(),
            "trained_until": str(self.trained_until),
            "n_trained": self.n_trained,
            "first": self.first,
            "left_out": list(self.left_out),
            "regressors": {name: _sparse(column) for name, column in self.further.items()},
            "volumes": plain(self.volumes),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        model = fit_from_state(state)
        return cls(
            model=model,
            transform=Transform.from_state(state["transform"]),
            volumes=array(state["volumes"]),
            season=int(state["season"]),
            names=tuple(state["names"]),
            further={name: _dense(kept) for name, kept in state["regressors"].items()},
            trained_until=np.datetime64(state["trained_until"]),
            n_trained=int(state["n_trained"]),
            first=int(state["first"]),
            left_out=tuple(state["left_out"]),
        )


def _further(history: History, first: int) -> dict[str, FloatArray]:
    """By name, the regressors from a week to the cutoff and what stands for those after it."""
    known = history.regressors
    if known is None:
        return {}
    n = history.n_weeks
    values = np.concatenate([known.before(n)[first:], known.after(n, PLAN_WEEKS)])
    return dict(zip(known.names, values.T, strict=True))


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
