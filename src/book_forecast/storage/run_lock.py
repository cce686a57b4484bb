"""The lock of a data root: one run writes it at a time, and the parts of one run share it.

On a local disk the lock is the operating system's and ends with its process. A bucket has no such
thing: there the lock is an object that its holder renews, and an object that nobody renews is
taken over. Ages are measured by the waiting process, so that no clock can be wrong.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import fsspec
from fsspec.implementations.local import LocalFileSystem

from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

FILE = ".run.lock"
_RENEW_SECONDS = 15.0
_ABANDONED_SECONDS = 90.0
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Holder:
    """A process of a run.

    Attributes:
        run: What the run is, for people.
        token: Shared by the parts of one run; None for a run of a single process.
        process: Its host and process number.
        id: Unique to the process.
    """

    run: str
    token: str | None = None
    process: str = field(default_factory=lambda: f"process {os.getpid()} on {socket.gethostname()}")
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def shares_with(self, other: dict[str, Any]) -> bool:
        """Whether both are parts of one run."""
        return self.token is not None and other.get("token") == self.token


@contextmanager
def run_lock(root: str, holder: Holder, wait_seconds: float) -> Iterator[None]:
    """Hold the lock of a data root.

    Args:
        root: The folder, or an address such as ``gs://bucket/folder``.
        holder: This process.
        wait_seconds: Time to wait for another run.

    Raises:
        UserError: If another run still holds the lock then, or the folder cannot be written.
    """
    fs, path = fsspec.core.url_to_fs(root)
    with ExitStack() as stack:
        if isinstance(fs, LocalFileSystem):
            take = _local(Path(path), holder, stack)
        else:
            lock = _RemoteLock(fs, f"{path.rstrip('/')}/{FILE}", holder)
            stack.callback(lock.release)
            take = lock.take
        _wait(take, root, wait_seconds)
        yield


def _wait(take: Callable[[], dict[str, Any] | None], root: str, wait_seconds: float) -> None:
    """Try until the lock is taken; `take` returns the holder that is in the way."""
    deadline = time.monotonic() + wait_seconds
    announced = False
    while (other := take()) is not None:
        who = f"the run “{other.get('run', 'unknown')}” ({other.get('process', 'unknown')})"
        if time.monotonic() >= deadline:
            raise UserError(
                f"{root} is in use by {who}. Wait until it ends or stop it, then run again; "
                "execution.wait_minutes is the time that a run waits."
            )
        if not announced:
            logger.info("Waiting for %s, which writes %s", who, root)
            announced = True
        time.sleep(_POLL_SECONDS)


def _local(folder: Path, holder: Holder, stack: ExitStack) -> Callable[[], dict[str, Any] | None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = stack.enter_context((folder / FILE).open("a+", encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error}): give the right to write there, or name "
            "another folder with --params data_root=<folder>."
        ) from error

    def take() -> dict[str, Any] | None:
        if _flock(file, fcntl.LOCK_EX):
            file.seek(0)
            file.truncate()
            json.dump(asdict(holder), file)
            file.flush()
            if holder.token is None or _flock(file, fcntl.LOCK_SH):
                return None
        if holder.token is not None and _flock(file, fcntl.LOCK_SH):
            if holder.shares_with(_read(file)):
                return None
            fcntl.flock(file, fcntl.LOCK_UN)
        return _read(file)

    return take


def _flock(file: IO[str], kind: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, kind | fcntl.LOCK_NB)
        return True
    return False


def _read(file: IO[str]) -> dict[str, Any]:
    file.seek(0)
    with suppress(ValueError):
        return dict(json.load(file))
    return {}


class _RemoteLock:
    """An object that its holder renews.

    Every part of a shared run has an object of its own beside it, so that the last part to end
    removes the lock.
    """

    def __init__(self, fs: Any, path: str, holder: Holder) -> None:
        self._fs, self._path, self._holder = fs, path, holder
        self._parts = f"{path}.parts/{quote(holder.token or '', safe='')}"
        self._seen: dict[str, Any] | None = None
        self._seen_at = time.monotonic()
        self._ended = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)

    def take(self) -> dict[str, Any] | None:
        """Take the lock, or return the holder that is in the way."""
        current = self._read()
        if current != self._seen:
            self._seen, self._seen_at = current, time.monotonic()
        if current is None:
            self._write("create")
        elif not self._is_ours(current):
            if time.monotonic() - self._seen_at < _ABANDONED_SECONDS:
                return current
            logger.warning("Taking over the lock %s, which no run has renewed", self._path)
            self._write("overwrite")
            # Of two runs that take it over at once, the second to write has it.
            time.sleep(_POLL_SECONDS)
        if self._holder.token is not None:
            self._fs.pipe_file(f"{self._parts}/{self._holder.id}", b"")
        # Another run may have created the lock at once, or the last other part removed it.
        current = self._read() or {}
        if not self._is_ours(current):
            return current
        self._renewing.start()
        return None

    def release(self) -> None:
        """Remove the lock, unless another part of this run is still at work."""
        self._ended.set()
        if self._renewing.is_alive():
            self._renewing.join()
        try:
            self._remove_ours()
        except OSError as error:
            # The run has done its work, and others take over a lock that nobody renews.
            logger.warning("The lock of the data root is not removed: %s", error)

    def _remove_ours(self) -> None:
        if self._holder.token is not None:
            self._remove(f"{self._parts}/{self._holder.id}")
            self._fs.invalidate_cache()
            if self._fs.find(self._parts):
                return
        if self._is_ours(self._read() or {}):
            self._remove(self._path)

    def _is_ours(self, content: dict[str, Any]) -> bool:
        return content.get("id") == self._holder.id or self._holder.shares_with(content)

    def _read(self) -> dict[str, Any] | None:
        self._fs.invalidate_cache(self._path)
        with suppress(FileNotFoundError, ValueError):
            return dict(json.loads(self._fs.cat_file(self._path)))
        return None

    def _write(self, mode: str) -> None:
        content = {**asdict(self._holder), "renewed": uuid.uuid4().hex}
        with suppress(FileExistsError):
            self._fs.pipe_file(self._path, json.dumps(content).encode(), mode=mode)

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm_file(path)

    def _renew(self) -> None:
        while not self._ended.wait(_RENEW_SECONDS):
            try:
                current = self._read()
                if current is None or self._is_ours(current):
                    self._write("create" if current is None else "overwrite")
            except OSError as error:
                logger.warning("The lock of the data root is not renewed: %s", error)
