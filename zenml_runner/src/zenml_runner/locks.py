"""Locks between processes: on this machine, or on all machines that share a ZenML server."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# A process that holds a lock for so long was killed.
TIMEOUT_SECONDS = 60.0


@contextmanager
def machine_lock(folder: Path) -> Iterator[None]:
    """Hold a lock on a folder among the processes of this machine.

    Args:
        folder: Created if it does not exist; the lock is a file in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "zenml_runner.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def zenml_lock(name: str, timeout: float = TIMEOUT_SECONDS) -> Iterator[None]:
    """Hold a lock among all processes with the same ZenML server.

    The lock is a ZenML tag: tags have unique names, so one process alone can create it.

    Args:
        name: Of the lock.
        timeout: Seconds after which the holder counts as dead and its lock is removed.
    """
    from zenml.client import Client
    from zenml.exceptions import EntityExistsError

    client, tag = Client(), f"lock:{name}"
    deadline = time.monotonic() + timeout
    while True:
        try:
            client.create_tag(tag)
            break
        except EntityExistsError:
            if time.monotonic() > deadline:
                logger.warning("Removing the lock %s, held for %.0f s", name, timeout)
                deadline = time.monotonic() + timeout
                with suppress(KeyError):
                    client.delete_tag(tag)
            else:
                time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        with suppress(KeyError):
            client.delete_tag(tag)
