"""Puts a release together: tables and manifest as files, in memory."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from book_forecast.payload.contents import table_bytes
from book_forecast.payload.manifest import (
    FORMAT,
    LONGEST_HORIZON,
    MANIFEST,
    PROBABILITIES,
    checksum,
    file_entry,
)


def assemble(
    release: str, tables: Mapping[str, pa.Table], about: Mapping[str, Any]
) -> dict[str, bytes]:
    """Make the files of a payload.

    Args:
        release: Its id.
        tables: By kind, as in `payload.SCHEMAS`; rows ordered by ISBN.
        about: What else the manifest tells: lineage, versions, fingerprints. JSON.

    Returns:
        Contents by file name. The manifest is the last: it is to be written when the others are.
    """
    fixed = {
        "format": FORMAT,
        "release": release,
        "longest_horizon": LONGEST_HORIZON,
        "probabilities": list(PROBABILITIES),
    }
    return _files({**about, **fixed}, {}, tables)


def revise(manifest: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> dict[str, bytes]:
    """Make the files of a payload in which some tables are others.

    Args:
        manifest: Of the payload as it is.
        tables: By kind, those that take the place of its own or are added.

    Returns:
        Contents by file name: the new tables and a manifest, the last one.
    """
    return _files(manifest, manifest["files"], tables)


def _files(
    manifest: Mapping[str, Any], entries: Mapping[str, Any], tables: Mapping[str, pa.Table]
) -> dict[str, bytes]:
    files = {}
    entries = dict(entries)
    for kind, table in tables.items():
        name, content = table_bytes(kind, table)
        files[name] = content
        entries[kind] = file_entry(name, content)
    made: dict[str, Any] = {**manifest, "files": entries}
    if "titles" in tables:
        made |= _told(tables["titles"])
    made["checksum"] = checksum(made)
    files[MANIFEST] = json.dumps(made, indent=1).encode()
    return files


def _told(titles: pa.Table) -> dict[str, Any]:
    """What a manifest says of the titles."""

    def of_all(choose: Callable[[list[dt.date]], dt.date], column: str) -> str | None:
        weeks = titles[column].to_pylist()
        return choose(weeks).isoformat() if weeks else None

    return {
        "first_week": of_all(min, "first_week"),
        "trained_until": of_all(max, "trained_until"),
        "cutoff": of_all(max, "cutoff"),
        "titles": titles.num_rows,
        "models": dict(Counter(titles["model"].to_pylist()).most_common()),
        "fallbacks": sum(reason is not None for reason in titles["fallback_reason"].to_pylist()),
    }
