"""Files on a local disk that several processes write to, one at a time."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)


@contextmanager
def locked(path: Path, patience: float) -> Iterator[IO[bytes]]:
    """Open a file to read and append, for this process alone; create it where there is none.

    The lock ends with the process.

    Args:
        path: The file; its folder is created too.
        patience: Seconds to wait for another process that has it open.

    Yields:
        The open file.

    Raises:
        UserError: If another process has it open for longer.
    """
    deadline = time.monotonic() + patience
    waiting, pause = False, 0.001
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            if try_lock(file) and _still_at(file, path):
                yield file
                return
        if time.monotonic() > deadline:
            raise UserError(
                f"{path} has been in use by another run for more than {patience:.0f} s: "
                "wait for that run or end it, then run again"
            )
        if pause > 0.1 and not waiting:
            waiting = True
            logger.info("Waiting for another process that has %s open", path)
        time.sleep(pause)
        pause = min(2.0 * pause, 0.2)


def try_lock(file: IO[bytes]) -> bool:
    """Lock an open file unless another process has; return whether it is locked now."""
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
