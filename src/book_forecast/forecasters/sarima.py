"""Seasonal ARIMA on a transformed scale, as one of the model families."""

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
from book_forecast.forecasters.ceilings import KEY, capped, ceiling_state, largest
from book_forecast.forecasters.level_shifts import LevelShift, shift_in, shift_state
from book_forecast.forecasters.transforms import Transform, TransformName
from book_forecast.sarima import SarimaFit, Specification, fit, predict, standardised_residuals
from book_forecast.series.history import FloatArray, History

# Sales are noisy: a fit with a smaller share of the weekly changes' variance has overfitted.
PERFECT_FIT = 1e-4


@dataclass(frozen=True, slots=True)
class Candidate:
    """The orders and the scale of a SARIMA model."""

    specification: Specification
    transform: TransformName = "log"


@dataclass(frozen=True)
class Sarima(FittedForecaster):
    """A fitted seasonal ARIMA model with its weeks.

    Attributes:
        model: The fit, on the transformed scale.
        transform: The scale.
        volumes: The weeks up to the cutoff, in copies, shape (n,).
        ceiling: Of the bounds, beside the largest of these weeks.
        shift: Of the level; the fit has the weeks before it on the new level.
    """

    family: ClassVar[str] = "sarima"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, missing=True, fewest_weeks=3)
    model: SarimaFit
    transform: Transform
    volumes: FloatArray
    ceiling: float = np.inf
    shift: LevelShift | None = None

    @classmethod
    def fit(
        cls,
        history: History,
        candidate: Candidate,
        start: FloatArray | None = None,
        *,
        thorough: bool = True,
        shift: LevelShift | None = None,
    ) -> Self:
        """Fit by exact maximum likelihood.

        Args:
            history: The title's weeks.
            candidate: Orders and scale.
            start: Coefficients of a former fit of the same orders to begin from.
            thorough: Whether to search for optima beyond the nearest one.
            shift: Of the level, where the history has the weeks as they were.

        Raises:
            ValueError: If the history is too short for the orders, or does not vary.
        """
        seen = history.volumes if shift is None else shift.moved(history.volumes)
        transform = Transform.fit(candidate.transform, seen)
        values = transform.apply(seen)
        model = fit(values, candidate.specification, start=start, thorough=thorough)
        if model.sigma2 < PERFECT_FIT * weekly_variance(values):
            raise ValueError(f"{candidate.specification} fits the few weeks there are perfectly")
        return cls(model, transform, history.volumes, shift=shift)

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,  # noqa: ARG002 - has no regressors
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        ahead = predict(self.model, self._values, horizon)
        found = self.transform.to_copies(ahead.mean, np.sqrt(ahead.variance), levels)
        return capped(found, max(self.ceiling, largest(self.volumes)))

    def with_ceiling(self, ceiling: float) -> Self:
        """See `FittedForecaster.with_ceiling`."""
        return replace(self, ceiling=ceiling)

    def with_weeks(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.with_weeks`."""
        return replace(self, volumes=volumes)

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        return replace(self, volumes=np.concatenate([self.volumes, volumes]))

    @property
    def candidate(self) -> Candidate:
        """Orders and scale of the model."""
        return Candidate(self.model.specification, self.transform.name)

    def residuals(self) -> FloatArray:
        """Return standardised one-step errors on the transformed scale, shape (n,)."""
        return standardised_residuals(self.model, self._values)

    @property
    def _values(self) -> FloatArray:
        """The weeks on the transformed scale and on the present level."""
        shift = self.shift
        return self.transform.apply(self.volumes if shift is None else shift.moved(self.volumes))

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {
            **fit_state(self.model),
            "transform": self.transform.to_state(),
            "volumes": plain(self.volumes),
            **ceiling_state(self.ceiling),
            **shift_state(self.shift),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        model = fit_from_state(state)
        return cls(
            model,
            Transform.from_state(state["transform"]),
            array(state["volumes"]),
            float(state.get(KEY, np.inf)),
            shift_in(state),
        )


def fit_state(model: SarimaFit) -> dict[str, Any]:
    """Return a fit as plain data."""
    return {
        "specification": asdict(model.specification),
        "arma": plain(model.arma),
        "sigma2": model.sigma2,
        "coefficients": plain(model.coefficients),
        "log_likelihood": model.log_likelihood,
        "n_effective": model.n_effective,
    }


def fit_from_state(state: Mapping[str, Any]) -> SarimaFit:
    """Return the fit from a state that includes the result of `fit_state`."""
    return SarimaFit(
        specification=Specification(**state["specification"]),
        arma=array(state["arma"]),
        sigma2=float(state["sigma2"]),
        coefficients=array(state["coefficients"]),
        log_likelihood=float(state["log_likelihood"]),
        n_effective=int(state["n_effective"]),
    )


def weekly_variance(values: FloatArray) -> float:
    """Return the variance of weekly changes, or of the weeks if no two in a row are known."""
    changes = np.diff(values)
    changes = changes[np.isfinite(changes)]
    return float(np.var(changes)) if len(changes) else float(np.nanvar(values))
