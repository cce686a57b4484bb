"""Models of statsforecast: ETS, Theta, MSTL and methods for intermittent demand.

statsforecast takes seconds to import, so only the fits import it. A fitted model is plain data: its
point forecast, and how the level of that forecast follows the weeks rolled in.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from book_forecast.forecasters.decomposition import Season, evolving_season, fixed_season
from book_forecast.forecasters.filling import fill_missing
from book_forecast.forecasters.transforms import Transform, TransformName
from book_forecast.series.history import MODEL_HORIZON, YEAR, FloatArray, History

# Relative to the volumes: a season that leaves less explains the series to the last digit.
NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class PointFit:
    """The result of a fit on the model's scale.

    Attributes:
        points: Point forecasts, shape (MODEL_HORIZON,).
        gain: Share of a one-step error by which the level follows it, in [0, 1].
        errors: One-step errors in the weeks of the series.
    """

    points: FloatArray
    gain: float
    errors: FloatArray


@dataclass(frozen=True)
class FixedPoints(FittedForecaster):
    """Point forecasts made once, at the fit; their level follows the weeks rolled in.

    The level's error is smoothed exponentially over the weeks rolled in; missing ones are skipped.
    The deviation h weeks ahead is that of simple exponential smoothing, sigma sqrt(1 + (h - 1)
    gain^2) (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 8.7). The
    mean is the point forecast itself: on a logarithmic scale the median, which minimises absolute
    errors.

    Attributes:
        points: On the model's scale, shape (MODEL_HORIZON,); after them, their last year repeats.
        gain: Share of an error by which the level follows it, in [0, 1].
        deviation: Of the one-step errors, on the model's scale.
        transform: The scale.
        volumes: The weeks up to the cutoff, in copies, shape (n,).
        n_trained: Weeks before the first point forecast.
    """

    scale: ClassVar[TransformName] = "log"
    points: FloatArray
    gain: float
    deviation: float
    transform: Transform
    volumes: FloatArray
    n_trained: int

    @classmethod
    def fit(cls, history: History, season: int = YEAR) -> Self:
        """Fit to a title's weeks; missing weeks are filled where the family needs them.

        Args:
            history: The title's weeks.
            season: In weeks, 1 for none. A history of fewer than two seasons has none.

        Raises:
            ValueError: If too few weeks are known, they do not vary, or the fit is not finite.
        """
        volumes, fewest = history.volumes, cls.capabilities.fewest_weeks
        n_known = int(np.isfinite(volumes).sum())
        if n_known < fewest:
            raise ValueError(
                f"{history.isbn} has {n_known} known weeks, {cls.family} needs at least {fewest}."
            )
        if history.is_constant():
            raise ValueError(f"{history.isbn} sold the same in every week.")
        if not cls.capabilities.missing:
            volumes = fill_missing(volumes, season)
        transform = Transform.fit(cls.scale, volumes)
        found = cls._fit_points(transform.apply(volumes), season)
        deviation = float(np.sqrt(np.mean(found.errors**2)))
        if not (np.isfinite(found.points).all() and np.isfinite([found.gain, deviation]).all()):
            raise ValueError(f"{cls.family} finds no finite forecast for {history.isbn}.")
        gain = min(max(found.gain, 0.0), 1.0)
        return cls(found.points, gain, deviation, transform, history.volumes, len(volumes))

    @classmethod
    @abstractmethod
    def _fit_points(cls, values: FloatArray, season: int) -> PointFit:
        """Fit to a series on the model's scale; raise `ValueError` if there is no model for it."""

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,  # noqa: ARG002 - has no covariates
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        rolled = self.transform.apply(self.volumes[self.n_trained :])
        points = self._path(len(rolled) + horizon)
        mean = points[len(rolled) :] + _shift(rolled - points[: len(rolled)], self.gain)
        deviation = self.deviation * np.sqrt(1.0 + np.arange(horizon) * self.gain**2)
        return self.transform.around(self.transform.invert(mean), mean, deviation, levels)

    def _path(self, n_weeks: int) -> FloatArray:
        """Return the point forecasts of the weeks after the training, on the model's scale."""
        return self.points[self._places(n_weeks)]

    @staticmethod
    def _places(n_weeks: int) -> npt.NDArray[np.int_]:
        """Return the place in `points` of each week after the training; the last year repeats."""
        weeks = np.arange(n_weeks)
        beyond = weeks >= MODEL_HORIZON
        weeks[beyond] = MODEL_HORIZON - YEAR + (weeks[beyond] - MODEL_HORIZON) % YEAR
        return weeks

    def with_weeks(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.with_weeks`."""
        return replace(self, volumes=volumes)

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        return replace(self, volumes=np.concatenate([self.volumes, volumes]))

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {
            "path": plain(self.points),
            "gain": self.gain,
            "deviation": self.deviation,
            "transform": self.transform.to_state(),
            "volumes": plain(self.volumes),
            "n_trained": self.n_trained,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        return cls(
            points=array(state["path"]),
            gain=float(state["gain"]),
            deviation=float(state["deviation"]),
            transform=Transform.from_state(state["transform"]),
            volumes=array(state["volumes"]),
            n_trained=int(state["n_trained"]),
        )


def _shift(errors: FloatArray, gain: float) -> float:
    """Return the shift of the level after one-step errors, shape (k,); NaN where missing."""
    shift = 0.0
    for error in errors[np.isfinite(errors)]:
        shift += gain * (float(error) - shift)
    return shift


@dataclass(frozen=True)
class Ets(FixedPoints):
    """Exponential smoothing with or without a damped trend around a season that evolves.

    The better of ETS(A,N,N) and ETS(A,Ad,N) (Hyndman, Koehler, Ord and Snyder 2008) by AICc, on the
    scale of log1p. A seasonal ETS has 53 initial states, takes ten times as long and is worse.
    """

    family: ClassVar[str] = "ets"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, fewest_weeks=12)
    WINDOW: ClassVar[int] = 11

    @classmethod
    def _fit_points(cls, values: FloatArray, season: int) -> PointFit:
        from statsforecast.models import AutoETS

        part = evolving_season(values, season, cls.WINDOW, MODEL_HORIZON)
        level = _without(part, values)
        fits = [
            AutoETS(season_length=1, model=model, damped=damped).fit(level)
            for model, damped in (("ANN", False), ("AAN", True))
        ]
        best = min(fits, key=lambda fit: np.nan_to_num(fit.model_["aicc"], nan=np.inf))
        points = best.predict(MODEL_HORIZON)["mean"] + part.ahead
        return PointFit(points, float(best.model_["par"][0]), best.model_["residuals"])


@dataclass(frozen=True)
class Theta(FixedPoints):
    """The standard theta model around a season that is the same in all years.

    Assimakopoulos and Nikolopoulos (2000), as the state space model of Fiorucci et al. (2016), on
    the scale of log1p. Its optimised and dynamic forms forecast no better and take five times as
    long.
    """

    family: ClassVar[str] = "theta"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, fewest_weeks=12)

    @classmethod
    def _fit_points(cls, values: FloatArray, season: int) -> PointFit:
        return _theta(fixed_season(values, season, MODEL_HORIZON), values)


@dataclass(frozen=True)
class Mstl(FixedPoints):
    """The standard theta model around a season that evolves fast; the same without a season."""

    family: ClassVar[str] = "mstl"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, fewest_weeks=12)
    WINDOW: ClassVar[int] = 7

    @classmethod
    def _fit_points(cls, values: FloatArray, season: int) -> PointFit:
        return _theta(evolving_season(values, season, cls.WINDOW, MODEL_HORIZON), values)


def _theta(part: Season, values: FloatArray) -> PointFit:
    from statsforecast.models import AutoTheta

    fit = AutoTheta(season_length=1, model="STM").fit(_without(part, values))
    points = fit.predict(MODEL_HORIZON)["mean"] + part.ahead
    # The first errors are those of an initial level.
    return PointFit(points, float(fit.model_["par"]["alpha"]), fit.model_["residuals"][3:])


def _without(part: Season, values: FloatArray) -> FloatArray:
    """Return the series without its season; raise `ValueError` if the season explains all."""
    rest = values - part.fitted
    if np.ptp(rest) <= NOTHING * float(np.max(np.abs(values))):
        raise ValueError("The season explains every week to the last copy.")
    return rest


@dataclass(frozen=True)
class Intermittent(FixedPoints):
    """A constant rate of copies a week for intermittent demand.

    The best of TSB (Teunter, Syntetos and Babai 2011), Croston's method in the version of Syntetos
    and Boylan (2005), ADIDA (Nikolopoulos et al. 2011) and IMAPA (Petropoulos and Kourentzes 2015),
    by squared errors over the quarters of the last year, each forecast from the weeks before it.
    """

    family: ClassVar[str] = "intermittent"
    capabilities: ClassVar[Capabilities] = Capabilities(missing=True, fewest_weeks=4)
    scale: ClassVar[TransformName] = "none"
    QUARTER: ClassVar[int] = 13
    GAINS: ClassVar[FloatArray] = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3])

    @classmethod
    def _fit_points(cls, values: FloatArray, season: int) -> PointFit:  # noqa: ARG003 - has none
        from statsforecast.models import ADIDA, IMAPA, TSB, CrostonSBA

        known = values[np.isfinite(values)]
        methods = [ADIDA(), IMAPA(), TSB(alpha_d=0.1, alpha_p=0.1), CrostonSBA()]
        losses = np.zeros(len(methods))
        for weeks_left in range(cls.QUARTER, YEAR + 1, cls.QUARTER):
            before = known[:-weeks_left]
            quarter = known[len(before) : len(before) + cls.QUARTER]
            if len(before) >= cls.QUARTER:
                rates = np.array([_rate(method, before) for method in methods])
                losses += np.sum((quarter - rates[:, None]) ** 2, axis=1)
        points = np.full(MODEL_HORIZON, _rate(methods[int(np.argmin(losses))], known))
        errors = _smoothing_errors(known, cls.GAINS)
        best = int(np.argmin(np.sum(errors**2, axis=0)))
        return PointFit(points, float(cls.GAINS[best]), errors[:, best])


def _rate(method: Any, volumes: FloatArray) -> float:
    """Return the rate that a method of statsforecast expects."""
    return float(method.forecast(volumes, h=1)["mean"][0])


def _smoothing_errors(values: FloatArray, gains: FloatArray) -> FloatArray:
    """Return one-step errors of simple exponential smoothing, shape (n - 1, gains)."""
    level = np.full(len(gains), values[0])
    errors = np.empty((len(values) - 1, len(gains)))
    for week, value in enumerate(values[1:]):
        errors[week] = value - level
        level += gains * errors[week]
    return errors
