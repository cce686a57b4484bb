"""Tables of a release for planners, beside what a forecast needs; any of them may be missing.

Rows are in the order of `titles`, and null where a title has nothing; `left_out` has ISBNs itself.
Like `contents`, this module imports nothing else of the project: MLflow stores a copy of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_TEXT = pa.string()
_WEEKS = pa.list_(pa.date32())
_NUMBERS = pa.list_(pa.float32())
_SHORT = pa.list_(pa.float16())
PARTS = ("trend", "season", "holidays", "promotion", "other")
"""Factors of an explained forecast, beside its level."""
PLANNING = {
    "details": pa.schema(
        {
            "imprint": _TEXT,
            "publisher_group": _TEXT,
            "publication_date": pa.date32(),
            "price": pa.float64(),
        }
    ),
    "explanations": pa.schema(
        {"members": _TEXT, "level": pa.float32(), **dict.fromkeys(PARTS, _NUMBERS)}
    ),
    "last_forecasts": pa.schema(
        {
            "first_week": pa.date32(),
            "level": pa.float32(),
            **dict.fromkeys(("mean", "lower", "upper"), _NUMBERS),
        }
    ),
    "promotions": pa.schema({"weeks": _WEEKS, "depths": _NUMBERS}),
    "effects": pa.schema(
        {
            "depths": _NUMBERS,
            "promotion": _SHORT,
            "after_plan": _SHORT,
            "planned": _NUMBERS,
            "spread": _SHORT,
            "ceiling": pa.float32(),
            "log_mean": _NUMBERS,
            "deviation": _NUMBERS,
            "regressors": _TEXT,
        }
    ),
    "left_out": pa.schema({"isbn": _TEXT, "title": _TEXT, "reason": _TEXT}),
}
"""Columns by table.

`price` is the last recommended price of a copy. An explanation has the members' weights as JSON, in
the mean over its weeks; the level in copies plus one, and what multiplies it by week after the
cutoff. A last forecast is that of the test weeks, from `first_week` on, in copies a week, with the
bounds of an interval of `level` percent. Promotions are those up to the cutoff and the planned
ones, with their depths. `what_if` describes the effects.
"""
OWN_ROWS = frozenset({"left_out"})
"""Tables whose rows are not those of `titles`."""


def taken(
    tables: Mapping[str, pa.Table],
    rows: Sequence[int],
    others: Mapping[str, pa.Table] | None = None,
) -> dict[str, pa.Table]:
    """Return the tables with some rows.

    Args:
        tables: Of a release, as `Payload.planning` has them.
        rows: By row of the result. Those beyond the titles of the release are rows of the others,
            or of new titles, which get nulls.
        others: Of another release.
    """
    indices = pa.array(rows, pa.int64())
    found = {}
    for kind, table in tables.items():
        if kind in OWN_ROWS:
            found[kind] = table
            continue
        whole = pa.concat_tables([table, *filter(None, [(others or {}).get(kind)])])
        known = pc.if_else(pc.less(indices, whole.num_rows), indices, None)
        found[kind] = whole.take(known)
    return found


def updated(
    table: pa.Table | None, kind: str, rows: Mapping[int, Mapping[str, Any]], n_titles: int
) -> pa.Table:
    """Return a table with some new rows.

    Args:
        table: The former one; None where there is none.
        kind: Its name in `PLANNING`.
        rows: The new ones by position: values by column, None where one is not given.
        n_titles: Titles of the release.
    """
    schema = PLANNING[kind]
    columns: dict[str, list[Any]] = {
        name: [None] * n_titles if table is None else table[name].to_pylist()
        for name in schema.names
    }
    for position, row in rows.items():
        for name, values in columns.items():
            values[position] = row.get(name)
    return pa.table(columns, schema=schema)
