"""Random models and series for the tests of the seasonal ARIMA core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from book_forecast.sarima import Specification
from book_forecast.sarima.arrays import FloatArray
from book_forecast.sarima.polynomials import partials_to_coefficients
from book_forecast.sarima.specification import Trend


@dataclass(frozen=True)
class Case:
    """A series with a model of it at arbitrary parameters."""

    values: FloatArray
    specification: Specification
    arma: FloatArray
    sigma2: float
    regressors: FloatArray | None
    coefficients: FloatArray


def random_case(seed: int, seasons: tuple[int, ...] = (1, 4, 12), seasons_seen: int = 3) -> Case:
    """Any orders, with and without gaps, regressors and a mean."""
    rng = np.random.default_rng(seed)
    s = int(rng.choice(seasons))
    p, q, d = (int(n) for n in rng.integers(0, (4, 4, 3)))
    n_p, n_d, n_q = (int(n) for n in rng.integers(0, (3, 2, 4))) if s > 1 else (0, 0, 0)
    trend: Trend = "c" if d + n_d == 0 and rng.random() < 0.5 else "n"
    specification = Specification(p, d, q, n_p, n_d, n_q, s, trend)
    n = int(rng.integers(40, 100)) + seasons_seen * s
    values = 20.0 + np.cumsum(rng.normal(size=n)) + 5.0 * np.sin(np.arange(n))
    if rng.random() < 0.6:
        gap = int(rng.integers(0, n - 10))
        values[gap : gap + int(rng.integers(1, min(9, 2 * s + 2)))] = np.nan
    n_regressors = int(rng.integers(0, 3))
    regressors = rng.normal(size=(n, n_regressors)) if n_regressors else None
    return Case(
        values=values,
        specification=specification,
        arma=random_arma(rng, specification),
        sigma2=float(rng.uniform(0.5, 3.0)),
        regressors=regressors,
        coefficients=rng.normal(size=n_regressors + (trend == "c")),
    )


def random_arma(
    rng: np.random.Generator, specification: Specification, reach: float = 0.95
) -> FloatArray:
    """Stable and invertible coefficients, near the edge at times."""

    def block(order: int, sign: float) -> FloatArray:
        return sign * partials_to_coefficients(rng.uniform(-reach, reach, order))

    p, q, n_p, n_q = specification.arma_orders
    return np.concatenate([block(p, 1), block(q, -1), block(n_p, 1), block(n_q, -1)])


def simulate(seed: int, arma: FloatArray, specification: Specification, n: int) -> FloatArray:
    """A series of a model without differences, with unit variance of the innovations."""
    from book_forecast.sarima.likelihood import reduced_polynomials

    ar, ma = reduced_polynomials(arma, *specification.arma_orders, specification.s)
    warm = 20 * max(len(ar), len(ma), 10)
    shocks = np.random.default_rng(seed).normal(size=n + warm)
    values = np.zeros(n + warm)
    for t in range(max(len(ar), len(ma)), n + warm):
        values[t] = shocks[t] + ar @ values[t - len(ar) : t][::-1]
        values[t] += ma @ shocks[t - len(ma) : t][::-1]
    return values[warm:]
