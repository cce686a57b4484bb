"""Size and power of the test for a season, by length of the series and strength of the season.

    python -m benchmarks.seasonality [--quick]

Size: share of series without a season in which any is found, at a nominal 5 and 1 %. Power: share
of seasonal series in which the season of 52 weeks is found at 5 %. The strength is the standard
deviation of the season on the log scale, beside noise of 0.1 around a level that moves by 0.025 a
week. Milliseconds are process time of one core.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
from scipy.signal import lfilter
from threadpoolctl import threadpool_limits

from book_forecast.sarima import compile_core
from book_forecast.series.seasonality import Seasonality, detect, period_of

LENGTHS = (104, 156, 260, 520)
STRENGTHS = (0.05, 0.1, 0.2)
YEAR = period_of(52)

Simulation = Callable[[int, np.random.Generator], np.ndarray]


def arma(ar: Sequence[float], ma: Sequence[float] = ()) -> Simulation:
    """A stationary process with unit innovations."""

    def simulate(n: int, rng: np.random.Generator) -> np.ndarray:
        shocks = rng.normal(size=n + 300)
        return np.asarray(lfilter([1.0, *ma], [1.0, *(-a for a in ar)], shocks)[300:])

    return simulate


def random_walk(n: int, rng: np.random.Generator, drift: float = 0.0) -> np.ndarray:
    """Sums of unit steps."""
    return np.cumsum(rng.normal(drift, 1.0, n))


def noisy_walk(n: int, rng: np.random.Generator) -> np.ndarray:
    """A slow random walk under noise."""
    return 0.3 * random_walk(n, rng) + rng.normal(size=n)


def walk_with_outliers(n: int, rng: np.random.Generator) -> np.ndarray:
    """The same with two weeks in a hundred far off."""
    return noisy_walk(n, rng) + np.where(rng.random(n) < 0.02, rng.normal(0.0, 8.0, n), 0.0)


def level_and_noise(n: int, rng: np.random.Generator) -> np.ndarray:
    """As the sample's titles: a level that comes back in years, noise that lasts for weeks."""
    return 0.025 * arma([0.991])(n, rng) + 0.09 * arma([0.45])(n, rng)


def counts(mean: float, step: float = 0.0) -> Simulation:
    """Logs of one plus Poisson counts around a level that wanders."""

    def simulate(n: int, rng: np.random.Generator) -> np.ndarray:
        return np.log1p(rng.poisson(mean * np.exp(np.cumsum(rng.normal(0.0, step, n)))))

    return simulate


def heavy_tails(n: int, rng: np.random.Generator) -> np.ndarray:
    """A random walk and noise of Student's t with three degrees of freedom."""
    return np.cumsum(0.2 * rng.standard_t(3, n)) + rng.standard_t(3, n)


def with_gap(n: int, rng: np.random.Generator) -> np.ndarray:
    """A title with a twelfth of its weeks missing."""
    values = level_and_noise(n, rng)
    values[n // 2 : n // 2 + n // 12] = np.nan
    return values


WITHOUT_SEASON: dict[str, Simulation] = {
    "white noise": arma([]),
    "AR(1) 0.5": arma([0.5]),
    "AR(1) 0.9": arma([0.9]),
    "AR(1) 0.97": arma([0.97]),
    "AR(1) -0.5": arma([-0.5]),
    "AR(3) 0.5, 0.2, 0.2": arma([0.5, 0.2, 0.2]),
    "MA(2) 0.6, 0.3": arma([], [0.6, 0.3]),
    "random walk": random_walk,
    "random walk with drift 0.1": lambda n, rng: random_walk(n, rng, 0.1),
    "random walk and noise": noisy_walk,
    "the same with outliers": walk_with_outliers,
    "random walk and noise, t(3)": heavy_tails,
    "like a title": level_and_noise,
    "like a title, with a gap": with_gap,
    "Poisson 0.3": counts(0.3),
    "Poisson 3": counts(3.0),
    "Poisson around a walk from 5": counts(5.0, 0.04),
}


def wave(weeks: np.ndarray) -> np.ndarray:
    """One smooth wave a year."""
    return np.cos(2.0 * np.pi * weeks / YEAR)


def waves(weeks: np.ndarray) -> np.ndarray:
    """Spring and Christmas."""
    return wave(weeks) + np.cos(4.0 * np.pi * weeks / YEAR + 1.0)


def peak(weeks: np.ndarray) -> np.ndarray:
    """Some five weeks before Christmas, and nothing else."""
    return np.exp(-0.5 * (((weeks / YEAR) % 1.0 - 0.95) * YEAR / 2.0) ** 2)


SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "one wave": wave,
    "two waves": waves,
    "a peak of five weeks": peak,
}


def seasonal(shape: Callable[[np.ndarray], np.ndarray], strength: float) -> Simulation:
    """Return a simulation like a title, with a season of a given standard deviation."""

    def simulate(n: int, rng: np.random.Generator) -> np.ndarray:
        season = shape(np.arange(n) + rng.uniform(0.0, YEAR))
        return level_and_noise(n, rng) + strength * (season - season.mean()) / season.std()

    return simulate


def found(simulation: Simulation, n: int, series: int) -> list[Seasonality]:
    """Return the results of the test for some series."""
    return [detect(simulation(n, np.random.default_rng([n, seed]))) for seed in range(series)]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="50 series a cell instead of 400")
    series = 50 if parser.parse_args().quick else 400
    compile_core()
    with threadpool_limits(1):
        print_size(series)
        print()
        print_power(series // 2)


def section(data: Path | None, *, quick: bool) -> str:  # noqa: ARG001 - the others have data
    """Return the part of the page on accuracy, as Markdown, with fewer series than the command."""
    series = 20 if quick else 100
    with redirect_stdout(StringIO()) as printed:
        compile_core()
        with threadpool_limits(1):
            print_size(series)
            print()
            print_power(series)
    return (
        "## The test for a season\n\n"
        f"`python -m benchmarks.seasonality`, here with {series} simulated series a cell. Size: "
        "how often a season is found where there is none, at a nominal 5 and 1 %. Power: how often "
        "the season of 52 weeks is found at 5 %, by its standard deviation on the log scale beside "
        f"0.1 of noise.\n\n{printed.getvalue()}"
    )


def print_size(series: int) -> None:
    """Print the shares found where there is no season, 5 % / 1 %."""
    print("| no season | " + " | ".join(f"{n} weeks, % at 5 / 1" for n in LENGTHS) + " |")
    print("|---|" + "---|" * len(LENGTHS))
    taken = dict.fromkeys(LENGTHS, 0.0)
    for name, simulation in WITHOUT_SEASON.items():
        cells = []
        for n in LENGTHS:
            began = time.process_time()
            chances = np.array([each.p_value for each in found(simulation, n, series)])
            taken[n] += time.process_time() - began
            cells.append(f"{np.mean(chances < 0.05):.1%} / {np.mean(chances < 0.01):.1%}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    each = (f"{1e3 * taken[n] / series / len(WITHOUT_SEASON):.0f}" for n in LENGTHS)
    print("| ms a series | " + " | ".join(each) + " |")


def print_power(series: int) -> None:
    """Print the shares in which 52 weeks are found."""
    print("| season, strength | " + " | ".join(f"{n} weeks" for n in LENGTHS) + " |")
    print("|---|" + "---|" * len(LENGTHS))
    for name, shape in SHAPES.items():
        for strength in STRENGTHS:
            results = (found(seasonal(shape, strength), n, series) for n in LENGTHS)
            shares = (np.mean([each.season == 52 for each in result]) for result in results)
            print(f"| {name}, {strength} | " + " | ".join(f"{s:.0%}" for s in shares) + " |")


if __name__ == "__main__":
    main()
