"""Seconds per exact fit on 570 weeks, beside statsmodels and statsforecast on the same series.

    python -m benchmarks.sarima_fit [--quick]

Process time of one core. Log-likelihoods are exact ones at the parameters of each fit. Rivals fit
models drawn from the tuner's grid, a series each. Some take minutes: a fit is stopped at a limit,
and its ratio is then a lower bound.
"""

from __future__ import annotations

import argparse
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.reference_fits import fit_statsforecast, fit_statsmodels
from benchmarks.series import like_sales
from book_forecast.sarima import ORDERS as NAMES
from book_forecast.sarima import Specification, compile_core, fit, log_likelihood
from book_forecast.sarima.likelihood import make_problem, reduced_polynomials
from book_forecast.sarima.objective import scaled_residuals, to_point
from book_forecast.sarima.whitening import whiten

Result = TypeVar("Result")

SEASON = 52
ORDERS = [
    (1, 0, 1, 1, 0, 1),
    (1, 0, 0, 2, 0, 1),
    (2, 1, 1, 1, 0, 1),
    (1, 1, 1, 2, 0, 2),
    (3, 0, 3, 2, 0, 2),
]
DRAWN, WITH_STATSMODELS = 15, 4
STATSFORECAST_LIMIT, STATSMODELS_LIMIT = 25, 45
GRID = [
    orders
    for orders in product(range(4), range(2), range(4), range(3), range(1), range(3))
    if sum(orders) - orders[1]
]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="two models beside statsforecast alone"
    )
    quick = parser.parse_args().quick
    compile_core()
    with threadpool_limits(1):
        print_grid(GRID)
        print()
        print_rivals(2 if quick else DRAWN, 0 if quick else WITH_STATSMODELS)
        print()
        print_arithmetic(ORDERS)


def specification_of(orders: tuple[int, ...]) -> Specification:
    """Return the model, with a mean if it is not differenced."""
    named = dict(zip(NAMES, orders, strict=True))
    return Specification(**named, s=SEASON, trend="n" if orders[1] + orders[4] else "c")


def print_grid(grid: Sequence[tuple[int, ...]]) -> None:
    """Print times over the tuner's grid, each model on its own series, complete and with a gap."""
    print(f"| {len(grid)} models of the grid | median, ms | 90 % within, ms | likelihoods |")
    print("|---|---|---|---|")
    for name, gap in (("complete", slice(0)), ("12 weeks missing", slice(432, 444))):
        taken, counts = [], []
        for seed, orders in enumerate(grid):
            values = like_sales(seed)
            values[gap] = np.nan
            taken_by_one, found = seconds(partial(fit, values, specification_of(orders)))
            taken.append(1e3 * taken_by_one)
            counts.append(found.evaluations)
        middle, high = np.median(taken), np.quantile(taken, 0.9)
        print(f"| {name} | {middle:.1f} | {high:.1f} | {np.median(counts):.0f} |", flush=True)


def print_rivals(drawn: int, with_statsmodels: int) -> None:
    """Print a fit of each drawn model by each library, with its log-likelihood."""
    print(
        "| model | ours, ms | statsforecast, s | ratio | statsmodels, s | ratio | ours higher by |"
    )
    print("|---|---|---|---|---|---|---|")
    ratios: dict[str, list[float]] = {"statsforecast": [], "statsmodels": []}
    # A rival compiles or imports at its first call.
    _statsforecast(like_sales(0), specification_of((1, 0, 0, 0, 0, 0)))
    seeds = np.random.default_rng(0).choice(len(GRID), drawn, replace=False)
    for number, seed in enumerate(seeds):
        specification, values = specification_of(GRID[seed]), like_sales(int(seed))
        ours, found = seconds(partial(fit, values, specification))
        columns: list[str] = []
        heights = []
        for name, rival, limit in RIVALS:
            if name == "statsmodels" and number >= with_statsmodels:
                columns += ["", ""]
                continue
            taken, height = _within(limit, partial(rival, values, specification))
            ratios[name].append(taken / ours)
            at_least = "" if height is not None else "> "
            columns += [f"{at_least}{taken:.1f}", f"{at_least}{taken / ours:.0f}"]
            heights += [] if height is None else [height]
        higher = f"{found.log_likelihood - max(heights):.3f}" if heights else ""
        row = [str(specification), f"{1e3 * ours:.1f}", *columns, higher]
        print(f"| {' | '.join(row)} |", flush=True)
    shown = [f"{np.median(found):.0f}" if found else "" for found in ratios.values()]
    print(f"| median | | | {shown[0]} | | {shown[1]} | |")


def _within(limit: int, work: Callable[[], float]) -> tuple[float, float | None]:
    """Return the seconds of a call and its result; None after the limit."""
    began = time.process_time()
    try:
        with _alarm(limit):
            return seconds(work)
    except TimeoutError:
        return time.process_time() - began, None


@contextmanager
def _alarm(limit: int) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def print_arithmetic(orders_list: Sequence[tuple[int, ...]]) -> None:
    """Print the operations of one likelihood, their speed, and their share of a fit."""
    peak = _peak()
    print(f"| model | flops | µs | GFLOP/s | of {peak:.0f} GFLOP/s (dgemm) | share of a fit |")
    print("|---|---|---|---|---|---|")
    for orders in orders_list:
        specification, values = specification_of(orders), like_sales(0)
        taken, found = seconds(partial(fit, values, specification))
        problem = make_problem(values, specification)
        ar, ma = reduced_polynomials(found.arma, *specification.arma_orders, SEASON)
        flops = _flops(len(ar), len(ma), *problem.columns.shape)
        arithmetic = _repeated(partial(whiten, problem.columns, problem.starts, ar, ma))
        counts = np.array(specification.arma_orders)
        point = to_point(found.arma, counts)
        fixed = (problem.columns, problem.starts, problem.n_impulses, counts, SEASON)
        whole = _repeated(partial(scaled_residuals, point, *fixed, True))
        speed = flops / arithmetic / 1e9
        share = min(found.evaluations * whole / taken, 1.0)
        print(
            f"| {specification} | {flops:,.0f} | {1e6 * whole:.1f} | {speed:.1f} | "
            f"{speed / peak:.0%} | {share:.0%} |",
            flush=True,
        )


def _flops(p: int, q: int, k: int, n: int) -> float:
    """Return the operations of the recursion: per element 4 a week, and 3 for each column."""
    lengths = np.maximum(p - np.arange(n), q)
    return float(((4 + 3 * k) * lengths).sum())


def _peak() -> float:
    """Return the speed of a matrix product on one core, in GFLOP/s."""
    n = 1024
    matrix = np.random.default_rng(0).normal(size=(n, n))
    return 2.0 * n**3 / _repeated(lambda: matrix @ matrix, 5) / 1e9


def _repeated(work: Callable[[], object], times: int = 200) -> float:
    """Return the seconds per call, the best of five rounds."""
    work()
    return min(seconds(lambda: [work() for _ in range(times)])[0] for _ in range(5)) / times


def seconds(work: Callable[[], Result]) -> tuple[float, Result]:
    """Return the process time of a call, and its result."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def _statsforecast(values: np.ndarray, specification: Specification) -> float:
    mean, arma, sigma2 = fit_statsforecast(values, specification)
    return log_likelihood(values - mean, specification.without_trend, arma, sigma2)


def _statsmodels(values: np.ndarray, specification: Specification) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit_statsmodels(values, specification)


RIVALS: tuple[tuple[str, Callable[[np.ndarray, Specification], float], int], ...] = (
    ("statsforecast", _statsforecast, STATSFORECAST_LIMIT),
    ("statsmodels", _statsmodels, STATSMODELS_LIMIT),
)


if __name__ == "__main__":
    main()
