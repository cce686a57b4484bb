"""Series for benchmarks: complete, seeded, like the weekly sales of a title."""

from __future__ import annotations

import numpy as np

from book_forecast.series.history import History

WEEKS = 570
TEST_WEEKS = 32
CUTOFF = np.datetime64("2024-06-29")


def like_sales(seed: int) -> np.ndarray:
    """Logs of one plus the copies, with a drifting level and a Christmas peak; shape (570,)."""
    rng = np.random.default_rng(seed)
    t = np.arange(WEEKS)
    level = 4.0 + np.cumsum(rng.normal(0.0, 0.05, WEEKS)) + 0.2 * np.sin(2 * np.pi * t / 52)
    peak = rng.uniform(0.5, 1.5) * np.exp(-0.5 * ((t % 52 - 50) / 1.5) ** 2)
    mean = np.exp(level + peak)
    return np.log1p(rng.negative_binomial(15, 15 / (15 + mean)))


def history(seed: int) -> tuple[History, np.ndarray]:
    """A title's training weeks in copies, and its test weeks."""
    copies = np.expm1(like_sales(seed)).round()
    cutoff = CUTOFF - np.timedelta64(TEST_WEEKS, "W")
    return History(f"97800000{seed:05d}", copies[:-TEST_WEEKS], cutoff), copies[-TEST_WEEKS:]
