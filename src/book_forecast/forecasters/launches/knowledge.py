"""Knowledge of launches from a panel, and the prior of one title that follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from book_forecast.forecasters.ceilings import LaunchCeilings, largest
from book_forecast.forecasters.launches.curves import (
    DEFAULT_LEVEL,
    Curves,
    learn_curves,
    level_of,
)
from book_forecast.forecasters.launches.levels import Levels
from book_forecast.forecasters.launches.past_launches import (
    Facts,
    Matrix,
    PastLaunch,
    counting,
    evenly,
)
from book_forecast.forecasters.launches.paths import Path, basis, count_variance
from book_forecast.forecasters.launches.prior import LaunchPrior, learn_errors, normal_errors
from book_forecast.forecasters.launches.seasons import Series, learn_seasons, season_of
from book_forecast.series.history import YEAR, FloatArray

# Own weeks after which launches that are left out are forecast, to learn errors, and weeks ahead.
_KNOWN = (0, 1, 2, 4, 8, 13, 26)
_LONGEST_AHEAD = 78
_MOST_LEFT_OUT = 250
_QUARTER = np.arange(13.0)
# Of the copies printed, the share that sells in the first year, and the spread of its logarithm.
_SELL_THROUGH = 0.6
_SELL_THROUGH_SPREAD = 0.6


@dataclass(frozen=True)
class LaunchKnowledge:
    """Knowledge of launches from a panel.

    Attributes:
        launches: Those of the panel.
        seasons: By class.
        curves: Mean curves, and how launches differ from them.
        levels: Of the launches.
        errors: Quantiles of errors; see `LaunchPrior`.
        ceilings: The most copies of a week.
    """

    launches: Sequence[PastLaunch]
    seasons: Mapping[str, FloatArray]
    curves: Curves
    levels: Levels
    errors: FloatArray = field(default_factory=normal_errors)
    ceilings: LaunchCeilings = field(default_factory=lambda: LaunchCeilings.of([]))

    def row(self, isbn: str) -> int | None:
        """Return the row of a title among the launches; None if it is not one of them."""
        rows = (row for row, launch in enumerate(self.launches) if launch.isbn == isbn)
        return next(rows, None)

    def prior(
        self, facts: Facts, print_run: float = np.inf, without: int | None = None
    ) -> LaunchPrior:
        """Return what is known of a title before its own weeks.

        Args:
            facts: What is known of it beside its sales.
            print_run: Copies printed; infinite if unknown.
            without: Row of the launch to leave out, as if it had not been.
        """
        curves = self.curves
        curve = curves.curve(facts.group) if without is None else curves.without(without)
        level, variance = self.levels.of(facts, _start(curve), without)
        # The curve itself is as uncertain as the mean of so many launches.
        alike = sum(each.facts.group == facts.group for each in self.launches)
        path = Path(curve, level, variance * (1.0 + 1.0 / (1.0 + alike)), curves.spread)
        if np.isfinite(print_run):
            path = _with_print_run(path, print_run)
        own = None if without is None else largest(self.launches[without].volumes)
        ceiling = self.ceilings.ceiling(facts.group, own)
        season = season_of(self.seasons, facts.group)
        return LaunchPrior(path, season, self.errors, ceiling, print_run, len(self.launches))


def learn_launches(launches: Sequence[PastLaunch], series: Series) -> LaunchKnowledge:
    """Learn from the launches of a panel, and from its other titles' seasons and levels.

    Args:
        launches: The launches; there may be none.
        series: Of every title of the panel, launches included.
    """
    seasons = learn_seasons(series)
    groups = [launch.facts.group for launch in launches]
    matrix = Matrix.of(launches, [season_of(seasons, group) for group in groups])
    curves = learn_curves(matrix, groups, _usual_level(series))
    starts = np.array([_start(curves.curve(group)) for group in groups])
    found = [
        level_of(curves.curve(group), matrix.values[row], matrix.counts[row], curves.spread)
        for row, group in enumerate(groups)
    ]
    levels = Levels.learn(
        [launch.isbn for launch in launches],
        [launch.facts for launch in launches],
        np.array([level for level, _ in found]),
        np.array([variance for _, variance in found]),
        starts,
        curves.spread.level**2,
    )
    known = LaunchKnowledge(launches, seasons, curves, levels, ceilings=_ceilings(series))
    return replace(known, errors=learn_errors(list(_errors(known))))


def _errors(known: LaunchKnowledge) -> Iterator[tuple[int, FloatArray]]:
    """Yield errors of launches left out, in units of what the process expects."""
    n_launches = len(known.launches)
    for row in range(n_launches)[evenly(n_launches, _MOST_LEFT_OUT)]:
        launch = known.launches[row]
        prior = known.prior(launch.facts, without=row)
        season = prior.season
        values = launch.values(season)
        for k in _KNOWN:
            n = min(len(values) - k, _LONGEST_AHEAD)
            if n < 1:
                break
            weeks = np.arange(k + n, dtype=np.float64)
            mean, variance = prior.path.conditioned(
                weeks[:k], values[:k], counting(launch.volumes[:k]), weeks[k:]
            )
            around = season[launch.places(n, k)]
            noise = prior.path.spread.noise**2 + count_variance(
                np.expm1(np.clip(mean + around, 0.0, 30.0))
            )
            # A launch cannot fall below zero copies.
            floor = np.maximum(mean, -around)
            yield k, (values[k : k + n] - floor) / np.sqrt(variance + noise)


def _start(curve: FloatArray) -> float:
    return float(np.mean(basis(_QUARTER) @ curve))


def _usual_level(series: Series) -> float:
    """Return the level of a first week where no launch is known: above that of usual weeks."""
    means = [float(np.nanmean(np.log1p(v))) for _, _, v in series if np.isfinite(v).any()]
    return float(np.median(means)) + 1.0 if means else DEFAULT_LEVEL


def _ceilings(series: Series) -> LaunchCeilings:
    known = [(group, volumes) for group, _, volumes in series if np.isfinite(volumes).any()]
    return LaunchCeilings.of((group, largest(volumes)) for group, volumes in known)


def _with_print_run(path: Path, print_run: float) -> Path:
    """Take the print run as one more sign of the level: publishers print about what they sell."""
    year = path.mean(np.arange(float(YEAR)))
    expected = float(np.sum(np.expm1(np.maximum(year, 0.0))))
    apart = np.log(max(_SELL_THROUGH * print_run, 1.0)) - np.log(max(expected, 1.0))
    share = path.level_variance / (path.level_variance + _SELL_THROUGH_SPREAD**2)
    return replace(
        path,
        level=path.level + share * apart,
        level_variance=path.level_variance * (1.0 - share),
    )
