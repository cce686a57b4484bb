"""Optuna's journals on a local disk, one file a study, that survive a kill at any time.

A journal is cut back to the last state in which no trial was at work before it is opened: a line
that a kill has torn and a trial that it has left running are gone as if they had never begun, so
that the run goes on with the same trial number. Studies are taken to run one trial at a time.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from book_forecast.storage.locks import locked, try_lock

logger = logging.getLogger(__name__)

_SUFFIX = ".journal"
_KEY = re.compile(r"\w[\w.-]{0,99}(/\w[\w.-]{0,99})*", re.ASCII)
# Numbers of Optuna's journal format, which it reads back over versions.
_CREATE_TRIAL, _SET_STATE, _RUNNING = 4, 6, 0


class Journal:
    """A journal that is open in this process alone: a backend for Optuna's ``JournalStorage``.

    The file has the format of Optuna's ``JournalFileBackend``. That one locks by a file, which a
    killed process leaves behind for 30 seconds, and forces every record to the disk, which takes
    longer than many a trial and only helps when the power fails.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        file.seek(0)
        self._records: list[dict[str, Any]] = [json.loads(line) for line in file]

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Yield the records from this one on."""
        yield from self._records[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write records to the file."""
        lines = [json.dumps(log, separators=(",", ":")) for log in logs]
        self._file.write("".join(f"{line}\n" for line in lines).encode())
        self._file.flush()
        # Read back, so that a record is the same now and after a restart.
        self._records.extend(json.loads(line) for line in lines)


@dataclass(frozen=True)
class JournalFolder:
    """A local folder of journals.

    Attributes:
        path: The folder; it is made when the first journal is.
        patience: How many seconds to wait for another process that has a journal open.
    """

    path: Path
    patience: float = 300.0

    @contextmanager
    def open(self, key: str) -> Iterator[Journal]:
        """Open the journal of one study, for this process alone.

        Args:
            key: Names the journal: letters, digits, ``_``, ``-``, ``.``, with ``/`` for folders,
                such as ``<fingerprint>/<isbn>``.

        Yields:
            The journal with the trials that were finished, for ``optuna.storages.JournalStorage``
            within the block.

        Raises:
            UserError: If another process keeps the journal open for longer than ``patience``.
            ValueError: If the key is not one.
        """
        path = self._file(key)
        with locked(path, self.patience) as file:
            _cut_back(file, path)
            yield Journal(file)

    def keys(self) -> list[str]:
        """Return the keys of all journals, sorted."""
        files = self.path.rglob(f"*{_SUFFIX}")
        return sorted(f.relative_to(self.path).as_posix().removesuffix(_SUFFIX) for f in files)

    def discard(self, keys: Collection[str]) -> None:
        """Remove journals; those that do not exist or are open are passed over."""
        for key in keys:
            path = self._file(key)
            with suppress(FileNotFoundError), path.open("rb") as file:
                if try_lock(file):
                    path.unlink()
            with suppress(OSError):  # the folder has other journals
                if path.parent != self.path:
                    path.parent.rmdir()

    def prune(self, keep: str, older_than: float = 7 * 24 * 3600.0) -> int:
        """Remove journals of other generations that nobody has written to for a while.

        Args:
            keep: First part of the keys to keep, such as a fingerprint.
            older_than: Age in seconds; younger journals may be another run's.

        Returns:
            How many were removed.
        """
        before = time.time() - older_than
        old = [
            key
            for key in self.keys()
            if key.partition("/")[0] != keep and self._file(key).stat().st_mtime < before
        ]
        self.discard(old)
        if old:
            logger.info("Removed %d journals of earlier generations from %s", len(old), self.path)
        return len(old)

    def _file(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no key of a journal")
        return self.path / f"{key}{_SUFFIX}"


def _cut_back(file: IO[bytes], path: Path) -> None:
    """Cut the journal after the last whole record at which no trial was running."""
    file.seek(0)
    end = good = trials = 0
    running: set[int] = set()
    for line in file:
        try:
            record = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            record = None
        if not isinstance(record, dict):
            break
        end += len(line)
        if record.get("op_code") == _CREATE_TRIAL:
            trial, trials = trials, trials + 1
            _note(running, trial, record.get("state", _RUNNING))
        elif record.get("op_code") == _SET_STATE:
            _note(running, record["trial_id"], record["state"])
        if not running:
            good = end
    size = path.stat().st_size
    if good < size:
        logger.info("Cut %d bytes of an unfinished trial from %s", size - good, path)
        file.truncate(good)


def _note(running: set[int], trial: int, state: int) -> None:
    if state == _RUNNING:
        running.add(trial)
    else:
        running.discard(trial)
