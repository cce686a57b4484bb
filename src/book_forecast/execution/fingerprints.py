"""Shards of titles, the parts they write, and the fingerprint that names a generation of parts.

Work on many titles is cut into shards. Each shard writes one part, and parts belong to a
generation: everything made from the same data, options and code. Nothing here knows of files.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import importlib.util
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd

_DIGEST_BYTES = 16


def fingerprint(*things: Any) -> str:
    """Hash frames, options and the like by what they hold.

    The same on every machine, in every process and for every order of a mapping's keys. A frame
    counts with its values, column names, their order and dtypes; its index does not count.

    Args:
        things: Frames, series, arrays, pydantic models, dataclasses, enums, mappings, sequences,
            sets, dates and plain values, nested as you like.

    Returns:
        32 hexadecimal digits.

    Raises:
        TypeError: For a thing whose content cannot be told, such as a function.
    """
    return _digest(things).hex()


def source_fingerprint(*modules: str | ModuleType) -> str:
    """Hash the source text of modules and packages, so that new code never meets old results.

    Args:
        modules: Modules or their dotted names; a package counts with all modules below it.

    Returns:
        32 hexadecimal digits, whatever the folder the code is installed in.

    Raises:
        ModuleNotFoundError: If there is no such module, or none with source text.
    """
    names = sorted({m if isinstance(m, str) else m.__name__ for m in modules})
    return fingerprint({name: _sources(name) for name in names})


@lru_cache(maxsize=64)
def _sources(name: str) -> tuple[tuple[str, str], ...]:
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"no module named {name!r}", name=name)
    if spec.submodule_search_locations is not None:
        folders = [Path(folder) for folder in spec.submodule_search_locations]
        files = [(f.relative_to(d).as_posix(), f) for d in folders for f in d.rglob("*.py")]
    else:
        files = [(Path(spec.origin).name, Path(spec.origin))] if spec.origin else []
    texts = [(key, file.read_text(encoding="utf-8")) for key, file in sorted(files)]
    if not texts:
        raise ModuleNotFoundError(f"module {name!r} has no source text", name=name)
    return tuple(texts)


def _digest(thing: Any) -> bytes:
    """Hash one thing, its kind included so that 1, "1" and [1] differ."""
    hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    kind, chunks = _encode(thing)
    hasher.update(kind.encode() + b"\0")
    for chunk in chunks:
        hasher.update(struct.pack("<Q", memoryview(chunk).nbytes))
        hasher.update(chunk)
    return hasher.digest()


def _encode(thing: Any) -> tuple[str, Iterable[Any]]:
    """Return the kind of a thing and its content as buffers."""
    if isinstance(thing, pd.DataFrame):
        columns = [
            [name, thing.iloc[:, i].reset_index(drop=True)] for i, name in enumerate(thing.columns)
        ]
        return "frame", [_digest(len(thing)), *map(_digest, columns)]
    if isinstance(thing, pd.Series | pd.Index):
        return "column", _encode_column(thing)
    if isinstance(thing, np.ndarray):
        return "array", [_digest(thing.shape), *_encode_column(pd.Series(thing.ravel()))]
    if isinstance(thing, Enum):
        return f"enum {type(thing).__qualname__}", [_digest(thing.value)]
    if hasattr(thing, "model_dump"):
        return "options", [_digest(thing.model_dump(mode="python"))]
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing)}
        return f"dataclass {type(thing).__qualname__}", [_digest(fields)]
    if isinstance(thing, Mapping):
        return "mapping", sorted(_digest(key) + _digest(value) for key, value in thing.items())
    if isinstance(thing, AbstractSet):
        return "set", sorted(map(_digest, thing))
    if isinstance(thing, Sequence) and not isinstance(thing, str | bytes | bytearray):
        return "sequence", [_digest(item) for item in thing]
    return _encode_scalar(thing)


def _encode_column(column: pd.Series | pd.Index) -> list[Any]:
    dtype = column.dtype
    chunks: list[Any] = [str(dtype).encode()]
    if isinstance(dtype, pd.CategoricalDtype):
        codes = np.asarray(column.array.codes, dtype="<i8")
        return [*chunks, _digest(dtype.ordered), _digest(dtype.categories), codes]
    if isinstance(dtype, pd.StringDtype):
        # Distinct values once, as the same ISBN stands in hundreds of rows.
        codes, distinct = pd.factorize(column)
        return [*chunks, codes.astype("<i8"), *(str(value).encode() for value in distinct)]
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        # Adding zero turns -0.0 into 0.0, which equals it; NaN has many bit patterns.
        values = np.asarray(column) + 0.0
        values[np.isnan(values)] = np.nan
        return [*chunks, np.ascontiguousarray(values, dtype=dtype.newbyteorder("<"))]
    if isinstance(dtype, np.dtype) and dtype.kind in "biuc":
        return [
            *chunks,
            np.ascontiguousarray(np.asarray(column), dtype=dtype.newbyteorder("<")),
        ]
    if isinstance(dtype, np.dtype) and dtype.kind in "mM":
        return [*chunks, np.ascontiguousarray(np.asarray(column).view("i8"), dtype="<i8")]
    return [*chunks, *(_digest(value) for value in column.astype(object))]


def _encode_scalar(thing: Any) -> tuple[str, list[bytes]]:
    if isinstance(thing, np.generic) and not isinstance(thing, np.datetime64 | np.timedelta64):
        thing = thing.item()
    if thing is None or thing is pd.NA or thing is pd.NaT:
        return f"missing {thing}", []
    if isinstance(thing, bool | int):
        return type(thing).__name__, [str(thing).encode()]
    if isinstance(thing, float):
        text = "nan" if math.isnan(thing) else (thing + 0.0).hex()
        return "float", [text.encode()]
    if isinstance(thing, str):
        return "str", [thing.encode("utf-8", "surrogatepass")]
    if isinstance(thing, bytes | bytearray):
        return "bytes", [bytes(thing)]
    if isinstance(thing, np.datetime64 | dt.datetime):
        return "time", [pd.Timestamp(thing).isoformat().encode()]
    if isinstance(thing, np.timedelta64 | dt.timedelta):
        return "duration", [pd.Timedelta(thing).isoformat().encode()]
    if isinstance(thing, dt.date):
        return "date", [thing.isoformat().encode()]
    raise TypeError(f"cannot take a fingerprint of {type(thing).__qualname__}: {thing!r}")
