"""Files that appear or change as a whole, on a local disk or an object store."""

from __future__ import annotations

import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

# A temporary file without a write for so long belongs to a process that was killed.
ABANDONED_AFTER_SECONDS = 3600.0


@contextmanager
def replacing(
    fs: AbstractFileSystem, path: str, mode: str = "wb", encoding: str | None = None
) -> Iterator[IO[Any]]:
    """Open a temporary file that replaces ``path`` if the block ends without an error.

    On a local disk it is a hidden file in the same folder, which is synced and renamed. Elsewhere
    it is a local temporary file, which is uploaded as one object.

    Args:
        fs: The filesystem of ``path``.
        path: The file to replace or to create, and its folder if need be.
        mode: ``wb`` or ``w``.
        encoding: Of text; UTF-8 if not given.

    Yields:
        The open file.
    """
    encoding = None if "b" in mode else (encoding or "utf-8")
    if isinstance(fs, LocalFileSystem):
        # A symbolic link stays; its target is replaced.
        target = Path(os.path.realpath(path))
        with _renamed_to(target, mode, encoding) as file:
            yield file
    else:
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, "content")
            with local.open(mode, encoding=encoding) as file:
                yield file
            fs.put_file(str(local), path)
    fs.invalidate_cache(path)
    fs.invalidate_cache(path.rpartition("/")[0])


def create_file(fs: AbstractFileSystem, path: str, content: bytes) -> None:
    """Create a file with all of its content, and its folder if need be.

    Raises:
        FileExistsError: If there is one; it is unchanged.
    """
    if isinstance(fs, LocalFileSystem):
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        waiting = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            waiting.write_bytes(content)
            target.hardlink_to(waiting)
        finally:
            waiting.unlink(missing_ok=True)
    else:
        with suppress(FileExistsError):
            fs.pipe_file(path, content, mode="create")
        # A request whose response was lost is repeated, and then finds its own file.
        if fs.cat_file(path) != content:
            raise FileExistsError(path)
    fs.invalidate_cache(path.rpartition("/")[0])


def read_start(fs: AbstractFileSystem, path: str, most: int) -> bytes:
    """Read a file that should be small, so that a huge one costs no memory.

    Args:
        fs: The filesystem of ``path``.
        path: The file.
        most: Bytes that are read at most.

    Raises:
        FileNotFoundError: If there is none.
    """
    if isinstance(fs, LocalFileSystem):
        with Path(path).open("rb") as file:
            return file.read(most)
    # A bucket refuses a range that begins behind the end.
    fs.invalidate_cache(path)
    is_small = fs.info(path)["size"] <= most
    content: bytes = fs.cat_file(path) if is_small else fs.cat_file(path, 0, most)
    return content


def list_folder(fs: AbstractFileSystem, path: str) -> list[str]:
    """Return the paths of all that is in a folder; none where there is no folder.

    `find` and `glob` of fsspec find nothing in a folder that may not be read.
    """
    fs.invalidate_cache(path)
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(str(found).rstrip("/") for found in fs.ls(path, detail=False))
    return []


@contextmanager
def _renamed_to(target: Path, mode: str, encoding: str | None) -> Iterator[IO[Any]]:
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    # Readers of a whole folder ignore hidden files.
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open(mode.replace("w", "x"), encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sweep(target: Path) -> None:
    """Remove the temporary files of killed processes."""
    now = time.time()
    for abandoned in target.parent.glob(f".{target.name}.*.tmp"):
        with suppress(FileNotFoundError):
            if now - abandoned.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                abandoned.unlink()


def _sync_folder(folder: Path) -> None:
    """Sync the renaming, if the system can open a folder."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
