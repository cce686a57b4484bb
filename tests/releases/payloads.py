"""Payloads of invented titles."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa

from book_forecast.bookscan.isbn_text import check_digit_13
from book_forecast.payload.contents import SCHEMAS, Payload, read_payload
from book_forecast.payload.manifest import LONGEST_HORIZON, PROBABILITIES
from book_forecast.payload.planning import PLANNING
from book_forecast.releases.assembly import assemble, files_of, new_release
from book_forecast.releases.store import ReleaseStore

CUTOFF = dt.date(2024, 6, 29)
LATER = dt.datetime(2024, 7, 8, 5, tzinfo=dt.UTC)
RELEASE = "2024-07-01T05.00.00-abcdef12"


def isbn(number: int) -> str:
    """The ISBN-13 of the n-th invented title."""
    first = f"97802{number:07d}"
    return first + check_digit_13(first)


def tables(titles: int = 3, weeks: int = 120, seed: int = 0) -> dict[str, pa.Table]:
    """Titles with log-normal forecasts, and scores beside the baseline's."""
    generator = np.random.default_rng(seed)
    level = generator.normal(4.0, 1.0, (titles, 1)) * np.ones(LONGEST_HORIZON)
    spread = 0.3 * np.sqrt(np.linspace(1.0, 3.0, LONGEST_HORIZON))
    normal = np.array([NormalDist().inv_cdf(p) for p in PROBABILITIES])
    quantiles = np.expm1(level[:, None, :] + normal[:, None] * spread).clip(0.0)
    volumes = np.round(np.exp(level[:, :1] + 0.3 * generator.normal(size=(titles, weeks))))
    volumes[0, weeks // 2] = np.nan
    rows = range(titles)
    columns: dict[str, dict[str, Any]] = {
        "titles": {
            "isbn": [isbn(n) for n in rows],
            "title": [f"The Book of {n}" for n in rows],
            "author": [f"Author {n % 7}" for n in rows],
            "product_class": ["F1.1"] * titles,
            "model": ["sarima" if n % 3 else "seasonal_naive" for n in rows],
            "specification": ["(1,0,1)(1,0,1)52 c" if n % 3 else "" for n in rows],
            "fallback_reason": [None if n % 3 else "too short" for n in rows],
            "state": ["{}"] * titles,
            "first_week": [CUTOFF - dt.timedelta(weeks=weeks - 1)] * titles,
            "trained_until": [CUTOFF] * titles,
            "cutoff": [CUTOFF] * titles,
        },
        "histories": {
            "volumes": pa.array(
                [list(row) for row in volumes], pa.list_(pa.float64()), from_pandas=True
            )
        },
        "distributions": {
            "mean": _lists(np.exp(level + spread**2 / 2.0)),
            "quantiles": _lists(quantiles.reshape(titles, -1)),
        },
        "scores": {name: generator.uniform(0.1, 0.9, titles) for name in SCHEMAS["scores"].names},
    }
    return {kind: pa.table(content) for kind, content in columns.items()}


def planning(titles: int = 3, weeks: int = 120, horizon: int = 52) -> dict[str, pa.Table]:
    """Tables for planners beside those of `tables`; every seventh title has no explanation."""
    rows = range(titles)
    season = 1.0 + 0.5 * np.sin(2.0 * np.pi * np.arange(horizon) / 52.0)
    path = [None if n % 7 == 6 else np.roll(season, n) for n in rows]
    known = min(32, weeks)
    promoted = [CUTOFF - dt.timedelta(weeks=20), CUTOFF + dt.timedelta(weeks=4)]
    depths = np.arange(0.0, 0.51, 0.05)
    uplifts = np.outer(2.0 * depths, np.ones(LONGEST_HORIZON)).ravel().astype(np.float16)
    columns: dict[str, dict[str, Any]] = {
        "details": {
            "imprint": [f"Imprint {n % 11}" for n in rows],
            "publisher_group": [f"Group {n % 5}" for n in rows],
            "publication_date": [None if n % 2 else CUTOFF - dt.timedelta(n % 900) for n in rows],
            "price": [8.99 + n % 5 for n in rows],
        },
        "explanations": {
            "members": ['{"sarima": 0.6, "theta": 0.4}' if p is not None else None for p in path],
            "level": [55.0 if p is not None else None for p in path],
            "trend": [None if p is None else np.ones(horizon) for p in path],
            "season": path,
            "holidays": [None] * titles,
            "promotion": [None] * titles,
            "other": [None if p is None else np.ones(horizon) for p in path],
        },
        "last_forecasts": {
            "first_week": [CUTOFF - dt.timedelta(weeks=known - 1)] * titles,
            "level": [80.0] * titles,
            **{
                name: [np.full(known, 50.0 + size)] * titles
                for name, size in (("mean", 0.0), ("lower", -20.0), ("upper", 30.0))
            },
        },
        "promotions": {
            "weeks": [promoted if n % 3 == 0 else [] for n in rows],
            "depths": [[0.3, 0.2] if n % 3 == 0 else [] for n in rows],
        },
        "effects": {
            "depths": [depths] * titles,
            "promotion": [uplifts] * titles,
            **dict.fromkeys(("after_plan", "planned", "spread", "ceiling"), [None] * titles),
            **dict.fromkeys(("log_mean", "deviation", "regressors"), [None] * titles),
        },
        "left_out": {
            "isbn": [isbn(titles)],
            "title": ["A short book"],
            "reason": ["20 weeks of sales, 52 are needed"],
        },
    }
    return {kind: pa.table(content, PLANNING[kind]) for kind, content in columns.items()}


def _lists(values: np.ndarray) -> pa.Array:
    flat = pa.array(values.ravel(), pa.float32())
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def write(folder: Path, release: str = RELEASE, **options: Any) -> Path:
    """A payload as files; `options` are those of `tables`."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {"created": "2024-07-01T05:00:00Z", "versions": {"book_forecast": "0.1.0"}}
    for name, content in assemble(release, tables(**options), about).items():
        (folder / name).write_bytes(content)
    return folder


def release(
    fingerprint: str = "0123456789abcdef", moment: dt.datetime | None = None, **options: Any
) -> Payload:
    """A new release without scores; `options` are those of `tables`."""
    made = tables(**options)
    made.pop("scores")
    return new_release(made, {"data": "0123", "fingerprint": fingerprint}, moment)


def saved(store: ReleaseStore, seed: int = 0, **options: Any) -> str:
    """The id of a new release in a store; its fingerprint is the seed's."""
    payload = release(f"{seed:x}" * 8, seed=seed, **options)
    store.save(payload)
    return payload.release


def payload_of(payload: Payload, folder: Path, release: str = RELEASE) -> Payload:
    """A payload as it comes back from files, under an id of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    named = replace(payload, manifest={**payload.manifest, "release": release})
    for name, content in files_of(named, None).items():
        (folder / name).write_bytes(content)
    return read_payload(folder)
