"""Generated catalogues that are monitored week by week: sales, recorded forecasts and folds.

Forecasts know no more than the weeks before their cutoff: a season and trend by regression on
Fourier terms, and a level by exponential smoothing with a pace of each title's own, as the members
of our ensembles have them. The season is fitted once, before the first recorded week, and once at
each fold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from book_forecast.monitoring.shift_variances import Variance
from book_forecast.monitoring.shift_windows import Grid, grid_windows
from book_forecast.monitoring.shifts import find_shifts
from book_forecast.options.monitoring import MonitorOptions
from book_forecast.series.history import YEAR, FloatArray

TRAINED = 260
"""Weeks of the training; recorded forecasts follow."""
AFTER = 20
"""Weeks that are generated after the shift."""
AHEAD, TEST = 32, 32
FOLDS = range(TRAINED - TEST - AHEAD, TRAINED - TEST - AHEAD - 13 * 5, -5)
WINDOW, CUTOFFS = 4, 26
PACE = (0.05, 0.3)
LEVELS = 0.5
HARMONICS = 2
FIRST = pd.Timestamp("2018-01-06")


@dataclass(frozen=True)
class Catalogue:
    """Titles that sell around a level with a season of their own.

    Attributes:
        titles: Their number.
        copies: Median level, copies a week.
        noise: Deviation of the logarithm of a week's demand.
        tails: Degrees of freedom of the noise's t distribution; None for a normal one.
        unlike: Deviation of the logarithm of the noise from title to title.
        dispersion: Of counts, beside their Poisson spread; 0 for Poisson counts.
        walk: Deviation of a week's step of the level's logarithm.
        season: Amplitude of the season.
        trend: Change of the level's logarithm in a year.
        shared: Deviation of what a week's demand of all titles shares.
        recorded: Weeks of recorded forecasts before the first shifted week.
        short: Share of the titles that the first shifted week, and each fourth one after it, lack.
        factor: Of the level from then on.
        share: Of the titles that shift.
        seed: Of all numbers.
    """

    titles: int = 200
    copies: float = 200.0
    noise: float = 0.1
    tails: float | None = None
    unlike: float = 0.0
    dispersion: float = 0.0
    walk: float = 0.0
    season: float = 0.4
    trend: float = 0.0
    shared: float = 0.0
    recorded: int = 52
    short: float = 0.0
    factor: float = 1.0
    share: float = 1.0
    seed: int = 0

    @property
    def shift(self) -> int:
        """The first week on the new level."""
        return TRAINED + self.recorded - 1

    @cached_property
    def isbns(self) -> list[str]:
        """Of all titles."""
        return [f"{9780000000000 + number}" for number in range(self.titles)]

    @property
    def shifted(self) -> list[str]:
        """Those that shift."""
        return self.isbns[: round(self.share * self.titles)]

    def moved(self, factor: float) -> Self:
        """Return the same catalogue, whose level shifts."""
        return replace(self, factor=factor)

    @cached_property
    def demand(self) -> FloatArray:
        """The expected copies of a week, before noise and shift."""
        generator, weeks = np.random.default_rng(self.seed), np.arange(self.shift + AFTER)
        column = (self.titles, 1)
        angle = 2.0 * np.pi * (weeks / YEAR + generator.uniform(size=column))
        level = self.copies * np.exp(LEVELS * generator.normal(size=column))
        steps = self.walk * generator.normal(size=(self.titles, len(weeks)))
        way = np.cumsum(steps, axis=1)
        drift = way - way[:, [self.shift]] + self.trend * (weeks - self.shift) / YEAR
        common = self.shared * generator.normal(size=len(weeks))
        return np.asarray(level * (1.0 + self.season * np.sin(angle)) * np.exp(drift + common))

    @cached_property
    def sold(self) -> FloatArray:
        """Copies by title and week."""
        generator, shape = np.random.default_rng(self.seed + 1), self.demand.shape
        noise = self.noise * np.exp(self.unlike * generator.normal(size=(self.titles, 1)))
        shocks = generator.normal(size=shape)
        if self.tails is not None:
            variance = self.tails / (self.tails - 2.0)
            shocks = generator.standard_t(self.tails, size=shape) / np.sqrt(variance)
        demand = self.demand * np.exp(noise * shocks - noise**2 / 2.0)
        if self.dispersion:
            demand = demand * generator.gamma(1.0 / self.dispersion, self.dispersion, size=shape)
        demand[: len(self.shifted), self.shift :] *= self.factor
        return generator.poisson(demand).astype(float)

    @cached_property
    def known(self) -> FloatArray:
        """Copies by title and week, NaN where the delivery of a week lacks a title."""
        sold = self.sold.copy()
        lacking = np.random.default_rng(self.seed + 3).permutation(self.titles)
        weeks = np.arange(self.shift, sold.shape[1], WINDOW)
        sold[np.ix_(lacking[: round(self.short * self.titles)], weeks)] = np.nan
        return sold

    def windows(self, week: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the newest windows and the earlier ones when a week is the newest one.

        Cutoffs and folds are those that the node of the monitor pipeline takes.
        """
        newest = week - WINDOW
        recorded = [newest - 2 * back for back in range(CUTOFFS)]
        means = {_day(c): self._made(c, self._released) for c in recorded if c >= TRAINED - 1}
        weeks = {_day(day): self.known[:, day] for day in range(week + 1)}
        found = grid_windows(self._folds | means, weeks, pd.Index(self.isbns), WINDOW)
        latest = found[found["cutoff"] == _day(newest)]
        return latest, found[found["cutoff"] <= _day(newest - WINDOW)]

    def look(self, week: int, monitor: MonitorOptions) -> pd.DataFrame:
        """Return the shifts that are found when a week is the newest one."""
        return find_shifts(*self.windows(week), monitor.alarm_rate, WINDOW)

    def found(self, monitor: MonitorOptions) -> float:
        """Return the share of shifted titles that is found at one of the first looks."""
        hits: set[str] = set()
        for week in range(self.shift, self.shift + WINDOW):
            table = self.look(week, monitor)
            hits |= set(table.loc[table["shifted"], "isbn"])
        return len(hits & set(self.shifted)) / len(self.shifted)

    def alarmed(self, weeks: range, monitor: MonitorOptions) -> FloatArray:
        """Return the share of titles that looks some weeks after the shift's alarm."""
        looks = [self.look(self.shift + week, monitor)["shifted"].mean() for week in weeks]
        return np.array(looks)

    def attainable(self, factor: float, rate: float) -> float:
        """Return the share that is found by a test that knows level, season and noise.

        It alarms the given share of quiet windows of the same titles, and looks as often.
        """
        variance = Variance((self.noise**2 + self.dispersion + self.walk**2) / WINDOW, 1.0)
        usual = self._apart(variance)[:, TRAINED : self.shift]
        bound = np.quantile(np.abs(usual), 1.0 - rate)
        found = self.moved(factor)._apart(variance)[: len(self.shifted)]  # noqa: SLF001
        first = self.shift - WINDOW + 1
        return float((np.abs(found[:, first : first + WINDOW]) > bound).any(axis=1).mean())

    def _apart(self, variance: Variance) -> FloatArray:
        """Return how far windows are from the demand, in deviations, by title and first week."""
        is_known = np.isfinite(self.known)
        sold, usual, share = (
            np.lib.stride_tricks.sliding_window_view(values, WINDOW, axis=1).sum(axis=2)
            for values in (
                np.where(is_known, self.sold + 0.5 / WINDOW, 0.0),
                np.where(is_known, self.demand + 0.5 / WINDOW, 0.0),
                is_known / WINDOW,
            )
        )
        whole = usual / share
        apart = variance.evened(np.log(sold / usual), whole) / np.sqrt(variance.at(whole))
        return apart * np.sqrt(share)

    @cached_property
    def _folds(self) -> Grid:
        cutoffs = [TRAINED - TEST - 1, *(fold - 1 for fold in FOLDS)]
        return {_day(cutoff): self._made(cutoff, self._shapes(cutoff + 1)) for cutoff in cutoffs}

    @cached_property
    def _released(self) -> FloatArray:
        return self._shapes(TRAINED)

    def _shapes(self, n: int) -> FloatArray:
        """Return season and trend of all weeks as the first n show them."""
        weeks = np.arange(self.shift + AFTER + AHEAD)
        waves = [2.0 * np.pi * k * weeks / YEAR for k in range(1, HARMONICS + 1)]
        terms = [wave(angle) for angle in waves for wave in (np.sin, np.cos)]
        columns = np.stack([np.ones(len(weeks)), *terms, weeks / YEAR], axis=1)
        if not self.trend:
            columns = columns[:, :-1]
        found, *_ = np.linalg.lstsq(columns[:n], np.log(self.sold[:, :n].T + 0.5), rcond=None)
        return np.asarray(np.exp(columns[:, 1:] @ found[1:]).T)

    def _made(self, cutoff: int, shapes: FloatArray) -> FloatArray:
        """Return the forecasts of a cutoff, shape (titles, AHEAD)."""
        paces = np.random.default_rng(self.seed + 2).uniform(*PACE, size=(self.titles, 1))
        known = self.known[:, : cutoff + 1]
        weights = paces * (1.0 - paces) ** np.arange(cutoff, -1, -1) * np.isfinite(known)
        levels = np.nan_to_num(known) / shapes[:, : cutoff + 1]
        level = (weights * levels).sum(axis=1) / weights.sum(axis=1)
        return np.asarray(level[:, None] * shapes[:, cutoff + 1 : cutoff + 1 + AHEAD])


def _day(week: int) -> pd.Timestamp:
    return FIRST + pd.Timedelta(weeks=week)
