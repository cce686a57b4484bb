"""Replacing a file as a whole, on a local disk or an object store."""

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

# A temporary file that nobody has written to for so long was left by a process that was killed.
ABANDONED_AFTER_SECONDS = 3600.0


@contextmanager
def replacing(
    fs: AbstractFileSystem, path: str, mode: str = "wb", encoding: str | None = None
) -> Iterator[IO[Any]]:
    """Open a file for writing whose content takes the place of ``path`` once it is whole.

    Until the block ends without an error, and for ever if it does not, ``path`` holds what it
    held before. On a local disk the content goes to a hidden file in the same folder, is forced to
    the disk and renamed; elsewhere it goes to a local temporary file and up as one object.

    Args:
        fs: The filesystem ``path`` is on.
        path: The file to replace or to create; its folder is made if need be.
        mode: ``wb`` or ``w``.
        encoding: Of text; UTF-8 if not given.

    Yields:
        The open file.
    """
    encoding = None if "b" in mode else (encoding or "utf-8")
    if isinstance(fs, LocalFileSystem):
        # A link is kept and the file that it points to is replaced.
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


@contextmanager
def _renamed_to(target: Path, mode: str, encoding: str | None) -> Iterator[IO[Any]]:
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    # Hidden, so that readers of a whole folder pass over it.
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
    """Remove what killed processes have left beside the target."""
    now = time.time()
    for litter in target.parent.glob(f".{target.name}.*.tmp"):
        with suppress(FileNotFoundError):
            if now - litter.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                litter.unlink()


def _sync_folder(folder: Path) -> None:
    """Force the renaming itself to the disk, where the system lets a folder be opened."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
