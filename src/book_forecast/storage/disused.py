"""What nothing needs any more, and could be removed."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass

from fsspec import AbstractFileSystem


@dataclass(frozen=True)
class Disused:
    """Something that nothing needs any more.

    Attributes:
        name: For those who remove it.
        n_bytes: Its size.
        since: When it was made, written or used last, in UTC.
        why: A few words that tell people what it is.
    """

    name: str
    n_bytes: int
    since: dt.datetime
    why: str = ""


def extent_of(fs: AbstractFileSystem, folder: str) -> tuple[int, dt.datetime | None]:
    """Return the bytes in a folder and the time of its newest file; None if it has no file."""
    fs.invalidate_cache(folder)
    total, newest = 0, None
    for path in fs.find(folder):
        # A file may be removed after it was listed.
        with suppress(FileNotFoundError):
            total += int(fs.size(path) or 0)
            written = fs.modified(path)
            newest = written if newest is None else max(newest, written)
    return total, newest
