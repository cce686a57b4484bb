"""Dynamic harmonic regression: ARIMA errors around season, calendar and covariates."""

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
    covariate_column,
    design_matrix,
    group_of,
    holiday_names,
    season_names,
)
from book_forecast.forecasters.outliers import clean
from book_forecast.forecasters.sarima import PERFECT_FIT, fit_from_state, fit_state, weekly_variance
from book_forecast.forecasters.shrinkage import regress
from book_forecast.forecasters.transforms import Transform
from book_forecast.sarima import Prediction, SarimaFit, predict
from book_forecast.series.history import MODEL_HORIZON, WEEK, YEAR, FloatArray, History

# Six years, as seasons change. On folds in M4's training weeks three to six years are equally good
# and all weeks worse; sample titles, whose seasons do not change, lose next to nothing.
MEMORY = 312
FEWEST_WEEKS = 8
# Covariates ahead are clipped to their range in the fit, widened by this share on both sides.
BEYOND = 0.5


@dataclass(frozen=True)
class Regression(FittedForecaster):
    """ARIMA errors around shrunk coefficients, on the scale of log(1 + copies).

    Attributes:
        model: The errors and the coefficients.
        transform: The scale.
        volumes: The weeks up to the cutoff, in copies, shape (n,).
        season: Weeks in a season.
        names: The columns, as `design` names them.
        covariates: By name, known or planned values from the first week of the fit to
            `MODEL_HORIZON` weeks after the last.
        trained_until: Saturday of the last week of the fit.
        n_trained: Weeks of the history up to there.
        first: Index of the first week of the fit; earlier weeks are not used.
        left_out: Indices of the fit's outliers.
    """

    family: ClassVar[str] = "regression"
    capabilities: ClassVar[Capabilities] = Capabilities(
        seasonal=True, covariates=True, missing=True, fewest_weeks=FEWEST_WEEKS
    )
    model: SarimaFit
    transform: Transform
    volumes: FloatArray
    season: int
    names: tuple[str, ...]
    covariates: Mapping[str, FloatArray]
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
        covariates: bool = True,
        outliers: bool = True,
        memory: int = MEMORY,
    ) -> Self:
        """Choose columns and errors, and fit them.

        Args:
            history: The title's weeks, with its covariates.
            season: Weeks in a season; 1 for none. A history of no more weeks has none.
            calendar: Whether to use England's holidays.
            covariates: Whether to use promotions and the history's other covariates.
            outliers: Whether to treat outliers as missing, in the fit and in forecasts.
            memory: Latest weeks to fit to.

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
        found = _covariates(history, first) if covariates else {}
        past = {
            covariate_column(name): column[:n]
            for name, column in found.items()
            if np.ptp(column[:n][seen])
        }
        names = season_names(season) if n > season else []
        names += holiday_names(weeks, seen) if calendar else []
        names += past
        errors, used = regress(values, names, design_matrix(names, weeks, season, past))
        if errors.sigma2 < PERFECT_FIT * weekly_variance(values):
            raise ValueError("The regression fits the few weeks there are perfectly.")
        return cls(
            model=errors,
            transform=transform,
            volumes=history.volumes,
            season=season,
            names=tuple(used),
            covariates={name: c for name, c in found.items() if covariate_column(name) in used},
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
        """Return the components; see `FittedForecaster.explain`.

        "level" holds errors and constant. The sum is that of the median forecast, unless that is
        clipped at zero or at the ceiling.

        Args:
            horizon: Weeks ahead.
            future: As in `forecast`.
        """
        ahead, design = self._ahead(horizon, future)
        effects = design * self._slopes
        groups = np.array([group_of(name) for name in self.names])
        parts = {"level": ahead.mean - effects.sum(axis=1)}
        for part in ("season", "holidays", "promotion", "other"):
            parts[part] = effects[:, groups == part].sum(axis=1)
        return parts

    def with_weeks(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.with_weeks`."""
        return replace(self, volumes=volumes)

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`; these weeks' covariates are the planned ones.

        `with_covariates` puts the present ones in their place.
        """
        return replace(self, volumes=np.concatenate([self.volumes, volumes]))

    def with_covariates(self, values: Mapping[str, FloatArray]) -> Self:
        """See `FittedForecaster.with_covariates`."""
        known = {
            name: np.concatenate([column[: self._n_seen], values[name]])
            if name in values
            else column
            for name, column in self.covariates.items()
        }
        return replace(self, covariates=known)

    def log_forecast(self, horizon: int) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation on the model's scale, shape (horizon,) each."""
        ahead, _ = self._ahead(horizon, None)
        return ahead.mean, np.sqrt(ahead.variance)

    def means(
        self, horizon: int, futures: Sequence[Mapping[str, FloatArray] | None]
    ) -> list[FloatArray]:
        """Return the means of forecasts with different covariates ahead; see `forecast`.

        The weeks up to the cutoff are filtered once.
        """
        ahead, plain = self._ahead(horizon, None)
        n, deviation = len(self.volumes) - self.first, np.sqrt(ahead.variance)
        found = []
        for future in futures:
            mean = ahead.mean
            for name, planned in (future or {}).items():
                if name in self.covariates:
                    column = self.names.index(covariate_column(name))
                    values = self._column(name, n, horizon, planned)[n:]
                    mean = mean + (values - plain[:, column]) * self._slopes[column]
            found.append(self.transform.to_copies(mean, deviation, ()).mean)
        return found

    def slope(self, name: str) -> float:
        """Return the coefficient of a covariate."""
        return float(self._slopes[self.names.index(covariate_column(name))])

    def covariates_ahead(self, horizon: int) -> dict[str, FloatArray]:
        """Return the covariates of the weeks ahead by name, as a forecast uses them."""
        n = len(self.volumes) - self.first
        return {name: self._column(name, n, horizon, None)[n:] for name in self.covariates}

    def seen(self, name: str) -> tuple[float, float]:
        """Return the smallest and the largest value of a covariate in the fit.

        Values ahead count up to `BEYOND` times the distance of the two outside of them.
        """
        column = self.covariates[name][: self._n_seen]
        return float(column.min()), float(column.max())

    @property
    def _slopes(self) -> FloatArray:
        """Coefficients of the columns, without the constant."""
        return self.model.coefficients[len(self.model.coefficients) - len(self.names) :]

    def _ahead(
        self, horizon: int, future: Mapping[str, FloatArray] | None
    ) -> tuple[Prediction, FloatArray]:
        """Return the forecast on the model's scale, and the columns of its weeks."""
        n = len(self.volumes) - self.first
        weeks = self.trained_until + WEEK * np.arange(
            1 - self._n_seen, n + horizon - self._n_seen + 1
        )
        columns = {
            covariate_column(name): self._column(name, n, horizon, (future or {}).get(name))
            for name in self.covariates
        }
        design = design_matrix(self.names, weeks, self.season, columns)
        values = self.transform.apply(self.volumes)
        values[list(self.left_out)] = np.nan
        ahead = predict(self.model, values[self.first :], horizon, design[:n], design[n:])
        return ahead, design[n:]

    def _column(self, name: str, n: int, horizon: int, planned: FloatArray | None) -> FloatArray:
        """Return a covariate up to the horizon, clipped to its widened range in the fit."""
        known = self.covariates[name]
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
        """Weeks of the fit."""
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
            "regressors": {name: _sparse(column) for name, column in self.covariates.items()},
            "volumes": plain(self.volumes),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        return cls(
            model=fit_from_state(state),
            transform=Transform.from_state(state["transform"]),
            volumes=array(state["volumes"]),
            season=int(state["season"]),
            names=tuple(state["names"]),
            covariates={name: _dense(kept) for name, kept in state["regressors"].items()},
            trained_until=np.datetime64(state["trained_until"]),
            n_trained=int(state["n_trained"]),
            first=int(state["first"]),
            left_out=tuple(state["left_out"]),
        )


def _covariates(history: History, first: int) -> dict[str, FloatArray]:
    """Return the covariates by name, from a week to `MODEL_HORIZON` after the cutoff."""
    known = history.covariates
    if known is None:
        return {}
    n = history.n_weeks
    values = np.concatenate([known.before(n)[first:], known.after(n, MODEL_HORIZON)])
    return dict(zip(known.names, values.T, strict=True))


def _sparse(column: FloatArray) -> dict[str, Any]:
    """Return a column as plain data; a mostly zero one as its other weeks."""
    filled = np.flatnonzero(column)
    if 2 * len(filled) > len(column):
        return {"length": len(column), "values": plain(column)}
    return {"length": len(column), "places": filled.tolist(), "values": plain(column[filled])}


def _dense(kept: Mapping[str, Any]) -> FloatArray:
    """Return the inverse of `_sparse`."""
    column = np.zeros(kept["length"])
    column[kept.get("places", slice(None))] = array(kept["values"])
    return column
