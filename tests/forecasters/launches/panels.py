"""Made-up panels of launches for tests."""

from __future__ import annotations

import numpy as np

from book_forecast.forecasters.launches.past_launches import Facts, PastLaunch
from book_forecast.forecasters.launches.paths import Path, Spread, default_curve
from book_forecast.forecasters.launches.prior import LaunchPrior, normal_errors
from book_forecast.forecasters.launches.seasons import PLACES, Series
from book_forecast.series.history import WEEK, FloatArray

START = np.datetime64("2018-01-06")


def curve(n: int, level: float, decay: float = 1.5) -> FloatArray:
    """Copies of a launch that declines in the logarithm of the weeks since publication."""
    return np.asarray(level * np.exp(-decay * np.log1p(np.arange(n)) / np.log(53.0)))


def launch(number: int, volumes: FloatArray, facts: Facts | None = None) -> PastLaunch:
    """A launch whose first week depends on its number."""
    first = START + WEEK * (5 * number % 100)
    return PastLaunch(f"{number:013d}", first, volumes, facts or Facts("F"))


def panel(
    n: int = 40, weeks: int = 80, group: str = "F", seed: int = 0, level: float = 5.0
) -> list[PastLaunch]:
    """Launches of one class: authors in fives, whose titles have levels alike."""
    rng = np.random.default_rng(seed)
    of_author = rng.normal(level, 0.8, n // 5 + 1)
    found = []
    for number in range(n):
        height = np.exp(of_author[number // 5] + rng.normal(0.0, 0.3))
        mean = curve(weeks, height, rng.normal(1.5, 0.2)) * np.exp(rng.normal(0.0, 0.15, weeks))
        facts = Facts(group, author=f"author {number // 5}", binding="Paperback", price=9.99)
        found.append(launch(number + 1000 * seed, rng.poisson(mean).astype(float), facts))
    return found


def default_prior(level: float, ceiling: float) -> LaunchPrior:
    """Where no launch is known: a level of log(1 + copies) that declines, and wide intervals."""
    spread = Spread()
    path = Path(default_curve(level), 0.0, spread.level**2, spread)
    return LaunchPrior(path, np.zeros(PLACES), normal_errors(), ceiling)


def series_of(launches: list[PastLaunch]) -> Series:
    """Class, weeks and copies of launches."""
    return [
        (each.facts.group, each.first_week + WEEK * np.arange(len(each.volumes)), each.volumes)
        for each in launches
    ]
