"""Lets one process at a time do something, on this machine or wherever the others are."""

from __future__ import annotations

import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5
# Who holds a lock for so long was killed.
PATIENCE_SECONDS = 60.0


@contextmanager
def only_one_here(folder: Path) -> Iterator[None]:
    """Wait until no other process of this machine is here for the same folder.

    Args:
        folder: Made if it does not exist; a file in it is what is locked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "zenml_runner.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def only_one(name: str, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Wait until no other process is here under the same name.

    ZenML keeps the names of its tags unique: whoever makes the tag goes first.

    Args:
        name: Of what is done.
        patience: Seconds after which a process that does not end is taken to be dead.
    """
    from zenml.client import Client
    from zenml.exceptions import EntityExistsError

    client, tag = Client(), f"lock:{name}"
    patient_until = time.monotonic() + patience
    while True:
        try:
            client.create_tag(tag)
            break
        except EntityExistsError:
            if time.monotonic() > patient_until:
                logger.warning("Somebody has left %s locked; going on", name)
                patient_until = time.monotonic() + patience
                with suppress(KeyError):
                    client.delete_tag(tag)
            else:
                time.sleep(SECONDS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        with suppress(KeyError):
            client.delete_tag(tag)
