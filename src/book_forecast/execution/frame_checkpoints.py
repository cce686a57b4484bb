"""Checkpoints of frames over all titles, which a run with the same inputs reads.

Each frame is a Parquet file on a local disk, beside the checkpoints of single titles.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from book_forecast.execution.checkpoints import CheckpointFolder
from book_forecast.storage.checked_tables import check_table, write_frame

logger = logging.getLogger(__name__)

_SUFFIX = ".parquet"
_DAY = 24 * 3600.0


def read_or_make(
    checkpoints: CheckpointFolder,
    name: str,
    generation: str,
    label: str,
    make: Callable[[], pd.DataFrame],
) -> pd.DataFrame:
    """Return a frame from its checkpoint, or make it and save it there.

    Frames of other generations that no run has used for a day are removed. A file that cannot be
    read is made anew; one that cannot be written costs a warning alone.

    Args:
        checkpoints: The folder.
        name: Name of the function that makes the frame.
        generation: Fingerprint of everything that decides the frame.
        label: Name of the frame in the log.
        make: Makes the frame, which has a range index; one without rows is not saved.
    """
    found = read(checkpoints, name, generation, label)
    if found is not None:
        logger.info("%s: from the checkpoint", label)
        return found
    made = make()
    save(checkpoints, name, generation, label, made)
    prune(checkpoints, name)
    return made


def read(
    checkpoints: CheckpointFolder, name: str, generation: str, label: str
) -> pd.DataFrame | None:
    """Return a frame from its checkpoint, which then counts as used; None without one."""
    path = _path(checkpoints, name, generation)
    try:
        with path.open("rb") as file:
            check_table(file, path.name)
            found = pd.read_parquet(file, page_checksum_verification=True)
        os.utime(path)
    except FileNotFoundError:
        return None
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a file, it can be made
        logger.warning("%s: the checkpoint %s cannot be read: %s", label, path, error)
        return None
    return found


def save(
    checkpoints: CheckpointFolder, name: str, generation: str, label: str, frame: pd.DataFrame
) -> None:
    """Save a frame that has rows; a file that cannot be written costs a warning alone."""
    if not len(frame):
        return
    try:
        _write(frame, _path(checkpoints, name, generation))
    except OSError as error:
        logger.warning("%s: the checkpoint is not saved: %s", label, error)


def prune(checkpoints: CheckpointFolder, name: str) -> None:
    """Remove frames of a function that no run has used for a day, unfinished ones too."""
    before = time.time() - _DAY
    for path in (checkpoints.path / name).glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()


def _path(checkpoints: CheckpointFolder, name: str, generation: str) -> Path:
    return checkpoints.path / name / f"{generation}{_SUFFIX}"


def _write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write_frame(frame, temporary, path.name, index=False)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
