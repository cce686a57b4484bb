"""Dynamic harmonic regression: ARIMA errors around Fourier terms, feasts and further regressors.

Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 10.5, fitted by our own
exact likelihood. Missing weeks stay missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
    CHRISTMAS,
    FEASTS,
    calendar_columns,
    fourier_terms,
    weeks_from,
)
from book_forecast.forecasters.transforms import Transform
from book_forecast.histories import WEEK, YEAR, FloatArray, History
from book_forecast.sarima import SarimaFit, Specification, fit, predict
from book_forecast.sarima.autocovariance import arma_autocovariance

PLANNED_WEEKS = 3 * YEAR
PAIRS = (0, 1, 2, 3, 5, 8)
ERRORS = ((1, 0, 0), (2, 0, 0), (1, 0, 1), (2, 0, 1), (0, 1, 1), (1, 1, 1), (1, 1, 2))
FIRST_ERRORS = (1, 0, 1)
# Weeks that each column must have beside it.
WEEKS_A_COLUMN = 8
# A window tells of itself only if it has been seen as often.
FEWEST_FEASTS = 2


@dataclass(frozen=True, slots=True)
class Columns:
    """What a regression is on.

    Attributes:
        pairs: Of Fourier terms.
        feasts: Windows of the calendar.
        names: Further regressors.
        values: Theirs, from the history's first week to the last that is planned, shape (m, r).
    """

    pairs: int = 0
    feasts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    values: FloatArray | None = None

    def __len__(self) -> int:
        """How many columns there are."""
        return 2 * self.pairs + len(self.feasts) + len(self.names)

    def matrix(self, first: np.datetime64, begin: int, end: int) -> FloatArray:
        """The columns in some weeks from the history's first, shape (end - begin, columns)."""
        weeks = weeks_from(first, end)[begin:]
        further = np.zeros((end - begin, len(self.names)))
        if self.values is not None and self.names:
            known = self.values[begin:end]
            further[: len(known)] = known
        return np.concatenate(
            [
                fourier_terms(weeks, self.pairs),
                calendar_columns(weeks, self.feasts),
                further,
            ],
            axis=1,
        )


@dataclass(frozen=True)
class Regression(FittedForecaster):
    """A fitted dynamic regression, on the scale of log(1 + copies).

    Attributes:
        model: ARIMA errors and the coefficients of the columns.
        columns: What it is a regression on.
        first: Saturday of the history's first week.
        transform: The scale.
        volumes: The weeks up to the cutoff, in copies, shape (n,).
    """

    family: ClassVar[str] = "regression"
    capabilities: ClassVar[Capabilities] = Capabilities(
        seasonal=True, regressors=True, missing=True, fewest_weeks=12
    )
    model: SarimaFit
    columns: Columns
    first: np.datetime64
    transform: Transform
    volumes: FloatArray

    @classmethod
    def fit(cls, history: History, season: int = YEAR, *, calendar: bool = True) -> Self:
        """Chooses columns and errors by AICc, and fits.

        Args:
            history: The title's weeks.
            season: In weeks; with 1 there are no Fourier terms.
            calendar: Whether England's feasts may mean something.

        Raises:
            ValueError: If there are too few weeks, or they do not vary.
        """
        n_known = int(np.isfinite(history.volumes).sum())
        if n_known < cls.capabilities.fewest_weeks:
            raise ValueError(
                f"{history.isbn} has {n_known} known weeks, {cls.family} needs at least "
                f"{cls.capabilities.fewest_weeks}."
            )
        if history.is_constant():
            raise ValueError(f"{history.isbn} sold the same in every week.")
        transform = Transform.fit("log", history.volumes)
        first = history.cutoff - WEEK * (history.n_weeks - 1)
        search = _Search(transform.apply(history.volumes), first, n_known)
        columns = search.choose(history, season, calendar=calendar)
        model = search.best_errors(columns)
        return cls(model, columns, first, transform, history.volumes)

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        n = len(self.volumes)
        ahead = predict(
            self.model,
            self.transform.apply(self.volumes),
            horizon,
            self.columns.matrix(self.first, 0, n),
            self._ahead(horizon, future),
        )
        return self.transform.to_copies(ahead.mean, np.sqrt(ahead.variance), levels)

    def _ahead(self, horizon: int, future: Mapping[str, FloatArray] | None = None) -> FloatArray:
        n = len(self.volumes)
        matrix = self.columns.matrix(self.first, n, n + horizon)
        for name, values in (future or {}).items():
            if name in self.columns.names:
                place = len(self.columns) - len(self.columns.names)
                matrix[:, place + self.columns.names.index(name)] = values
        return matrix

    def explain(self, horizon: int) -> dict[str, FloatArray]:
        """What parts the weeks ahead are made of, on the scale of log(1 + copies).

        Args:
            horizon: Weeks ahead.

        Returns:
            level, season, holidays, promotion and other, each of shape (horizon,).
        """
        n = len(self.volumes)
        trend = len(self.model.coefficients) - len(self.columns)
        slopes = self.model.coefficients[trend:]
        parts = self._ahead(horizon) * slopes
        fitted = self.columns.matrix(self.first, 0, n) @ slopes
        level = predict(
            replace(self.model, coefficients=self.model.coefficients[:trend]),
            self.transform.apply(self.volumes) - fitted,
            horizon,
        ).mean
        pairs, feasts = 2 * self.columns.pairs, len(self.columns.feasts)
        further = parts[:, pairs + feasts :]
        promoted = np.array([name == "promotion" for name in self.columns.names], dtype=bool)
        return {
            "level": level,
            "season": parts[:, :pairs].sum(axis=1),
            "holidays": parts[:, pairs : pairs + feasts].sum(axis=1),
            "promotion": further[:, promoted].sum(axis=1),
            "other": further[:, ~promoted].sum(axis=1),
        }

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        return replace(self, volumes=np.concatenate([self.volumes, volumes]))

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        values = self.columns.values
        return {
            "specification": asdict(self.model.specification),
            "arma": plain(self.model.arma),
            "sigma2": self.model.sigma2,
            "coefficients": plain(self.model.coefficients),
            "log_likelihood": self.model.log_likelihood,
            "n_effective": self.model.n_effective,
            "pairs": self.columns.pairs,
            "feasts": list(self.columns.feasts),
            "regressors": {
                name: _sparse(values[:, place])
                for place, name in enumerate(self.columns.names)
                if values is not None
            },
            "weeks_planned": 0 if values is None else len(values),
            "first": str(self.first.astype("datetime64[D]")),
            "transform": self.transform.to_state(),
            "volumes": plain(self.volumes),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        names = tuple(state["regressors"])
        values = np.zeros((int(state["weeks_planned"]), len(names)))
        for place, entries in enumerate(state["regressors"].values()):
            for week, value in entries:
                values[int(week), place] = float(value)
        model = SarimaFit(
            specification=Specification(**state["specification"]),
            arma=array(state["arma"]),
            sigma2=float(state["sigma2"]),
            coefficients=array(state["coefficients"]),
            log_likelihood=float(state["log_likelihood"]),
            n_effective=int(state["n_effective"]),
            evaluations=0,
        )
        columns = Columns(
            int(state["pairs"]), tuple(state["feasts"]), names, values if names else None
        )
        first = np.datetime64(state["first"], "D")
        transform = Transform.from_state(state["transform"])
        return cls(model, columns, first, transform, array(state["volumes"]))


def _sparse(column: FloatArray) -> list[list[float]]:
    """Weeks and values of those that are not zero."""
    weeks = np.flatnonzero(column)
    return [[int(week), float(column[week])] for week in weeks]


@dataclass(frozen=True)
class _Search:
    """The choice of columns and errors for one series.

    Attributes:
        values: On the model's scale, shape (n,).
        first: Saturday of its first week.
        n_known: Weeks that are known.
    """

    values: FloatArray
    first: np.datetime64
    n_known: int

    def choose(self, history: History, season: int, *, calendar: bool) -> Columns:
        """The columns of the lowest AICc, group by group."""
        best = Columns()
        lowest = self._aicc(best)
        for pairs in PAIRS[1:] if season > 1 else ():
            best, lowest = self._better(best, lowest, replace(best, pairs=pairs))
        for group in (CHRISTMAS, FEASTS) if calendar else ():
            feasts = (*best.feasts, *self._seen(group))
            best, lowest = self._better(best, lowest, replace(best, feasts=feasts))
        known = history.regressors
        if known is None:
            return best
        n = history.n_weeks
        values = np.concatenate([known.before(n), known.after(n, PLANNED_WEEKS)])
        for place, name in enumerate(known.names):
            if not np.ptp(values[:n, place]) > 0.0:
                continue
            added = values[:, [place]]
            further = added if best.values is None else np.c_[best.values, added]
            more = replace(best, names=(*best.names, name), values=further)
            best, lowest = self._better(best, lowest, more)
        return best

    def _seen(self, group: Sequence[str]) -> list[str]:
        """Windows of a group that weeks with a known volume have met."""
        columns = calendar_columns(weeks_from(self.first, len(self.values)), group)
        known = np.isfinite(self.values)[:, None]
        times = ((columns > 0.0) & known).sum(axis=0)
        return [name for name, n in zip(group, times, strict=True) if n >= FEWEST_FEASTS]

    def _better(self, best: Columns, lowest: float, other: Columns) -> tuple[Columns, float]:
        if len(other) == len(best) or len(other) * WEEKS_A_COLUMN > self.n_known:
            return best, lowest
        aicc = self._aicc(other)
        return (other, aicc) if aicc < lowest else (best, lowest)

    def _aicc(self, columns: Columns) -> float:
        try:
            return self._fit(columns, FIRST_ERRORS).aicc
        except ValueError:
            return float("inf")

    def best_errors(self, columns: Columns) -> SarimaFit:
        """The fit with the errors of the lowest AICc, given the first week.

        With differences the likelihood is that of all weeks but the first, given it: that of the
        first is taken from the others, so that they compare.
        """
        matrix = columns.matrix(self.first, 0, len(self.values))
        found: list[tuple[float, SarimaFit]] = []
        problem: Exception | None = None
        for order in ERRORS:
            try:
                model = self._fit(columns, order)
            except ValueError as error:
                problem = error
                continue
            aicc = model.aicc
            if not model.specification.d:
                aicc += 2.0 * self._first_week(model, matrix)
            found.append((aicc, model))
        if not found:
            raise ValueError(str(problem))
        return min(found, key=lambda item: item[0])[1]

    def _fit(self, columns: Columns, order: tuple[int, int, int]) -> SarimaFit:
        specification = Specification(*order, trend="n" if order[1] else "c")
        matrix = columns.matrix(self.first, 0, len(self.values))
        return fit(self.values, specification, matrix, thorough=False)

    def _first_week(self, model: SarimaFit, matrix: FloatArray) -> float:
        """Log-likelihood of the first week that is known, by itself."""
        place = int(np.flatnonzero(np.isfinite(self.values))[0])
        design = np.r_[1.0, matrix[place]]
        p, q = model.specification.p, model.specification.q
        ar, ma = model.arma[:p], model.arma[p : p + q]
        variance = model.sigma2 * float(arma_autocovariance(ar, ma, 1)[0])
        error = float(self.values[place] - design @ model.coefficients)
        return -0.5 * (float(np.log(2.0 * np.pi * variance)) + error**2 / variance)
