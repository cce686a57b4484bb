"""Fingerprints: what a result depends on, as one short text.

A result is found again by the fingerprint of its data, its options and its code. The code is the
module that computes it, every module of the project that this one imports, directly or not, and
the versions of the installed libraries that any of them imports.
"""

from __future__ import annotations

import ast
import dataclasses
import datetime as dt
import hashlib
import importlib.util
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

_DIGEST_BYTES = 16
_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
_TYPE_CHECKING = ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def fingerprint(*things: Any) -> str:
    """Hash things by their content, the same on every machine and in every process.

    A frame counts with its values, column names, their order and dtypes; its index does not. The
    order of a mapping's keys does not count.

    Args:
        things: Frames, series, arrays, pydantic models, dataclasses, mappings, sequences, sets,
            dates and plain values, nested as you like.

    Returns:
        32 hexadecimal digits.

    Raises:
        TypeError: If there is a thing of any other type.
    """
    return _digest(list(things)).hex()


def _digest(thing: Any) -> bytes:
    hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for chunk in _chunks(thing):
        hasher.update(chunk)
    return hasher.digest()


def _chunks(thing: Any) -> Iterator[bytes]:
    """Yield the kind of a thing, so that 1, "1" and [1] differ, then its content."""
    if isinstance(thing, pd.DataFrame):
        yield f"frame {len(thing)}".encode()
        for position, name in enumerate(thing.columns):
            yield _digest(str(name)) + _digest(thing.iloc[:, position])
    elif isinstance(thing, pd.Series | pd.Index):
        column = pd.Series(thing)
        yield f"column {column.dtype} {len(column)}".encode()
        yield pd.util.hash_pandas_object(column, index=False).to_numpy("<u8").tobytes()
    elif isinstance(thing, np.ndarray):
        yield f"array {thing.shape}".encode() + _values(thing)
    elif isinstance(thing, BaseModel):
        yield b"options" + _digest(thing.model_dump(mode="python"))
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        fields = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
        yield type(thing).__qualname__.encode() + _digest(fields)
    elif isinstance(thing, Mapping):
        yield b"mapping"
        yield from sorted(_digest(key) + _digest(value) for key, value in thing.items())
    elif isinstance(thing, AbstractSet):
        yield b"set"
        yield from sorted(map(_digest, thing))
    elif isinstance(thing, Sequence) and not isinstance(thing, str | bytes):
        yield b"sequence"
        yield from map(_digest, thing)
    else:
        yield _scalar(thing)


def _values(array: np.ndarray) -> bytes:
    if array.dtype.kind not in "biuf":
        return _digest(pd.Series(array.ravel()))
    # Each title has small arrays: making a series of one costs more than its hash.
    numbers = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return f"numbers {array.dtype.str[1:]}".encode() + numbers.tobytes()


def _scalar(thing: Any) -> bytes:
    if isinstance(thing, np.datetime64 | dt.date):
        return f"time {pd.Timestamp(thing).isoformat()}".encode()
    if isinstance(thing, np.generic):
        thing = thing.item()
    if thing is not None and not isinstance(thing, str | bytes | bool | int | float):
        raise TypeError(f"cannot take a fingerprint of {type(thing).__qualname__}: {thing!r}")
    return f"{type(thing).__name__} {thing!r}".encode()


@lru_cache(maxsize=64)
def code_fingerprint(module: str) -> str:
    """Hash the code that a module's results depend on.

    Args:
        module: Dotted name of a module of a package that is not installed as a library.

    Returns:
        The fingerprint of its import closure and of the libraries' versions.
    """
    sources, libraries = import_closure(module)
    texts = {name: path.read_text(encoding="utf-8") for name, path in sources.items()}
    return fingerprint(texts, _versions(libraries))


def import_closure(module: str) -> tuple[dict[str, Path], set[str]]:
    """Find the modules that a module imports, directly or through others of its own package.

    Imports within functions count, those for type checkers alone do not. The packages around a
    module count only where something is imported from themselves.

    Args:
        module: Dotted name.

    Returns:
        Source files by module, the given one among them, and the top-level names of libraries.

    Raises:
        ModuleNotFoundError: If the module has no source file.
    """
    package = module.partition(".")[0]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module named {package!r}", name=package)
    root = Path(spec.origin).parent
    found: dict[str, Path] = {}
    libraries: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _source(root, name)
        if path is None:
            raise ModuleNotFoundError(f"module {name!r} has no source file", name=name)
        found[name] = path
        is_package = path.name == "__init__.py"
        for target in _imports(name, is_package, path.read_text(encoding="utf-8")):
            ours = target == package or target.startswith(f"{package}.")
            if not ours:
                libraries.add(target.partition(".")[0])
                continue
            # `from package import name` may name a module or something in the package.
            target = target if _source(root, target) else target.rpartition(".")[0]  # noqa: PLW2901
            if target not in found:
                waiting.append(target)
    return found, libraries - sys.stdlib_module_names


@lru_cache(maxsize=4096)
def _source(root: Path, name: str) -> Path | None:
    base = root.parent.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@lru_cache(maxsize=512)
def _imports(name: str, is_package: bool, source: str) -> tuple[str, ...]:
    """Dotted names that a module imports."""
    package = name if is_package else name.rpartition(".")[0]
    found: list[str] = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in _TYPE_CHECKING:
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(parents if node.level else []), *filter(None, [node.module])])
            found += [f"{base}.{alias.name}" for alias in node.names]
        # An import is a statement: expressions, most of the tree, have none.
        waiting.extend(
            child for child in ast.iter_child_nodes(node) if isinstance(child, _STATEMENTS)
        )
    return tuple(found)


def _versions(libraries: AbstractSet[str]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for library in libraries:
        for distribution in _distributions(library):
            found[distribution] = _version(distribution)
    return found


def _distributions(library: str) -> list[str]:
    """The distributions of a top-level import; the usual names first, as a full search is slow."""
    for name in (library, f"python-{library}"):
        try:
            _version(name)
        except PackageNotFoundError:
            continue
        return [name]
    if importlib.util.find_spec(library) is None:
        return []
    return _all_distributions().get(library, [])


@lru_cache(maxsize=512)
def _version(distribution: str) -> str:
    return version(distribution)


@lru_cache(maxsize=1)
def _all_distributions() -> Mapping[str, list[str]]:
    return packages_distributions()
