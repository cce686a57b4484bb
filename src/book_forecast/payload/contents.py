"""The files of a release: a manifest that names the others with their checksums, and Parquet.

A payload needs no model library to be read, and holds no code. This module imports neither pandas
nor anything else of the project: MLflow stores a copy of it beside each registered payload.

    manifest.json                 what the release is, and its files
    titles-<digest>.parquet       a row a title: names, model, specification, state, cutoff
    histories-<digest>.parquet    the weeks up to the cutoff that the model was estimated on
    distributions-<digest>.parquet    mean and quantiles of the weeks after the cutoff
    scores-<digest>.parquet       errors on the test weeks beside the baseline's; may be missing
    specifications-<digest>.parquet   what is needed to fit a title again; may be missing
    trained_states-<digest>.parquet   states before newer weeks; missing before the first of them

Tables for planners, such as `details`, may be there too (`planning`). Rows are in the order of
`titles`, which is that of the ISBNs; `specifications` and `left_out` have ISBNs themselves.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# Relative, as MLflow stores this folder beside each payload under another name.
from .arrays import Floats
from .manifest import (
    LONGEST_HORIZON,
    MANIFEST,
    PROBABILITIES,
    PayloadError,
    file_entry,
    read_manifest,
)
from .planning import OWN_ROWS, PLANNING
from .sizes import check_names, check_texts, memory_of, with_short_names

Weeks = npt.NDArray[np.datetime64]

_TEXT = pa.string()
_SERIES = pa.list_(pa.float64())
_WEEKS_AHEAD = pa.list_(pa.float32(), LONGEST_HORIZON)
_QUANTILES = pa.list_(pa.float32(), LONGEST_HORIZON * len(PROBABILITIES))
SCHEMAS = {
    "titles": pa.schema(
        {
            **dict.fromkeys(("isbn", "title", "author", "product_class"), _TEXT),
            **dict.fromkeys(("model", "specification", "fallback_reason", "state"), _TEXT),
            "first_week": pa.date32(),
            "trained_until": pa.date32(),
            "cutoff": pa.date32(),
        }
    ),
    "histories": pa.schema({"volumes": _SERIES}),
    "distributions": pa.schema({"mean": _WEEKS_AHEAD, "quantiles": _QUANTILES}),
    "scores": pa.schema(
        {
            name: pa.float64()
            for name in ("wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase")
        }
    ),
    "specifications": pa.schema({"isbn": _TEXT, "specification": _TEXT}),
    "trained_states": pa.schema({"state": _TEXT}),
    **PLANNING,
}
"""Columns of each file. `volumes` ends with the cutoff; null is a missing week.

The model was estimated on the weeks from `first_week` to `trained_until`; those up to the cutoff
were rolled in later. A specification is JSON. A trained state is the one at `trained_until`; null
where it is the present one, `UNKNOWN_STATE` where an older version has not kept it.
"""
UNKNOWN_STATE = ""
_MAY_BE_MISSING = {"scores", "specifications", "trained_states", *PLANNING}
_OWN_ROWS = {"specifications", *OWN_ROWS}
_WHOLE = ("isbn", "model", "state", "first_week", "trained_until", "cutoff")
"""Columns of titles that no forecast can do without."""
_ROW_GROUP = 1000
_FILE_NAME = re.compile(rf"({'|'.join(SCHEMAS)})-[0-9a-f]{{16}}\.parquet")
_HARMLESS = re.compile(r"[\w.:+-]+\.(json|parquet|tmp)")


@dataclass(frozen=True)
class Payload:
    """A release in memory.

    Attributes:
        manifest: What the release is; as `book_forecast.releases.assembly` writes it. Its "files"
            has no entry for a table that was changed in memory.
        titles: Columns as in `SCHEMAS`, n rows.
        volumes: The weeks behind, one array of floats a title; NaN where the week is missing.
        mean: Shape (n, 104), copies a week.
        quantiles: Shape (n, 17, 104), copies a week, by `PROBABILITIES`.
        scores: Columns as in `SCHEMAS`, n rows; None before evaluation.
        specifications: Columns as in `SCHEMAS`; None in releases of older versions.
        trained_states: Columns as in `SCHEMAS`, n rows; None where no newer weeks are rolled in,
            and in releases that an older version has rolled.
        planning: Tables for planners by kind, as far as the release has them.
    """

    manifest: Mapping[str, Any]
    titles: pa.Table
    volumes: pa.ChunkedArray
    mean: Floats
    quantiles: Floats
    scores: pa.Table | None
    specifications: pa.Table | None = None
    trained_states: pa.Table | None = None
    planning: Mapping[str, pa.Table] = field(default_factory=dict)

    @property
    def release(self) -> str:
        """The id of the release."""
        return str(self.manifest["release"])

    def __len__(self) -> int:
        """How many titles there are."""
        return int(self.titles.num_rows)


def read_payload(
    folder: Path, manifest: str = MANIFEST, limit: Callable[[int], None] | None = None
) -> Payload:
    """Read and check a payload.

    Args:
        folder: Where its files are.
        manifest: Name of the manifest in it.
        limit: Called before tables are read, with the bytes that they take at most by what they
            say of themselves.

    Returns:
        The payload, all of it in memory.

    Raises:
        PayloadError: If a file is missing, damaged, of another format or outside of the folder, or
            the folder holds anything but data.
    """
    described = read_manifest(folder / manifest)
    _refuse_code(folder)
    entries = described["files"]
    for kind in SCHEMAS:
        if kind not in entries and kind not in _MAY_BE_MISSING:
            raise PayloadError(f"{folder / manifest} names no file of {kind}.")
    files = {kind: _open_table(folder, kind, entry) for kind, entry in entries.items()}
    rows = files["titles"].metadata.num_rows
    for kind, file in files.items():
        if file.metadata.num_rows != rows and kind not in _OWN_ROWS:
            name = entries[kind]["name"]
            raise PayloadError(f"{name} has {file.metadata.num_rows} rows for {rows} titles.")
    if limit is not None:
        limit(memory_of(files, sum(int(entry["bytes"]) for entry in entries.values())))
    try:
        mean, quantiles = _read_distributions(files.pop("distributions"), rows)
        tables = {kind: file.read() for kind, file in files.items()}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise PayloadError(f"A table in {folder} cannot be read: {error}") from None
    except MemoryError:
        raise PayloadError(
            f"A table in {folder} takes more memory than it says, or than there is."
        ) from None
    for kind, table in tables.items():
        check_names(folder / str(entries[kind]["name"]), table)
    _check_titles(folder / str(entries["titles"]["name"]), tables["titles"])
    _check_histories(folder, tables["titles"], tables["histories"]["volumes"])
    return Payload(
        manifest=described,
        titles=tables["titles"],
        volumes=tables["histories"]["volumes"],
        mean=mean,
        quantiles=quantiles,
        scores=tables.get("scores"),
        specifications=tables.get("specifications"),
        trained_states=tables.get("trained_states"),
        planning={kind: tables[kind] for kind in PLANNING if kind in tables},
    )


def table_bytes(kind: str, table: pa.Table) -> tuple[str, bytes]:
    """Return the name of a table's file, which its content decides, and the content."""
    buffer = pa.BufferOutputStream()
    floats = kind == "distributions"
    pq.write_table(
        with_short_names(table).select(SCHEMAS[kind].names).cast(SCHEMAS[kind]),
        buffer,
        compression="zstd",
        compression_level=6,
        use_dictionary=not floats,
        use_byte_stream_split=floats,
        row_group_size=_ROW_GROUP,
        store_schema=True,
    )
    content = buffer.getvalue().to_pybytes()
    return f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}.parquet", content


def _open_table(folder: Path, kind: str, entry: Mapping[str, Any]) -> pq.ParquetFile:
    """Open a file of the payload, and check its content and columns."""
    name = str(entry.get("name"))
    path = folder / name
    if kind not in SCHEMAS or not _FILE_NAME.fullmatch(name) or not name.startswith(f"{kind}-"):
        raise PayloadError(f"The manifest in {folder} names {name!r} as {kind}: no such file.")
    if path.is_symlink() or path.resolve().parent != folder.resolve():
        raise PayloadError(f"{path} leads out of its folder.")
    try:
        # The size first: what is too large for the manifest is too large to be read.
        is_whole = path.stat().st_size == entry.get("bytes")
        content = path.read_bytes() if is_whole else b""
    except OSError as error:
        raise PayloadError(f"{path} cannot be read: {error}") from None
    if not is_whole or file_entry(name, content) != entry:
        raise PayloadError(f"{path} is damaged: its checksum is not the manifest's.")
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise PayloadError(f"{path} is no Parquet file: {error}") from None
    if not file.schema_arrow.equals(SCHEMAS[kind]):
        raise PayloadError(f"{path} does not have the columns of {kind}.")
    check_texts(path, file)
    return file


def _read_distributions(file: pq.ParquetFile, rows: int) -> tuple[Floats, Floats]:
    """Read mean and quantiles in batches: the whole would be in memory several times."""
    mean = np.empty((rows, LONGEST_HORIZON), dtype=np.float32)
    quantiles = np.empty((rows, len(PROBABILITIES), LONGEST_HORIZON), dtype=np.float32)
    start = 0
    for batch in file.iter_batches(batch_size=_ROW_GROUP, use_threads=False):
        stop = start + batch.num_rows
        for name, into in (("mean", mean), ("quantiles", quantiles)):
            values = batch.column(name).flatten().to_numpy()
            if not np.isfinite(values).all():
                raise ValueError(f"{name} has values that are not finite")
            into[start:stop] = values.reshape(into[start:stop].shape)
        start = stop
    return mean, quantiles


def _check_titles(path: Path, titles: pa.Table) -> None:
    """Check that each title occurs once, with all that a forecast needs."""
    for name in _WHOLE:
        if titles[name].null_count:
            raise PayloadError(f"{path} has titles without {name}.")
    if len(pc.unique(titles["isbn"])) != titles.num_rows:
        raise PayloadError(f"{path} has titles more than once.")


def _check_histories(folder: Path, titles: pa.Table, volumes: pa.ChunkedArray) -> None:
    """Check that each history has a value for every week from the first to the cutoff."""
    days = titles["cutoff"].to_numpy() - titles["first_week"].to_numpy()
    weeks = days.astype("timedelta64[D]").astype(int) // 7 + 1
    if not np.array_equal(pc.fill_null(pc.list_value_length(volumes), -1).to_numpy(), weeks):
        raise PayloadError(f"The histories in {folder} do not end with their titles' cutoffs.")


def _refuse_code(folder: Path) -> None:
    """Refuse a folder with anything but data in it."""
    for path in folder.iterdir():
        if path.is_symlink() or not path.is_file() or not _HARMLESS.fullmatch(path.name):
            raise PayloadError(f"{path} does not belong into a release, which is data alone.")
