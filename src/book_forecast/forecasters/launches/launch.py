"""The family of launches: titles with few weeks of sales, or none yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from book_forecast.forecasters.base import Capabilities, FittedForecaster, Forecast, array, plain
from book_forecast.forecasters.launches.past import counting, launch_week
from book_forecast.forecasters.launches.prior import LaunchPrior
from book_forecast.forecasters.launches.process import count_variance
from book_forecast.forecasters.launches.season import place_of
from book_forecast.series.history import WEEK, YEAR, FloatArray, History


@dataclass(frozen=True)
class Launch(FittedForecaster):
    """The path of a launch, from those of titles like it and from its own weeks as they arrive.

    Weeks before publication forecast zero. A title that has not sold by then is forecast as if it
    came out next week. The mean is the median, which minimises absolute errors.

    Attributes:
        prior: What is known of it before its own weeks.
        volumes: The weeks up to the cutoff, in copies, shape (n,); NaN where a week is missing.
        first_week: Saturday of the first of them.
        publication: Saturday of the week of publication; None if unknown.
    """

    family: ClassVar[str] = "launch"
    capabilities: ClassVar[Capabilities] = Capabilities(seasonal=True, missing=True, fewest_weeks=0)
    prior: LaunchPrior
    volumes: FloatArray
    first_week: np.datetime64
    publication: np.datetime64 | None = None

    @classmethod
    def fit(
        cls, history: History, prior: LaunchPrior, publication: np.datetime64 | None = None
    ) -> Self:
        """Return the model of a title; its weeks may be missing, or none."""
        first_week = history.cutoff - WEEK * (history.n_weeks - 1)
        # The same numbers as a stored model has.
        exact = LaunchPrior.from_state(prior.to_state())
        return cls(exact, history.volumes, first_week.astype("datetime64[D]"), publication)

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,  # noqa: ARG002 - has no covariates
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        prior, start, n = self.prior, self.start, len(self.volumes)
        first = min(max(start, 0), n)
        since = np.arange(n, n + max(horizon, YEAR), dtype=np.float64) - start
        weeks = np.arange(first, n, dtype=np.float64) - start
        own = self.volumes[first:]
        values = np.log1p(own) - prior.season[self._places(first, len(own))]
        path, variance = prior.path.conditioned(weeks, values, counting(own), since)
        path = path + prior.season[self._places(n, len(since))]
        top = np.log1p(self.ceiling)
        counts = count_variance(np.expm1(np.minimum(path, top)))
        deviation = np.sqrt(variance + prior.path.spread.noise**2 + counts)
        n_known = int(np.isfinite(values).sum())
        # Before publication nothing is learned: its week is the first one ahead.
        ahead = np.maximum(np.arange(1.0, len(since) + 1.0) - max(start - n, 0), 1.0)
        scale = np.where(since < 0.0, 0.0, 1.0)

        def copies(probabilities: Sequence[float]) -> FloatArray:
            errors = prior.error(n_known, ahead, np.array(probabilities))
            found = np.expm1(np.clip(path + errors * deviation, 0.0, top)) * scale
            return np.asarray(found, dtype=np.float64)

        mean = copies([0.5])[0]
        share = self._share_of_print_run(mean[:YEAR])
        tails = [0.5 - level / 200.0 for level in levels]
        lower, upper = copies(tails), copies([1.0 - tail for tail in tails])
        return Forecast(
            share * mean[:horizon],
            {level: share * lower[i, :horizon] for i, level in enumerate(levels)},
            {level: share * upper[i, :horizon] for i, level in enumerate(levels)},
        )

    @property
    def start(self) -> int:
        """Index of the week of publication; beyond the weeks while it is to come."""
        usual = float(np.expm1(self.prior.path.mean(np.zeros(1))[0]))
        return launch_week(self.volumes, self.first_week, self.publication, usual)

    @property
    def ceiling(self) -> float:
        """The most copies of a week: of titles like it, or its own."""
        own = self.volumes[np.isfinite(self.volumes)]
        limit = min(self.prior.ceiling, self.prior.print_run)
        return float(max(limit, np.max(own, initial=1.0)))

    def roll_forward(self, volumes: FloatArray) -> Self:
        """See `FittedForecaster.roll_forward`."""
        return replace(self, volumes=np.concatenate([self.volumes, volumes]))

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        return {
            "prior": self.prior.to_state(),
            "volumes": plain(self.volumes),
            "first_week": str(self.first_week),
            "publication": None if self.publication is None else str(self.publication),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`."""
        publication = state["publication"]
        return cls(
            LaunchPrior.from_state(state["prior"]),
            array(state["volumes"]),
            np.datetime64(state["first_week"], "D"),
            None if publication is None else np.datetime64(publication, "D"),
        )

    def _places(self, start: int, n: int) -> npt.NDArray[np.int64]:
        return place_of(self.first_week + WEEK * np.arange(start, start + n))

    def _share_of_print_run(self, year: FloatArray) -> float:
        """Return the share of the forecast that the print run allows, until the title sells."""
        total = float(year.sum())
        if np.nansum(self.volumes) > 0.0 or total <= self.prior.print_run:
            return 1.0
        return self.prior.print_run / total
