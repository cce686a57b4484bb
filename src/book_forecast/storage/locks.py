"""Exclusive access to local files that several processes append to."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from book_forecast.storage.errors import UserError


@contextmanager
def locked(path: Path, patience: float) -> Iterator[IO[bytes]]:
    """Open a file to read and append, locked for this process; create it if need be.

    The lock ends with the process.

    Args:
        path: The file.
        patience: Seconds to wait for another process.

    Yields:
        The open file.

    Raises:
        UserError: Another process holds the lock for longer.
    """
    deadline = time.monotonic() + patience
    pause = 0.001
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if try_lock(file) and _still_at(file, path):
                yield file
                return
        if time.monotonic() > deadline:
            raise UserError(
                f"{path} has been locked by another run for more than {patience:.0f} s: wait "
                "for that run or stop it, then run again"
            )
        time.sleep(pause)
        pause = min(2.0 * pause, 0.2)


def try_lock(file: IO[bytes]) -> bool:
    """Lock an open file, and return whether no other process holds the lock."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_at(file: IO[bytes], path: Path) -> bool:
    """Return whether the file was not removed between opening and locking it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False
