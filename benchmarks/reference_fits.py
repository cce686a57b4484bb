"""Fits of a hundred (series, order) pairs by statsmodels and statsforecast, for the tests.

The fits take hours; the results are stored beside the tests of our own core. Another run resumes
after the last stored pair:

    python -m benchmarks.reference_fits --output tests/sarima/reference_fits.jsonl
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from statsforecast.arima import arima
from statsmodels.tsa.statespace.sarimax import SARIMAX

from book_forecast.sarima import ORDERS, Specification
from book_forecast.sarima.polynomials import partials_to_coefficients
from book_forecast.sarima.specification import Trend

PAIRS_PER_SEASON = {1: 24, 4: 24, 12: 28, 52: 24}
WEEKS = {1: (80, 400), 4: (80, 400), 12: (120, 400), 52: (260, 570)}
LARGEST = {
    1: (3, 2, 3, 0, 0, 0),
    4: (3, 1, 3, 2, 1, 2),
    12: (2, 1, 2, 2, 1, 1),
    52: (2, 1, 2, 1, 1, 1),
}
THE_ORIGINALS = [(1, 0, 0, 1, 0, 0), (1, 0, 0, 2, 0, 1), (2, 1, 1, 1, 0, 1), (2, 0, 1, 1, 0, 1)]


def pairs(seed: int = 20) -> Iterator[tuple[str, np.ndarray, Specification]]:
    """Yield a name, a series and the model to fit to it."""
    rng = np.random.default_rng(seed)
    for season, count in PAIRS_PER_SEASON.items():
        for k in range(count):
            orders = [int(rng.integers(0, top + 1)) for top in LARGEST[season]]
            if season == 52 and k < len(THE_ORIGINALS):
                orders = list(THE_ORIGINALS[k])
            if not any(orders[i] for i in (0, 2, 3, 5)):
                orders[0] = 1
            trend: Trend = "c" if orders[1] + orders[4] == 0 and rng.random() < 0.7 else "n"
            n = int(rng.integers(*WEEKS[season]))
            make = (_from_a_model, _like_sales)[k % 2]
            values = np.round(make(rng, n, season), 5)
            named = dict(zip(ORDERS, orders, strict=True))
            yield f"s{season}-{k:02d}", values, Specification(**named, s=season, trend=trend)


def _from_a_model(rng: np.random.Generator, n: int, season: int) -> np.ndarray:
    """Return a seasonal ARMA process, integrated in one series of three."""
    ar = partials_to_coefficients(rng.uniform(-0.9, 0.9, 2))
    seasonal, ma, warm = rng.uniform(-0.5, 0.8), rng.uniform(-0.8, 0.8), 5 * season + 100
    shocks = rng.normal(size=n + warm)
    values = np.zeros(n + warm)
    for t in range(season + 2, n + warm):
        values[t] = ar[0] * values[t - 1] + ar[1] * values[t - 2] + shocks[t] + ma * shocks[t - 1]
        if season > 1:
            values[t] += seasonal * (
                values[t - season] - ar[0] * values[t - season - 1] - ar[1] * values[t - season - 2]
            )
    values = values[warm:]
    return np.cumsum(values) if rng.random() < 1 / 3 else values + 5.0


def _like_sales(rng: np.random.Generator, n: int, season: int) -> np.ndarray:
    """Return logs of counts with a drifting level, a yearly peak, promotions and a slow decay."""
    t = np.arange(n)
    level = rng.uniform(2, 6) + np.cumsum(rng.normal(0, 0.05, n)) - rng.uniform(0, 1) * t / n
    phase = (t % max(season, 2)) / max(season, 2)
    peak = rng.uniform(0.2, 1.5) * np.exp(-0.5 * ((phase - 0.95) / 0.04) ** 2)
    promotion = rng.uniform(0.3, 1.0) * (rng.random(n) < 0.04)
    mean = np.exp(level + peak + promotion)
    dispersion = rng.uniform(5, 30)
    counts = rng.negative_binomial(dispersion, dispersion / (dispersion + mean))
    return np.log1p(counts)


def fit_statsmodels(values: np.ndarray, specification: Specification) -> float:
    """Return the log-likelihood of `SARIMAX.fit`, with default settings and exact differencing."""
    model = _sarimax(values, specification, specification.trend)
    return float(model.fit(disp=False, maxiter=200).llf)


def fit_statsforecast(
    values: np.ndarray, specification: Specification
) -> tuple[float, np.ndarray, float]:
    """Return mean, ARMA coefficients and innovation variance of statsforecast's ARIMA (CSS-ML)."""
    result = arima(
        values,
        order=specification.order,
        seasonal={"order": specification.seasonal_order[:3], "period": specification.s},
        include_mean=specification.trend == "c",
        method="CSS-ML",
    )
    found = dict(result["coef"])
    mean = found.pop("intercept", 0.0)
    # In the order of `specification.arma_names`.
    return mean, np.array(list(found.values())), result["sigma2"]


def _sarimax(values: np.ndarray, specification: Specification, trend: Trend) -> Any:
    return SARIMAX(
        values,
        order=specification.order,
        seasonal_order=specification.seasonal_order,
        trend=trend,
        simple_differencing=True,
    )


def with_statsmodels(values: np.ndarray, specification: Specification) -> dict[str, Any]:
    """Return log-likelihood and seconds of statsmodels."""
    began = time.perf_counter()
    value = fit_statsmodels(values, specification)
    return {"log_likelihood": value, "seconds": time.perf_counter() - began}


def with_statsforecast(values: np.ndarray, specification: Specification) -> dict[str, Any]:
    """Return the exact log-likelihood at statsforecast's parameters, and its seconds."""
    began = time.perf_counter()
    try:
        mean, arma, sigma2 = fit_statsforecast(values, specification)
    except ValueError as error:
        return {"error": str(error), "seconds": time.perf_counter() - began}
    seconds = time.perf_counter() - began
    exact = _sarimax(values - mean, specification, "n")
    return {"log_likelihood": float(exact.loglike([*arma, sigma2])), "seconds": seconds}


def main() -> None:
    """Fit the pairs that the output file does not hold yet, one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seasons", type=int, nargs="*", default=list(PAIRS_PER_SEASON))
    arguments = parser.parse_args()
    output: Path = arguments.output
    done = set()
    if output.exists():
        done = {json.loads(line)["name"] for line in output.read_text().splitlines()}
    for name, values, specification in pairs():
        if name in done or specification.s not in arguments.seasons:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            record = {
                "name": name,
                "orders": [*specification.order, *specification.seasonal_order[:3]],
                "s": specification.s,
                "trend": specification.trend,
                "statsmodels": with_statsmodels(values, specification),
                "statsforecast": with_statsforecast(values, specification),
                "values": values.tolist(),
            }
        with output.open("a") as file:
            file.write(json.dumps(record) + "\n")
        print(name, specification, record["statsmodels"], record["statsforecast"], flush=True)


if __name__ == "__main__":
    main()
