"""A release after newer weeks: the same models, another payload."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.releases.models import state_without_weeks
from book_forecast.series.history import FloatArray


@dataclass(frozen=True)
class RolledTitle:
    """A title after newer weeks.

    Attributes:
        isbn: The title.
        state: Of its model, as JSON.
        volumes: The newer weeks, in copies.
        distribution: Shape (1 + 17, 104): mean and quantiles of the weeks after them.
    """

    isbn: str
    state: str
    volumes: FloatArray
    distribution: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Refresh:
    """What changes of a release.

    Attributes:
        release: Its id.
        tables: By kind, those that are others; none where nothing changes.
    """

    release: str
    tables: Mapping[str, pa.Table]


def refresh(payload: Payload, rolled: Sequence[RolledTitle]) -> Refresh:
    """Put rolled titles into a payload.

    Args:
        payload: As it is.
        rolled: The titles that have newer weeks.
    """
    if not rolled:
        return Refresh(payload.release, {})
    rows = {isbn: row for row, isbn in enumerate(payload.titles["isbn"].to_pylist())}
    cutoffs: list[dt.date] = payload.titles["cutoff"].to_pylist()
    states: list[str] = payload.titles["state"].to_pylist()
    volumes: list[Any] = payload.volumes.to_pylist()
    means, quantiles = payload.mean.copy(), payload.quantiles.copy()
    for title in rolled:
        row = rows[title.isbn]
        cutoffs[row] += dt.timedelta(weeks=len(title.volumes))
        states[row] = state_without_weeks(title.state)
        volumes[row] += [None if np.isnan(v) else float(v) for v in title.volumes]
        means[row], quantiles[row] = title.distribution[0], title.distribution[1:]
    titles = payload.titles
    for name, values in (("state", states), ("cutoff", cutoffs)):
        place, field = titles.schema.get_field_index(name), SCHEMAS["titles"].field(name)
        titles = titles.set_column(place, field, pa.array(values, field.type))
    tables = {
        "titles": titles,
        "histories": pa.table({"volumes": volumes}, schema=SCHEMAS["histories"]),
        "distributions": distributions_table(means, quantiles),
    }
    return Refresh(payload.release, tables)


def distributions_table(
    means: npt.NDArray[np.float32], quantiles: npt.NDArray[np.float32]
) -> pa.Table:
    """Means and quantiles as a payload keeps them.

    Args:
        means: Shape (n, 104).
        quantiles: Shape (n, 17, 104).
    """
    schema = SCHEMAS["distributions"]
    flat = {"mean": means, "quantiles": quantiles}
    return pa.table(
        {
            name: pa.FixedSizeListArray.from_arrays(
                pa.array(values.ravel(), pa.float32()), schema.field(name).type.list_size
            )
            for name, values in flat.items()
        },
        schema=schema,
    )
