"""Stationary catalogues: a level and a season a title, forecasts from the weeks before."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from book_forecast.monitoring.shifts import window_ratios
from tests.releases import payloads

WEEKS = 120
WINDOW, LEVEL_WEEKS, WINDOWS = 4, 26, 12
FIRST = pd.Timestamp("2022-01-01")


@dataclass(frozen=True)
class Catalogue:
    """Titles that sell Poisson numbers around a level with a season and noise of its own.

    Attributes:
        n: Titles.
        copies: Median level, copies a week.
        noise: Deviation of the logarithm of a week's demand.
        seed: Of all numbers.
        noisy: The first titles, whose noise is four times as large.
        shift: Week and factor of a shift of all titles.
    """

    n: int
    copies: float
    noise: float
    seed: int
    noisy: int = 0
    shift: tuple[int, float] = field(default=(WEEKS, 1.0))

    @cached_property
    def isbns(self) -> list[str]:
        return [payloads.isbn(number) for number in range(self.n)]

    @cached_property
    def season(self) -> np.ndarray:
        phases = np.random.default_rng(self.seed).uniform(0.0, 2.0 * np.pi, self.n)
        return 1.0 + 0.4 * np.sin(2.0 * np.pi * np.arange(WEEKS) / 52.0 + phases[:, None])

    @cached_property
    def sold(self) -> np.ndarray:
        generator = np.random.default_rng(self.seed + 1)
        level = self.copies * np.exp(0.5 * generator.normal(size=(self.n, 1)))
        noise = np.where(np.arange(self.n) < self.noisy, 4.0, 1.0)[:, None] * self.noise
        demand = level * self.season * np.exp(noise * generator.normal(size=(self.n, WEEKS)))
        at, factor = self.shift
        demand[:, at:] *= factor
        return generator.poisson(demand).astype(float)

    def shifted(self, week: int, factor: float) -> Self:
        """The same catalogue, whose level shifts."""
        return replace(self, shift=(week, factor))

    def known(self, week: int) -> pd.DataFrame:
        """The sales of the window that ends before a week."""
        weeks = range(week - WINDOW, week)
        return self._frame(self.sold[:, list(weeks)], list(weeks), "volume")

    def forecasts(self, week: int) -> pd.DataFrame:
        """Forecasts of that window from its cutoff."""
        start = week - WINDOW
        before = slice(start - LEVEL_WEEKS, start)
        level = (self.sold[:, before] / self.season[:, before]).mean(axis=1)
        weeks = list(range(start, week))
        frame = self._frame(level[:, None] * self.season[:, weeks], weeks, "mean")
        return frame.assign(cutoff=FIRST + pd.Timedelta(weeks=start - 1))

    def window(self, week: int) -> pd.DataFrame:
        """The window that ends before a week."""
        return window_ratios(self.forecasts(week), self.known(week), WINDOW)

    def past(self, week: int) -> pd.DataFrame:
        """The windows before that one."""
        ends = (week - WINDOW * (back + 1) for back in range(WINDOWS))
        return pd.concat([self.window(end) for end in ends], ignore_index=True)

    def _frame(self, values: np.ndarray, weeks: list[int], name: str) -> pd.DataFrame:
        days = [FIRST + pd.Timedelta(weeks=week) for week in weeks]
        return pd.DataFrame(
            {
                "isbn": np.repeat(self.isbns, len(weeks)),
                "week": np.tile(pd.DatetimeIndex(days), self.n),
                name: values.ravel(),
            }
        )
