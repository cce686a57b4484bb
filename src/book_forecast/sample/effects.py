"""The effects on a title's sales, one pure function each.

Each returns a multiplier per week, shape (weeks,).
"""

from collections.abc import Mapping

import numpy as np
from scipy.signal import lfilter

from book_forecast.sample.character import Character
from book_forecast.sample.weeks import SampleWeeks
from book_forecast.series.history import FloatArray

WEEKS_PER_YEAR = 52.18
# The level comes back to its mean with a half-life of about a year and a half.
DRIFT_PERSISTENCE = 0.991
NOISE_PERSISTENCE = 0.45
PUBLICITY_PERSISTENCE = 0.55
PEAK_VARIATION = 0.13
CLEARANCE_WEEKS = 16.0


def seasons(weeks: SampleWeeks, peaks: Mapping[str, float], rng: np.random.Generator) -> FloatArray:
    """Occasions of the year; their heights vary from year to year."""
    years = int(weeks.season_years.max()) + 1
    shape = (len(weeks.occasions), years)
    vary = rng.lognormal(-(PEAK_VARIATION**2) / 2, PEAK_VARIATION, size=shape)
    multiplier = np.ones(len(weeks))
    for (name, demand), by_year in zip(weeks.occasions.items(), vary, strict=True):
        height = peaks.get(name, 1.0)
        if height != 1.0:
            gain = (height - 1.0) * by_year[weeks.season_years]
            multiplier *= 1.0 + gain * demand
    return multiplier


def launch(weeks: SampleWeeks, character: Character) -> FloatArray:
    """Publication and its decay: a quick part for the news, a slow part for word of mouth."""
    age = np.arange(len(weeks)) - character.first
    since = np.maximum(age, 0) / character.launch.weeks
    decay = 0.7 * np.exp(-since) + 0.3 * np.exp(-since / 4)
    multiplier = 1.0 + (character.launch.height - 1.0) * decay
    # Books come out on Thursdays: the first week has three days.
    return np.where(age == 0, 0.55 * multiplier, multiplier)


def on_sale(weeks: SampleWeeks, character: Character) -> FloatArray:
    """Zero before publication and after the last week, with a clearance of the stock before it."""
    index = np.arange(len(weeks))
    selling = (index >= character.first).astype(np.float64)
    if character.last is None:
        return selling
    left = character.last - index
    clearance = 1.0 - np.exp(-(np.maximum(left, 0) + 1) / CLEARANCE_WEEKS)
    return np.where(left >= 0, selling * clearance, 0.0)


def tie_in(weeks: SampleWeeks, character: Character) -> FloatArray:
    """A film: trailers for a few weeks, the premiere, and a lasting gain."""
    film = character.tie_in
    if film is None:
        return np.ones(len(weeks))
    since = np.arange(len(weeks)) - film.week
    after = film.lasting + (film.height - film.lasting) * np.exp(-np.maximum(since, 0) / film.weeks)
    before = 1.0 + 0.5 * (film.height - 1.0) * np.exp(np.minimum(since, 0) / 2.5)
    return np.where(since >= 0, after, before)


def trend(weeks: SampleWeeks, character: Character) -> FloatArray:
    """Slow growth or decline of the level."""
    years = np.arange(len(weeks)) / WEEKS_PER_YEAR
    return np.asarray(np.exp(character.trend * (years - years.mean())), dtype=np.float64)


def drift(weeks: SampleWeeks, character: Character, rng: np.random.Generator) -> FloatArray:
    """A level that wanders: a log random walk that is pulled back to its mean."""
    return np.exp(_autoregression(len(weeks), DRIFT_PERSISTENCE, character.drift, rng))


def noise(weeks: SampleWeeks, character: Character, rng: np.random.Generator) -> FloatArray:
    """Weekly noise with some autocorrelation."""
    shocks = character.noise * np.sqrt(1 - NOISE_PERSISTENCE**2)
    return np.exp(_autoregression(len(weeks), NOISE_PERSISTENCE, shocks, rng))


def publicity(weeks: SampleWeeks, character: Character, rng: np.random.Generator) -> FloatArray:
    """Reviews, prizes, bulk orders: a sudden peak that is gone in a few weeks."""
    number = rng.poisson(character.publicity * len(weeks) / WEEKS_PER_YEAR)
    when = rng.integers(0, len(weeks), size=number)
    jumps = np.zeros(len(weeks))
    np.add.at(jumps, when, rng.gamma(2.0, 0.4, size=number))
    return np.asarray(1.0 + lfilter([1.0], [1.0, -PUBLICITY_PERSISTENCE], jumps), dtype=np.float64)


def market(weeks: SampleWeeks, rng: np.random.Generator) -> FloatArray:
    """Effects on all titles: more reading after the lockdown, and shared noise."""
    reopened = weeks.index("2020-06-20")
    since = np.arange(len(weeks)) - reopened
    boom = np.where(since >= 0, 0.22 * np.exp(-np.maximum(since, 0) / 60), 0.0)
    return (1.0 + boom) * np.exp(_autoregression(len(weeks), 0.5, 0.03, rng))


def counts(expected: FloatArray, dispersion: float, rng: np.random.Generator) -> FloatArray:
    """Copies sold: negative binomial with variance ``m + m² / dispersion`` around the mean m."""
    rate = rng.gamma(dispersion, expected / dispersion)
    return rng.poisson(rate).astype(np.float64)


def _autoregression(
    length: int, persistence: float, shock: float, rng: np.random.Generator
) -> FloatArray:
    shocks = rng.normal(0.0, shock, size=length)
    # The first value is drawn from the stationary distribution.
    shocks[0] /= np.sqrt(1 - persistence**2)
    return np.asarray(lfilter([1.0], [1.0, -persistence], shocks), dtype=np.float64)
