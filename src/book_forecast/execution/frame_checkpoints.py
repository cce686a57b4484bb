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
    *,
    is_part: bool = False,
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
        is_part: Whether the frame is one of many, which have a line in the log together.
    """
    path = checkpoints.path / name / f"{generation}{_SUFFIX}"
    try:
        with path.open("rb") as file:
            check_table(file, path.name)
            found = pd.read_parquet(file, page_checksum_verification=True)
        # A frame in use is not an old one.
        os.utime(path)
    except FileNotFoundError:
        pass
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a file, it can be made
        logger.warning("%s: the checkpoint %s cannot be read: %s", label, path, error)
    else:
        logger.log(logging.DEBUG if is_part else logging.INFO, "%s: from the checkpoint", label)
        return found
    made = make()
    if len(made):
        try:
            _write(made, path)
        except OSError as error:
            logger.warning("%s: the checkpoint is not saved: %s", label, error)
        _prune(path)
    return made


def _write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        write_frame(frame, temporary, path.name, index=False)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _prune(path: Path) -> None:
    """Remove frames of the same function that no run has used for a day, unfinished ones too."""
    before = time.time() - _DAY
    for other in path.parent.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if other != path and other.stat().st_mtime < before:
                other.unlink()
