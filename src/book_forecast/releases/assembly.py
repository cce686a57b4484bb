"""Payloads in memory: new releases, revised ones, and the files that they become.

A revised payload lacks the file entries of the tables that changed: only these are written again,
so that of two processes that revise one release neither undoes the other's tables.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from book_forecast.payload.arrays import Floats
from book_forecast.payload.contents import SCHEMAS, UNKNOWN_STATE, Payload, table_bytes
from book_forecast.payload.manifest import (
    FORMAT,
    LONGEST_HORIZON,
    MANIFEST,
    PROBABILITIES,
    checksum,
    file_entry,
)
from book_forecast.payload.planning import PLANNING, taken
from book_forecast.storage.errors import UserError

WEEKS, WEEKS_MARK = "volumes", "…"
"""Key of a model's weeks in its state, and what stands for them: histories hold them already."""
_LIBRARIES = ("book_forecast", "numpy", "pandas", "pyarrow", "scipy", "numba", "mlflow")
_DERIVED = {
    "titles": ("first_week", "trained_until", "cutoff", "titles", "models", "fallbacks"),
    "scores": ("scores",),
}
"""Entries of a manifest that belong to a table: they change with it only."""


@dataclass(frozen=True)
class RolledTitle:
    """A title after newer weeks.

    Attributes:
        isbn: The title.
        state: State of its model, as JSON.
        known: Weeks of the release's history that stay; usually those of the training.
        volumes: The weeks after them, in copies.
        distribution: Shape (1 + 17, 104): mean and quantiles of the weeks after all of these.
    """

    isbn: str
    state: str
    known: int
    volumes: npt.NDArray[np.float64]
    distribution: Floats


def state_without_weeks(state: str) -> str:
    """Return a model's state as JSON, with a mark in place of the weeks it forecasts from."""
    content = json.loads(state)
    if WEEKS in content:
        content[WEEKS] = WEEKS_MARK
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def new_release(
    tables: Mapping[str, pa.Table], about: Mapping[str, Any], now: dt.datetime | None = None
) -> Payload:
    """Make a release, which no store has yet.

    Args:
        tables: By kind, as in `SCHEMAS`; rows ordered by ISBN.
        about: More entries of the manifest, as JSON. "fingerprint" identifies what the release was
            made of, in hexadecimal digits.
        now: The time of its id; the present if not given.
    """
    moment = now or dt.datetime.now(dt.UTC)
    manifest = {
        **about,
        **_format(f"{moment:%Y-%m-%dT%H.%M.%S}-{about['fingerprint'][:8]}"),
        "created": moment.isoformat(timespec="seconds"),
        "versions": _versions(),
        "files": {},
        **_summary(tables["titles"]),
    }
    size = tables["titles"].num_rows
    distributions = tables["distributions"].cast(SCHEMAS["distributions"])
    return Payload(
        manifest=manifest,
        titles=tables["titles"],
        volumes=tables["histories"]["volumes"],
        mean=_floats(distributions["mean"], (size, LONGEST_HORIZON)),
        quantiles=_floats(distributions["quantiles"], (size, len(PROBABILITIES), LONGEST_HORIZON)),
        scores=tables.get("scores"),
        specifications=tables.get("specifications"),
        trained_states=tables.get("trained_states"),
        planning={kind: tables[kind] for kind in PLANNING if kind in tables},
    )


def rolled(payload: Payload, titles: Sequence[RolledTitle]) -> Payload:
    """Return the release after newer weeks; the same object where there are none."""
    if not titles:
        return payload
    rows = {isbn: row for row, isbn in enumerate(payload.titles["isbn"].to_pylist())}
    first_weeks: list[dt.date] = payload.titles["first_week"].to_pylist()
    cutoffs: list[dt.date] = payload.titles["cutoff"].to_pylist()
    states: list[str] = payload.titles["state"].to_pylist()
    trained: list[str | None] = trained_states(payload)
    volumes: list[Any] = payload.volumes.to_pylist()
    means, quantiles = payload.mean.copy(), payload.quantiles.copy()
    for title in titles:
        row = rows[title.isbn]
        state, before = state_without_weeks(title.state), trained[row]
        before = states[row] if before is None else before
        trained[row] = None if before == state else before
        states[row] = state
        newer = [None if np.isnan(v) else float(v) for v in title.volumes]
        volumes[row] = volumes[row][: title.known] + newer
        cutoffs[row] = first_weeks[row] + dt.timedelta(weeks=len(volumes[row]) - 1)
        means[row], quantiles[row] = title.distribution[0], title.distribution[1:]
    table = payload.titles
    for name, values in (("state", states), ("cutoff", cutoffs)):
        position, field = table.schema.get_field_index(name), SCHEMAS["titles"].field(name)
        table = table.set_column(position, field, pa.array(values, field.type))
    changed = ("titles", "histories", "distributions", "trained_states")
    as_trained = table["cutoff"].equals(table["trained_until"]) and not any(trained)
    return replace(
        payload,
        manifest=_without_files(payload, *changed) | _summary(table),
        titles=table,
        volumes=pa.chunked_array([pa.array(volumes, SCHEMAS["histories"].field("volumes").type)]),
        mean=means,
        quantiles=quantiles,
        trained_states=None if as_trained else _states_table(trained),
    )


def new_titles(
    payload: Payload, own: Mapping[str, pa.Table], added: Mapping[str, pa.Table]
) -> Payload:
    """Return the release with further titles, in the order of the ISBNs.

    Args:
        payload: The release.
        own: Its tables by kind.
        added: Rows of the new titles, of each table with a row a title.
    """
    isbns = [*own["titles"]["isbn"].to_pylist(), *added["titles"]["isbn"].to_pylist()]
    order = np.argsort(np.array(isbns, dtype=str), kind="stable")
    tables = {
        kind: pa.concat_tables([table.cast(SCHEMAS[kind]), added[kind]]).take(order)
        for kind, table in own.items()
        if kind in added
    }
    means, quantiles = (
        _floats(tables["distributions"][name], (len(order), *shape))
        for name, shape in (
            ("mean", (LONGEST_HORIZON,)),
            ("quantiles", (len(PROBABILITIES), LONGEST_HORIZON)),
        )
    )
    planning = taken(payload.planning, order.tolist())
    return replace(
        payload,
        manifest=_without_files(payload, *tables, *planning) | _summary(tables["titles"]),
        titles=tables["titles"],
        volumes=tables["histories"]["volumes"],
        mean=means,
        quantiles=quantiles,
        scores=tables.get("scores"),
        trained_states=tables.get("trained_states"),
        planning=planning,
    )


def trained_states(payload: Payload) -> list[str | None]:
    """Return the state of each title at the end of its training.

    Returns:
        None where it is the present state, `UNKNOWN_STATE` where it is not known any more.
    """
    if payload.trained_states is not None:
        known: list[str | None] = payload.trained_states["state"].to_pylist()
        return known
    is_trained = pc.equal(payload.titles["cutoff"], payload.titles["trained_until"])
    return [None if is_at_training else UNKNOWN_STATE for is_at_training in is_trained.to_pylist()]


def _states_table(states: Sequence[str | None]) -> pa.Table:
    return pa.table({"state": pa.array(states, pa.string())})


def with_scores(payload: Payload, table: pa.Table, summary: Mapping[str, float]) -> Payload:
    """Return the release with scores.

    Args:
        payload: The release.
        table: isbn and the columns of `SCHEMAS["scores"]`, in any order of rows.
        summary: Scores over all titles, for the manifest.
    """
    rows = pc.index_in(payload.titles["isbn"], table["isbn"])
    scores = table.select(SCHEMAS["scores"].names).take(rows)
    manifest = _without_files(payload, "scores") | {"scores": dict(summary)}
    return replace(payload, manifest=manifest, scores=scores)


def with_planning(payload: Payload, tables: Mapping[str, pa.Table]) -> Payload:
    """Return the release with tables for planners, by kind; the same object if it has them."""
    changed = {
        kind: table
        for kind, table in tables.items()
        if kind not in payload.planning or not payload.planning[kind].equals(table)
    }
    if not changed:
        return payload
    manifest = _without_files(payload, *changed)
    return replace(payload, manifest=manifest, planning={**payload.planning, **changed})


def with_titles_of(champion: Payload, older: Payload, isbns: Sequence[str]) -> Payload:
    """Make a release of the champion in which some titles are those of an older release.

    These titles keep their older cutoff until newer weeks are rolled in.

    Raises:
        UserError: If either release lacks one of the titles.
    """
    rows = {isbn: row for row, isbn in enumerate(champion.titles["isbn"].to_pylist())}
    older_rows = {isbn: row for row, isbn in enumerate(older.titles["isbn"].to_pylist())}
    rows_taken = np.arange(len(champion))
    for isbn in isbns:
        for release, known in ((champion.release, rows), (older.release, older_rows)):
            if isbn not in known:
                raise UserError(f"The release {release} has no title {isbn}.")
        rows_taken[rows[isbn]] = len(champion) + older_rows[isbn]
    ours, theirs = tables_of(champion), tables_of(older)
    if "trained_states" in ours or "trained_states" in theirs:
        for payload, of_payload in ((champion, ours), (older, theirs)):
            of_payload["trained_states"] = _states_table(trained_states(payload))
    tables = {
        kind: pa.concat_tables([table, theirs[kind]]).take(rows_taken)
        for kind, table in ours.items()
        if kind in theirs and kind not in {"specifications", *PLANNING}
    } | taken(champion.planning, rows_taken.tolist(), older.planning)
    if champion.specifications is not None and older.specifications is not None:
        given = pc.is_in(older.specifications["isbn"], pa.array(isbns, pa.string()))
        kept = pc.is_in(champion.specifications["isbn"], pa.array(isbns, pa.string()))
        parts = [
            champion.specifications.filter(pc.invert(kept)),
            older.specifications.filter(given),
        ]
        tables["specifications"] = pa.concat_tables(parts).sort_by("isbn")
    inherited = ("data", "scores", "calibration", "options")
    about = {name: champion.manifest[name] for name in inherited if name in champion.manifest}
    partial = {"of": champion.release, "from": older.release, "isbns": list(isbns)}
    digest = hashlib.sha256(json.dumps(partial, sort_keys=True).encode()).hexdigest()
    return new_release(tables, {**about, "fingerprint": digest, "partial_rollback": partial})


def assemble(
    release: str, tables: Mapping[str, pa.Table], about: Mapping[str, Any]
) -> dict[str, bytes]:
    """Return the files of a payload by name, the manifest last: it is written after the others."""
    return revise({**about, **_format(release), "files": {}}, tables)


def revise(manifest: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Return the files that a payload lacks once some tables change: these and its manifest."""
    files, entries = {}, dict(manifest["files"])
    for kind, table in tables.items():
        name, content = table_bytes(kind, table)
        files[name] = content
        entries[kind] = file_entry(name, content)
    revised: dict[str, Any] = {**manifest, "files": entries}
    if "titles" in tables:
        revised |= _summary(tables["titles"])
    revised["checksum"] = checksum(revised)
    files[MANIFEST] = json.dumps(revised, indent=1).encode()
    return files


def files_of(payload: Payload, stored: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Return the files that a store needs to hold a payload; none where nothing has changed.

    Args:
        payload: The release.
        stored: Manifest of the release in the store; None where the store does not have it.
    """
    tables, about = tables_of(payload), dict(payload.manifest)
    entries = about.pop("files") if stored is not None else {}
    changed = {kind: table for kind, table in tables.items() if kind not in entries}
    for kind, names in _DERIVED.items():
        if kind not in changed:
            about = {name: value for name, value in about.items() if name not in names}
    base = {"files": {}} if stored is None else stored
    kept = dict(base["files"])
    if "titles" in changed and payload.trained_states is None:
        # Every title is at the end of its training again.
        kept.pop("trained_states", None)
    files = revise({**base, **about, "files": kept}, changed)
    is_same = json.loads(files[MANIFEST])["checksum"] == base.get("checksum")
    return {} if is_same else files


def tables_of(payload: Payload) -> dict[str, pa.Table]:
    """Return the tables of a payload by kind."""
    tables = {
        "titles": payload.titles,
        "histories": pa.table({"volumes": payload.volumes}),
        "distributions": distributions_table(payload.mean, payload.quantiles),
        "scores": payload.scores,
        "specifications": payload.specifications,
        "trained_states": payload.trained_states,
        **payload.planning,
    }
    return {kind: table for kind, table in tables.items() if table is not None}


def distributions_table(means: Floats, quantiles: Floats) -> pa.Table:
    """Return means, shape (n, 104), and quantiles, shape (n, 17, 104), as a payload's table."""
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


def _without_files(payload: Payload, *kinds: str) -> dict[str, Any]:
    files = {k: entry for k, entry in payload.manifest["files"].items() if k not in kinds}
    return {**payload.manifest, "files": files}


def _floats(column: pa.ChunkedArray, shape: tuple[int, ...]) -> Floats:
    return np.asarray(column.combine_chunks().flatten(), dtype=np.float32).reshape(shape)


def _format(release: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "release": release,
        "longest_horizon": LONGEST_HORIZON,
        "probabilities": list(PROBABILITIES),
    }


def _summary(titles: pa.Table) -> dict[str, Any]:
    """Return the manifest's entries that are derived from the titles."""
    ends = {
        name: None if (day := extreme(titles[name]).as_py()) is None else day.isoformat()
        for name, extreme in (("first_week", pc.min), ("trained_until", pc.max), ("cutoff", pc.max))
    }
    return {
        **ends,
        "titles": titles.num_rows,
        "models": dict(Counter(titles["model"].to_pylist()).most_common()),
        "fallbacks": titles.num_rows - titles["fallback_reason"].null_count,
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
