"""How large a release is, and how long it takes to publish: from train's parts to MLflow.

    python benchmarks/release_publish.py --titles 10000 --weeks 600

A few titles are fitted, and the others are copies of them with other sales and distributions, so
that nothing compresses better than it would in earnest. Wanted for 10,000 titles: at most 100 MB
and 60 s.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from book_forecast.bookscan.isbn_text import check_digit_13
from book_forecast.forecasters.base import Forecast
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.pipelines.train.nodes import MODEL_TYPES
from book_forecast.pipelines.train.release import assemble_release
from book_forecast.pipelines.train.titles import TitleFit, fit_title
from book_forecast.releases.distributions import LEVELS, distribution_frame, distribution_of
from book_forecast.releases.publishing import publish
from book_forecast.releases.registry import Registry
from book_forecast.releases.store import ReleaseStore
from book_forecast.sarima import Specification
from book_forecast.series.history import History

FITTED = 8
CUTOFF = np.datetime64("2026-06-27")
SPECIFICATION = Specification(p=1, d=0, q=0, P=2, D=0, Q=1, s=52, trend="c")


def main() -> None:
    """Publish a release, and say how large it was and how long it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--titles", type=int, default=10_000)
    parser.add_argument("--weeks", type=int, default=600)
    given = parser.parse_args()
    models, distributions, weeks, titles = parts(given.titles, given.weeks)
    with tempfile.TemporaryDirectory() as place:
        registry = Registry(f"sqlite:///{place}/mlflow.db")
        registry.versions()
        mlflow.set_tracking_uri(registry.uri)
        store = ReleaseStore(f"{place}/releases")
        began = time.perf_counter()
        draft = assemble_release(models, distributions, weeks, titles)
        assembled = time.perf_counter()
        release = publish(store, registry, draft, Path.cwd())
        published = time.perf_counter()
        sizes = {
            p.name.partition("-")[0]: p.stat().st_size
            for p in Path(store.location(release)).iterdir()
        }
    told = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in sorted(sizes.items()))
    print(
        f"{given.titles} titles of {given.weeks} weeks: {sum(sizes.values()) / 1e6:.1f} MB ({told})"
    )
    print(f"put together in {assembled - began:.1f} s, published in {published - assembled:.1f} s")


def parts(count: int, length: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What train has when it publishes: models, distributions, weeks and titles."""
    generator = np.random.default_rng(1)
    fitted = [fit(generator, length) for _ in range(FITTED)]
    rows, distributions, volumes, isbns = [], {}, [], []
    for n in range(count):
        row, sales = fitted[n % FITTED]
        isbn = f"97802{n:07d}"
        isbn += check_digit_13(isbn)
        size = generator.lognormal(0.0, 1.0)
        state = json.loads(row["state"])
        state["arma"] = generator.normal(state["arma"], 1e-3).tolist()
        state["sigma2"] *= generator.lognormal(0.0, 0.1)
        rows.append({**row, "isbn": isbn, "state": json.dumps(state, separators=(",", ":"))})
        distributions[isbn] = distribution_of(scaled(row["forecast"], size))
        volumes.append(np.round(sales * size * generator.lognormal(0.0, 0.2, length)))
        isbns.append(isbn)
    week = CUTOFF - np.timedelta64(7, "D") * np.arange(length)[::-1]
    weeks = pd.DataFrame(
        {
            "isbn": pd.Series(np.repeat(isbns, length), dtype="str"),
            "week": np.tile(week, count).astype("datetime64[us]"),
            "volume": np.concatenate(volumes),
        }
    )
    titles = pd.DataFrame({"isbn": isbns, "title": [f"The Book of {n}" for n in range(count)]})
    models = pd.DataFrame(rows, columns=list(MODEL_TYPES)).astype(MODEL_TYPES)
    return models, distribution_frame(distributions, dict.fromkeys(isbns, CUTOFF)), weeks, titles


def fit(generator: np.random.Generator, length: int) -> tuple[dict[str, Any], np.ndarray]:
    """A title's row as train makes it, and its sales."""
    season = 1.0 + 0.8 * np.exp(-0.5 * ((np.arange(length) % 52 - 12) / 3.0) ** 2)
    sales = np.round(200.0 * season * generator.lognormal(0.0, 0.3, length))
    history = History("9780000000002", sales, CUTOFF)
    task = TitleFit(history, Sarima.family, Candidate(SPECIFICATION), None, 26, LEVELS)
    return fit_title(task), sales


def scaled(forecast: Forecast, size: float) -> Forecast:
    """A forecast of a title that sells so many times as much."""
    return replace(
        forecast,
        mean=forecast.mean * size,
        lower={level: bound * size for level, bound in forecast.lower.items()},
        upper={level: bound * size for level, bound in forecast.upper.items()},
    )


if __name__ == "__main__":
    main()
