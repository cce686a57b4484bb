"""Releases in which some titles are trained again, and the others are those of the champion."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.payload.planning import taken
from book_forecast.releases.assembly import new_release, tables_of, trained_states

REFRESH = "refresh"
"""Entry of a manifest: the release whose other titles it has, and numbers of titles."""
_OF_MODELS = ("last_forecasts",)
"""Tables for planners that belong to the specification of a title, not to its fit."""


def with_trained(
    champion: Payload,
    trained: Mapping[str, pa.Table],
    same_models: Collection[str],
    about: Mapping[str, Any],
    now: dt.datetime | None = None,
) -> Payload:
    """Make a release of the champion in which some titles are trained again.

    The other titles have the champion's entries bit for bit: models, weeks, distributions, scores,
    specifications, the states of their training and the tables for planners.

    Args:
        champion: The release.
        trained: titles, histories, distributions and specifications of the titles that are trained
            again, and of new ones; rows ordered by ISBN.
        same_models: Those of them with the champion's specification, whose scores stay too.
        about: More entries of the manifest; see `new_release`.
        now: The time of its id; the present if not given.
    """
    former: list[str] = champion.titles["isbn"].to_pylist()
    again: list[str] = trained["titles"]["isbn"].to_pylist()
    rows = {isbn: row for row, isbn in enumerate(former)}
    rows |= {isbn: len(former) + row for row, isbn in enumerate(again)}
    order = [rows[isbn] for isbn in sorted(rows)]
    stay = {isbn: row for row, isbn in enumerate(former)}
    of_models = [stay.get(i, len(former)) if i in same_models else rows[i] for i in sorted(rows)]
    ours = tables_of(champion)
    tables = {
        kind: pa.concat_tables([ours[kind].cast(SCHEMAS[kind]), trained[kind]]).take(order)
        for kind in ("titles", "histories", "distributions")
    }
    if champion.scores is not None:
        tables["scores"] = _taken(champion.scores, of_models)
    states = trained_states(champion)
    if champion.trained_states is not None or any(state is not None for state in states):
        known = pa.table({"state": pa.array(states, pa.string())})
        tables["trained_states"] = _taken(known, order)
    tables["specifications"] = _specifications(champion, trained["specifications"])
    tables |= taken(champion.planning, order)
    own = {kind: champion.planning[kind] for kind in _OF_MODELS if kind in champion.planning}
    tables |= taken(own, of_models)
    counts = {
        "of": champion.release,
        "kept": len(rows) - len(again),
        "refitted": len(set(again) & set(same_models)),
        "retuned": len(set(again) - set(same_models)),
    }
    inherited = {n: champion.manifest[n] for n in ("scores",) if n in champion.manifest}
    return new_release(tables, {**inherited, **about, REFRESH: counts}, now)


def _taken(table: pa.Table, rows: list[int]) -> pa.Table:
    """Return rows of a table; null beyond its end."""
    indices = pa.array(rows, pa.int64())
    return table.take(pc.if_else(pc.less(indices, table.num_rows), indices, None))


def _specifications(champion: Payload, trained: pa.Table) -> pa.Table:
    if champion.specifications is None:
        return trained
    again = pc.is_in(champion.specifications["isbn"], trained["isbn"])
    kept = champion.specifications.filter(pc.invert(again))
    return pa.concat_tables([kept, trained.cast(kept.schema)]).sort_by("isbn")
