"""Finished results of single titles on a local disk, so that a run that was killed goes on.

A file holds what one function has found of a generation: a line a title, its ISBN and the result as
JSON, written by whichever process has finished the title before it takes up the next. A line that
a kill has torn is passed over. Floats come back bit for bit.
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
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from book_forecast.execution.fingerprints import fingerprint
from book_forecast.storage.errors import UserError
from book_forecast.storage.locks import locked, try_lock

logger = logging.getLogger(__name__)

_SUFFIX = ".results"
_NAME = re.compile(r"\w[\w.-]{0,99}", re.ASCII)
_DAY = 24 * 3600.0
_PATIENCE = 30.0
# What computes beside the project's own code, of which the generation tells.
_LIBRARIES = ("numpy", "scipy", "numba")


def always(result: object) -> bool:  # noqa: ARG001
    """Every result is worth keeping."""
    return True


@dataclass(frozen=True)
class Keep:
    """Results of one function and generation; goes to worker processes as it is.

    Attributes:
        path: The file; it is made when the first result is kept.
        kinds: Dataclasses that results are made of, beside plain data and arrays.
        worth: Tells whether a result would be the same next time; others are not kept.
    """

    path: Path
    kinds: tuple[type, ...] = ()
    worth: Callable[[Any], bool] = always

    def add(self, isbn: str, result: Any) -> None:
        """Keep the result of a title; what cannot be written costs a warning, not the result."""
        if not self.worth(result):
            return
        # In a list, no torn line can be read as another value.
        text = json.dumps([_plain(result, self.kinds)], separators=(",", ":"), allow_nan=False)
        try:
            with locked(self.path, _PATIENCE) as file:
                file.write(b"\n" * _is_torn(file) + f"{isbn} {text}\n".encode())
        except (OSError, UserError) as error:
            logger.warning("%s is not kept for a run that goes on: %s", isbn, error)

    def find(self, isbns: Collection[str]) -> dict[str, Any]:
        """Return the results of those of the titles that are finished, by ISBN."""
        wanted = {isbn.encode() for isbn in isbns}
        kinds = {kind.__name__: kind for kind in self.kinds}
        found = {}
        with suppress(FileNotFoundError), self.path.open("rb") as file:
            for line in file:
                isbn, _, text = line.partition(b" ")
                if isbn in wanted:
                    with suppress(ValueError):
                        found[isbn.decode()] = _thing(json.loads(text)[0], kinds)
        return found

    def prune(self, older_than: float = _DAY) -> int:
        """Remove what the same function has found of other generations.

        Args:
            older_than: Seconds since the last result; what is younger may be another run's.

        Returns:
            How many files were removed.
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
class KeepFolder:
    """A local folder of finished results.

    Attributes:
        path: The folder; it is made when the first result is kept.
    """

    path: Path

    def keep(
        self, name: str, generation: str, *kinds: type, worth: Callable[[Any], bool] = always
    ) -> Keep:
        """Return the keep of one function.

        Args:
            name: Of the function.
            generation: Fingerprint of everything else that decides the results.
            kinds: Dataclasses that the results are made of.
            worth: Importable; tells whether a result would be the same next time.

        Raises:
            ValueError: If either name cannot be one of a file.
        """
        for part in (name, generation):
            if not _NAME.fullmatch(part):
                raise ValueError(f"{part!r} is no name of a keep")
        file = f"{generation}-{_libraries()[:8]}{_SUFFIX}"
        return Keep(self.path / name / file, kinds, worth)


@lru_cache(maxsize=1)
def _libraries() -> str:
    return fingerprint({name: version(name) for name in _LIBRARIES})


def _is_torn(file: Any) -> bool:
    """Tell whether the last line has no end, and go to the end."""
    if file.seek(0, 2) == 0:
        return False
    file.seek(-1, 2)
    return bool(file.read(1) != b"\n")


def _plain(thing: Any, kinds: tuple[type, ...]) -> Any:
    """A thing as JSON has it; what JSON does not know is an object whose key says what it is."""
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
    raise TypeError(f"cannot keep {kind.__qualname__}: {thing!r}")


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
