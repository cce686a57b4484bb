"""Families whose point forecast is made once, as a path of weeks that is kept.

statsforecast fits them (imported by the fits alone: it takes seconds). What is kept is plain data:
the path, and how its level follows weeks that are rolled in.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from scipy.stats import norm

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
from book_forecast.series.history import YEAR, FloatArray, History

PATH_WEEKS = 3 * YEAR
# Relative to the volumes: what is left of a series that its season explains to the last digit.
NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Course:
    """What a family says of a series, on the model's scale.

    Attributes:
        path: The weeks after it, shape (PATH_WEEKS,).
        gain: Share of a one-step error by which the level follows it, in [0, 1].
        errors: One-step errors in the weeks of the series.
    """

    path: FloatArray
    gain: float
    errors: FloatArray


@dataclass(frozen=True)
class Path(FittedForecaster):
    """A path of weeks after the fit, whose level follows the weeks rolled in.

    The level's error is smoothed exponentially over those weeks, the missing ones passed over. The
    deviation of h weeks ahead is that of simple exponential smoothing, sigma sqrt(1 + (h - 1)
    gain^2) (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 8.7). The
    mean is the path itself: on a logarithmic scale the median, which absolute errors ask for.

    Attributes:
        path: On the model's scale, shape (PATH_WEEKS,); beyond it, its last year repeats.
        gain: Share of an error by which the level follows it, in [0, 1].
        deviation: Of the one-step errors, on the model's scale.
        transform: The scale.
        volumes: The weeks up to the cutoff, in copies, shape (n,).
        n_trained: How many of them the path comes after.
    """

    scale: ClassVar[TransformName] = "log"
    path: FloatArray
    gain: float
    deviation: float
    transform: Transform
    volumes: FloatArray
    n_trained: int

    @classmethod
    def fit(cls, history: History, season: int = YEAR) -> Self:
        """Fits to the title's weeks, missing ones filled where the family needs them.

        Args:
            history: The title's weeks.
            season: In weeks, 1 for none; there is none either with fewer than two seasons.

        Raises:
            ValueError: If there are too few known weeks, they do not vary, or nothing finite
                comes of them.
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
        course = cls._course(transform.apply(volumes), season)
        deviation = float(np.sqrt(np.mean(course.errors**2)))
        if not (np.isfinite(course.path).all() and np.isfinite([course.gain, deviation]).all()):
            raise ValueError(f"{cls.family} finds no finite forecast for {history.isbn}.")
        gain = min(max(course.gain, 0.0), 1.0)
        return cls(course.path, gain, deviation, transform, history.volumes, len(volumes))

    @classmethod
    @abstractmethod
    def _course(cls, values: FloatArray, season: int) -> Course:
        """Fits to a series on the model's scale.

        Raises:
            ValueError: If the library finds no model for it.
        """

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,  # noqa: ARG002 - has no regressors
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        rolled = self.transform.apply(self.volumes[self.n_trained :])
        weeks = np.arange(len(rolled) + horizon)
        beyond = weeks >= PATH_WEEKS
        weeks[beyond] = PATH_WEEKS - YEAR + (weeks[beyond] - PATH_WEEKS) % YEAR
        course = self.path[weeks]
        mean = course[len(rolled) :] + _shift(rolled - course[: len(rolled)], self.gain)
        deviation = self.deviation * np.sqrt(1.0 + np.arange(horizon) * self.gain**2)
        lower, upper = {}, {}
        for level in levels:
            reach = norm.ppf(0.5 + level / 200.0) * deviation
            lower[level] = self.transform.invert(mean - reach)
            upper[level] = self.transform.invert(mean + reach)
        return Forecast(self.transform.invert(mean), lower, upper)

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        return replace(self, volumes=np.concatenate([self.volumes, volumes]))

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {
            "path": plain(self.path),
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
            path=array(state["path"]),
            gain=float(state["gain"]),
            deviation=float(state["deviation"]),
            transform=Transform.from_state(state["transform"]),
            volumes=array(state["volumes"]),
            n_trained=int(state["n_trained"]),
        )


def _shift(errors: FloatArray, gain: float) -> float:
    """How far the level has moved after errors of the path, shape (k,); NaN where missing."""
    shift = 0.0
    for error in errors[np.isfinite(errors)]:
        shift += gain * (float(error) - shift)
    return shift


@dataclass(frozen=True)
class Ets(Path):
    """Exponential smoothing with or without a damped trend around a season that evolves.

    Of ETS(A,N,N) and ETS(A,Ad,N) (Hyndman, Koehler, Ord and Snyder 2008) on the scale of log1p,
    the one of the lower AICc. A seasonal ETS has 53 states to begin from, takes ten times as long
    and forecasts worse than this.
    """

    family: ClassVar[str] = "ets"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, fewest_weeks=12)
    WINDOW: ClassVar[int] = 11

    @classmethod
    def _course(cls, values: FloatArray, season: int) -> Course:
        from statsforecast.models import AutoETS

        part = evolving_season(values, season, cls.WINDOW, PATH_WEEKS)
        level = _without(part, values)
        fits = [
            AutoETS(season_length=1, model=model, damped=damped).fit(level)
            for model, damped in (("ANN", False), ("AAN", True))
        ]
        best = min(fits, key=lambda fit: np.nan_to_num(fit.model_["aicc"], nan=np.inf))
        path = best.predict(PATH_WEEKS)["mean"] + part.ahead
        return Course(path, float(best.model_["par"][0]), best.model_["residuals"])


@dataclass(frozen=True)
class Theta(Path):
    """The standard theta model around a season that is the same in all years.

    Assimakopoulos and Nikolopoulos (2000), as the state space model of Fiorucci et al. (2016), on
    the scale of log1p. Its optimised and dynamic forms forecast no better and take five times as
    long.
    """

    family: ClassVar[str] = "theta"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, fewest_weeks=12)

    @classmethod
    def _course(cls, values: FloatArray, season: int) -> Course:
        return _theta(fixed_season(values, season, PATH_WEEKS), values)


@dataclass(frozen=True)
class Mstl(Path):
    """The standard theta model around a season that evolves fast; the same without a season."""

    family: ClassVar[str] = "mstl"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, fewest_weeks=12)
    WINDOW: ClassVar[int] = 7

    @classmethod
    def _course(cls, values: FloatArray, season: int) -> Course:
        return _theta(evolving_season(values, season, cls.WINDOW, PATH_WEEKS), values)


def _theta(part: Season, values: FloatArray) -> Course:
    from statsforecast.models import AutoTheta

    fit = AutoTheta(season_length=1, model="STM").fit(_without(part, values))
    path = fit.predict(PATH_WEEKS)["mean"] + part.ahead
    # The first errors are those of a level that is still looking for its place.
    return Course(path, float(fit.model_["par"]["alpha"]), fit.model_["residuals"][3:])


def _without(part: Season, values: FloatArray) -> FloatArray:
    """A series without its season.

    Raises:
        ValueError: If nothing is left of it that a model could be fitted to.
    """
    rest = values - part.fitted
    if np.ptp(rest) <= NOTHING * float(np.max(np.abs(values))):
        raise ValueError("The season explains every week to the last copy.")
    return rest


@dataclass(frozen=True)
class Intermittent(Path):
    """A level that takes weeks without a sale for what they are, in copies, without a season.

    Of TSB (Teunter, Syntetos and Babai 2011), Croston's method as corrected by Syntetos and Boylan
    (2005), ADIDA (Nikolopoulos et al. 2011) and IMAPA (Petropoulos and Kourentzes 2015), the one
    with the smallest squared error over the quarters of the last year, each forecast from the
    weeks before it.
    """

    family: ClassVar[str] = "intermittent"
    capabilities: ClassVar[Capabilities] = Capabilities(missing=True, fewest_weeks=4)
    scale: ClassVar[TransformName] = "none"
    QUARTER: ClassVar[int] = 13
    GAINS: ClassVar[FloatArray] = np.array([0.01, 0.02, 0.05, 0.1, 0.2, 0.3])

    @classmethod
    def _course(cls, values: FloatArray, season: int) -> Course:  # noqa: ARG003 - has none
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
        path = np.full(PATH_WEEKS, _rate(methods[int(np.argmin(losses))], known))
        errors = _smoothing_errors(known, cls.GAINS)
        best = int(np.argmin(np.sum(errors**2, axis=0)))
        return Course(path, float(cls.GAINS[best]), errors[:, best])


def _rate(method: Any, volumes: FloatArray) -> float:
    """Copies a week that a method of statsforecast expects."""
    return float(method.forecast(volumes, h=1)["mean"][0])


def _smoothing_errors(values: FloatArray, gains: FloatArray) -> FloatArray:
    """One-step errors of simple exponential smoothing, shape (n - 1, gains)."""
    level = np.full(len(gains), values[0])
    errors = np.empty((len(values) - 1, len(gains)))
    for week, value in enumerate(values[1:]):
        errors[week] = value - level
        level += gains * errors[week]
    return errors
