"""The family of launches: titles with few weeks of sales, or none yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from book_forecast.forecasters.base import Capabilities, FittedForecaster, Forecast, array, plain
from book_forecast.forecasters.ceilings import largest
from book_forecast.forecasters.global_models.members import Boosting
from book_forecast.forecasters.launches.past_launches import counting, launch_week
from book_forecast.forecasters.launches.paths import count_variance
from book_forecast.forecasters.launches.prior import LaunchPrior
from book_forecast.forecasters.launches.seasons import place_of
from book_forecast.forecasters.level_shifts import find_shift
from book_forecast.series.history import WEEK, YEAR, FloatArray, History

LAUNCH_WEEKS = 26
"""Weeks below which a title without a fold is forecast as a launch."""
GUIDE_SHARES = {0: 0.0, 1: 0.4, 5: 0.6, 14: 0.7, 27: 0.85}
"""Share of the model of all titles in the mean, by the own weeks from which on it holds."""
# With so few launches that model has learned half as much of launches.
_FEW_LAUNCHES = 10.0
_WEEKS = "volumes"


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What the prior and the own weeks of a launch say of the weeks ahead.

    Attributes:
        path: Mean of log(1 + copies), with the season, shape (n,).
        deviation: Of single weeks, shape (n,).
        weeks: Weeks ahead, for the errors, shape (n,).
        is_out: Whether the title is out by then, shape (n,).
        n_known: Own weeks since publication.
        top: Largest log(1 + copies).
    """

    path: FloatArray
    deviation: FloatArray
    weeks: FloatArray
    is_out: npt.NDArray[np.bool_]
    n_known: int
    top: float


@dataclass(frozen=True)
class Launch(FittedForecaster):
    """The path of a launch, from those of titles like it and from its own weeks as they arrive.

    Weeks before publication forecast zero. A title that has not sold by then is forecast as if it
    came out next week. The mean is the median, which minimises absolute errors. Where the model of
    all titles has a forecast, it shares in the mean: it knows promotions and more of the season.

    Attributes:
        prior: What is known of it before its own weeks.
        volumes: The weeks up to the cutoff, in copies, shape (n,); NaN where a week is missing.
        first_week: Saturday of the first of them.
        publication: Saturday of the week of publication; None if unknown.
        guide: The title's forecast by the model of all titles; None without one.
    """

    family: ClassVar[str] = "launch"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, missing=True, fewest_weeks=0)
    prior: LaunchPrior
    volumes: FloatArray
    first_week: np.datetime64
    publication: np.datetime64 | None = None
    guide: Boosting | None = None

    @classmethod
    def fit(
        cls,
        history: History,
        prior: LaunchPrior,
        publication: np.datetime64 | None = None,
        guide: Boosting | None = None,
    ) -> Self:
        """Return the model of a title; its weeks may be missing, or none."""
        # The same numbers as a stored model has.
        exact = LaunchPrior.from_state(prior.to_state())
        return cls(exact, history.volumes, history.first_week, publication, guide)

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        ahead = self._ahead(horizon)
        path = ahead.path + self._guidance(ahead, horizon, future)
        mean = self._copies(ahead, path, [0.5])[0]
        share = self._share_of_print_run(mean[:YEAR])
        tails = [0.5 - level / 200.0 for level in levels]
        lower = self._copies(ahead, path, tails)
        upper = self._copies(ahead, path, [1.0 - tail for tail in tails])
        return Forecast(
            share * mean[:horizon],
            {level: share * lower[i, :horizon] for i, level in enumerate(levels)},
            {level: share * upper[i, :horizon] for i, level in enumerate(levels)},
        )

    def means(
        self, horizon: int, futures: Sequence[Mapping[str, FloatArray] | None]
    ) -> list[FloatArray]:
        """Return the means of `forecast` for different covariates; the path is the same for all."""
        ahead = self._ahead(horizon)
        error = self.prior.error(ahead.n_known, ahead.weeks, np.array([0.5]))
        found = []
        for future in futures:
            path = ahead.path + self._guidance(ahead, horizon, future)
            mean = self._within_bounds(ahead, path, error)[0]
            found.append(self._share_of_print_run(mean[:YEAR]) * mean[:horizon])
        return found

    @property
    def start(self) -> int:
        """Index of the week of publication; beyond the weeks while it is to come."""
        usual = float(np.expm1(self.prior.path.mean(np.zeros(1))[0]))
        return launch_week(self.volumes, self.first_week, self.publication, usual)

    @property
    def ceiling(self) -> float:
        """The most copies of a week: of titles like it, or its own."""
        return max(min(self.prior.ceiling, self.prior.print_run), largest(self.volumes))

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        guide = None if self.guide is None else self.guide.roll_forward(volumes)
        return replace(self, volumes=np.concatenate([self.volumes, volumes]), guide=guide)

    def with_covariates(self, values: Mapping[str, FloatArray]) -> Self:
        """See `FittedForecaster.with_covariates`."""
        guide = None if self.guide is None else self.guide.with_covariates(values)
        return replace(self, guide=guide)

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {
            "prior": self.prior.to_state(),
            _WEEKS: plain(self.volumes),
            "first_week": str(self.first_week),
            "publication": None if self.publication is None else str(self.publication),
            "guide": None if self.guide is None else _without_weeks(self.guide),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        publication, guide = state["publication"], state["guide"]
        return cls(
            LaunchPrior.from_state(state["prior"]),
            array(state[_WEEKS]),
            np.datetime64(state["first_week"], "D"),
            None if publication is None else np.datetime64(publication, "D"),
            None if guide is None else Boosting.from_state({**guide, _WEEKS: state[_WEEKS]}),
        )

    def _ahead(self, horizon: int) -> _Ahead:
        """Return the path of the weeks ahead, a year of them or more."""
        prior, start, n = self.prior, self.start, len(self.volumes)
        first = min(max(start, 0), n)
        since = np.arange(n, n + max(horizon, YEAR), dtype=np.float64) - start
        weeks = np.arange(first, n, dtype=np.float64) - start
        shift = find_shift(self.volumes)
        own = (self.volumes if shift is None else shift.moved(self.volumes))[first:]
        values = np.log1p(own) - prior.season[self._places(first, len(own))]
        path, variance = prior.path.conditioned(weeks, values, counting(own), since)
        path = path + prior.season[self._places(n, len(since))]
        top = float(np.log1p(self.ceiling))
        counts = count_variance(np.expm1(np.minimum(path, top)))
        return _Ahead(
            path=path,
            deviation=np.sqrt(variance + prior.path.spread.noise**2 + counts),
            # Before publication nothing is learned: its week is the first one ahead.
            weeks=np.maximum(np.arange(1.0, len(since) + 1.0) - max(start - n, 0), 1.0),
            is_out=since >= 0.0,
            n_known=int(np.isfinite(values).sum()),
            top=top,
        )

    def _copies(self, ahead: _Ahead, path: FloatArray, probabilities: list[float]) -> FloatArray:
        """Return quantiles of the weeks ahead, shape (probabilities, weeks)."""
        errors = self.prior.error(ahead.n_known, ahead.weeks, np.array(probabilities))
        return self._within_bounds(ahead, path, errors)

    def _within_bounds(self, ahead: _Ahead, path: FloatArray, errors: FloatArray) -> FloatArray:
        found = np.expm1(np.clip(path + errors * ahead.deviation, 0.0, ahead.top))
        return np.asarray(found * np.where(ahead.is_out, 1.0, 0.0), dtype=np.float64)

    def _guidance(
        self, ahead: _Ahead, horizon: int, future: Mapping[str, FloatArray] | None
    ) -> FloatArray:
        """Return by how much the model of all titles changes the path, zero beyond the horizon."""
        found = np.zeros(len(ahead.path))
        if self.guide is not None:
            share = max(each for known, each in GUIDE_SHARES.items() if known <= ahead.n_known)
            share *= self.prior.n_launches / (self.prior.n_launches + _FEW_LAUNCHES)
            guide = np.log1p(self.guide.forecast(horizon, (), future).mean)
            found[:horizon] = share * (guide - ahead.path[:horizon])
        return found

    def _places(self, start: int, n: int) -> npt.NDArray[np.int64]:
        return place_of(self.first_week + WEEK * np.arange(start, start + n))

    def _share_of_print_run(self, year: FloatArray) -> float:
        """Return the share of the forecast that the print run allows, until the title sells."""
        total = float(year.sum())
        if np.nansum(self.volumes) > 0.0 or total <= self.prior.print_run:
            return 1.0
        return self.prior.print_run / total


def _without_weeks(guide: Boosting) -> dict[str, Any]:
    """Return the state of the guide; its weeks are those of the launch."""
    return {name: value for name, value in guide.to_state().items() if name != _WEEKS}
