"""Seconds per exact fit on 570 weeks, beside statsforecast's ARIMA on the same series.

    python benchmarks/sarima_fit.py [--quick]

Process time of one core, the median over series; the rival's log-likelihood is not compared here
(tests/sarima/test_estimation.py does that on stored fits).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from statsforecast.arima import arima
from threadpoolctl import threadpool_limits

from book_forecast.sarima import Specification, compile_core, fit

WEEKS = 570
ORDERS = [
    (1, 0, 0, 1, 0, 0),
    (1, 0, 0, 2, 0, 1),
    (1, 0, 1, 1, 0, 1),
    (2, 1, 1, 1, 0, 1),
    (1, 1, 1, 2, 0, 2),
]


def like_sales(seed: int) -> np.ndarray:
    """Logs of counts with a drifting level and a Christmas peak."""
    rng = np.random.default_rng(seed)
    t = np.arange(WEEKS)
    level = 4.0 + np.cumsum(rng.normal(0.0, 0.05, WEEKS)) + 0.2 * np.sin(2 * np.pi * t / 52)
    peak = rng.uniform(0.5, 1.5) * np.exp(-0.5 * ((t % 52 - 50) / 1.5) ** 2)
    mean = np.exp(level + peak)
    return np.log1p(rng.negative_binomial(15, 15 / (15 + mean)))


def seconds(work: Callable[[], object]) -> float:
    """Process time of a call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Prints a line per model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 series, no rival")
    quick = parser.parse_args().quick
    compile_core()
    print(f"{'model':24} {'ours, ms':>9} {'with a gap':>11} {'statsforecast, ms':>18} {'ratio':>7}")
    with threadpool_limits(1):
        for orders in ORDERS:
            trend = "c" if orders[1] + orders[4] == 0 else "n"
            specification = Specification(*orders, s=52, trend=trend)
            series = [like_sales(seed) for seed in range(3 if quick else 15)]
            ours = np.median([seconds(partial(fit, y, specification)) for y in series])
            gaps = [np.where((np.arange(WEEKS) // 12) == 36, np.nan, y) for y in series]
            gap = np.median([seconds(partial(fit, y, specification)) for y in gaps])
            line = f"{specification!s:24} {1e3 * ours:9.1f} {1e3 * gap:11.1f}"
            if not quick:
                theirs = np.median([seconds(partial(_rival, y, specification)) for y in series[:3]])
                line += f" {1e3 * theirs:18.0f} {theirs / ours:7.0f}"
            print(line, flush=True)


def _rival(values: np.ndarray, specification: Specification) -> object:
    return arima(
        values,
        order=specification.order,
        seasonal={"order": specification.seasonal_order[:3], "period": specification.s},
        include_mean=specification.trend == "c",
        method="CSS-ML",
    )


if __name__ == "__main__":
    main()
