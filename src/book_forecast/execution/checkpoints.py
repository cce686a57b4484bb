"""Checkpoints: finished results of single titles on a local disk, from which a run resumes.

A file holds the results of one function and generation: a line per title, its ISBN, a checksum and
the result as JSON. The process that finishes a title writes the line before it starts the next
title. A line that a kill has torn, or that has changed since, is ignored, so that its title is
computed again. Floats are restored bit for bit.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import math
import re
import struct
import time
import zlib
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from book_forecast.storage.errors import UserError
from book_forecast.storage.locks import locked, try_lock

logger = logging.getLogger(__name__)

_SUFFIX = ".results"
_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
_DAY = 24 * 3600.0
_PATIENCE = 30.0


@dataclass(frozen=True)
class Checkpoint:
    """Results of one function and generation; worker processes get a copy.

    Attributes:
        path: The file; the first result creates it.
        kinds: Dataclasses that results consist of, beside plain data and arrays.
        is_final: Tells whether another run would find the same result; others are not saved.
    """

    path: Path
    kinds: tuple[type, ...] = ()
    is_final: Callable[[Any], bool] | None = None

    def save(self, isbn: str, result: Any) -> None:
        """Save the result of a title; a file that cannot be written costs a warning alone."""
        if self.is_final is not None and not self.is_final(result):
            return
        # In a list, no torn line can be read as another value.
        text = json.dumps([_plain(result, self.kinds)], separators=(",", ":"), allow_nan=False)
        try:
            with locked(self.path, _PATIENCE) as file:
                line = f"{isbn} {_checksum(text.encode())} {text}\n"
                file.write(b"\n" * _is_torn(file) + line.encode())
        except (OSError, UserError) as error:
            logger.warning("The checkpoint of %s is not saved: %s", isbn, error)

    def load(self, isbns: Collection[str]) -> dict[str, Any]:
        """Return the results of the finished titles among these, by ISBN."""
        wanted = {isbn.encode() for isbn in isbns}
        kinds = {kind.__name__: kind for kind in self.kinds}
        found = {}
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            for line in file:
                isbn, _, rest = line.partition(b" ")
                checksum, _, text = rest.rstrip(b"\n").partition(b" ")
                if isbn in wanted and checksum.decode(errors="replace") == _checksum(text):
                    with suppress(ValueError, LookupError, TypeError, AttributeError):
                        found[isbn.decode()] = _thing(json.loads(text)[0], kinds)
        return found

    def prune(self, older_than: float = _DAY) -> int:
        """Remove the results of other generations of the same function.

        Args:
            older_than: Seconds since the last result; a younger file may be another run's.

        Returns:
            Number of removed files.
        """
        before = time.time() - older_than
        removed = 0
        for path in self.path.parent.glob(f"*{_SUFFIX}"):
            with suppress(FileNotFoundError):
                if path == self.path or path.stat().st_mtime >= before:
                    continue
                with path.open("rb") as file:
                    if try_lock(file):
                        path.unlink()
                        removed += 1
        return removed


@dataclass(frozen=True)
class CheckpointFolder:
    """A local folder of checkpoints.

    Attributes:
        path: The folder; the first result creates it.
    """

    path: Path

    def open(
        self,
        name: str,
        generation: str,
        *kinds: type,
        is_final: Callable[[Any], bool] | None = None,
    ) -> Checkpoint:
        """Return the checkpoint of one function.

        Args:
            name: Name of the function.
            generation: Fingerprint of everything else that decides the results.
            kinds: Dataclasses that the results consist of.
            is_final: Importable; tells whether another run would find the same result.

        Raises:
            ValueError: If a name cannot be part of a file name.
        """
        for part in (name, generation):
            if not _NAME.fullmatch(part):
                raise ValueError(f"{part!r} is no name of a checkpoint")
        return Checkpoint(self.path / name / f"{generation}{_SUFFIX}", kinds, is_final)


def _checksum(content: bytes) -> str:
    return f"{zlib.crc32(content):08x}"


def _is_torn(file: Any) -> bool:
    """Go to the end, and tell whether the last line is incomplete."""
    if file.seek(0, 2) == 0:
        return False
    file.seek(-1, 2)
    return bool(file.read(1) != b"\n")


def _plain(thing: Any, kinds: tuple[type, ...]) -> Any:
    """Convert a thing to JSON; a thing that JSON does not know is an object keyed by its kind."""
    kind = type(thing)
    if thing is None or kind in (str, bool, int):
        return thing
    if kind is float:
        return thing if math.isfinite(thing) else {"float": struct.pack("<d", thing).hex()}
    if kind is list:
        return [_plain(item, kinds) for item in thing]
    if kind is tuple:
        return {"tuple": [_plain(item, kinds) for item in thing]}
    if isinstance(thing, np.generic | np.ndarray) and not thing.dtype.hasobject:
        content = base64.b64encode(thing.tobytes()).decode()
        shape = thing.shape if isinstance(thing, np.ndarray) else None
        return {"array": [thing.dtype.str, shape, content]}
    if isinstance(thing, Mapping):
        return {"mapping": [[_plain(k, kinds), _plain(v, kinds)] for k, v in thing.items()]}
    if kind in kinds:
        fields = dataclasses.fields(thing)
        return {kind.__name__: [_plain(getattr(thing, f.name), kinds) for f in fields]}
    raise TypeError(f"cannot save {kind.__qualname__}: {thing!r}")


def _thing(plain: Any, kinds: Mapping[str, type]) -> Any:
    """The inverse of `_plain`."""
    if isinstance(plain, list):
        return [_thing(item, kinds) for item in plain]
    if not isinstance(plain, dict):
        return plain
    ((kind, content),) = plain.items()
    if kind == "float":
        return struct.unpack("<d", bytes.fromhex(content))[0]
    if kind == "array":
        dtype, shape, text = content
        values = np.frombuffer(base64.b64decode(text), dtype=dtype).copy()
        return values[0] if shape is None else values.reshape(shape)
    if kind == "mapping":
        return {_thing(key, kinds): _thing(value, kinds) for key, value in content}
    items = [_thing(item, kinds) for item in content]
    if kind == "tuple":
        return tuple(items)
    if kind not in kinds:
        raise ValueError(f"no such kind of result: {kind}")
    return kinds[kind](*items)
