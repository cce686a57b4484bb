"""Releases of invented titles, as large as those of a catalogue."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.planning import PARTS
from book_forecast.releases.assembly import assemble
from book_forecast.releases.store import ReleaseStore
from tests.releases import payloads

FIRST, SECOND = "2024-07-01T05.00.00-00000001", "2024-07-08T05.00.00-00000002"


def make_releases(store: ReleaseStore, titles: int, weeks: int) -> None:
    """Write two releases of invented titles, unless they are there."""
    for seed, release in enumerate((FIRST, SECOND)):
        if release not in store.releases():
            tables = payloads.tables(titles=titles, weeks=weeks, seed=seed)
            tables["titles"] = named(tables["titles"])
            tables |= payloads.planning(titles=titles, weeks=weeks, horizon=LONGEST_HORIZON)
            tables["explanations"] = explained(tables["explanations"])
            store.write(release, assemble(release, tables, {}))


def explained(explanations: pa.Table) -> pa.Table:
    """Return explanations of all titles with all parts, which differ from title to title."""
    generator = np.random.default_rng(0)
    for name in PARTS:
        factors = generator.lognormal(0.0, 0.1, explanations.num_rows * LONGEST_HORIZON)
        ends = np.arange(explanations.num_rows + 1, dtype=np.int32) * LONGEST_HORIZON
        column = pa.ListArray.from_arrays(pa.array(ends), pa.array(factors, pa.float32()))
        place = explanations.schema.get_field_index(name)
        explanations = explanations.set_column(place, name, column)
    return explanations


def named(titles: pa.Table) -> pa.Table:
    """Return titles with names as long and as many as those of a catalogue."""
    generator = np.random.default_rng(0)
    syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "or", "um", "an")]

    def words(number: int, most: int) -> list[str]:
        lengths = generator.integers(1, most + 1, number)
        return ["".join(generator.choice(syllables, length)).title() for length in lengths]

    vocabulary, n_titles = words(8000, 4), titles.num_rows
    authors = [" ".join(words(2, 3)) for _ in range(max(n_titles * 2 // 5, 1))]
    columns = {
        "title": [
            " ".join(generator.choice(vocabulary, generator.integers(1, 7)))
            for _ in range(n_titles)
        ],
        "author": generator.choice(authors, n_titles).tolist(),
        "product_class": [f"{'FSTY'[n % 4]}{n % 9}" for n in range(n_titles)],
    }
    for name, values in columns.items():
        place = titles.schema.get_field_index(name)
        titles = titles.set_column(place, name, pa.array(values, pa.string()))
    return titles
