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
            take = _remote(fs, f"{path.rstrip('/')}/{FILE}", holder, stack)
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


def _remote(
    fs: Any, path: str, holder: Holder, stack: ExitStack
) -> Callable[[], dict[str, Any] | None]:
    seen: dict[str, Any] = {"content": None, "since": time.monotonic()}

    def read() -> dict[str, Any] | None:
        fs.invalidate_cache(path)
        with suppress(FileNotFoundError, ValueError):
            return dict(json.loads(fs.cat_file(path)))
        return None

    def write(mode: str) -> None:
        content = json.dumps({**asdict(holder), "renewed": uuid.uuid4().hex}).encode()
        with suppress(FileExistsError):
            fs.pipe_file(path, content, mode=mode)

    def take() -> dict[str, Any] | None:
        current = read()
        if current != seen["content"]:
            seen.update(content=current, since=time.monotonic())
        if current is not None and not holder.shares_with(current):
            if time.monotonic() - seen["since"] < _ABANDONED_SECONDS:
                return current
            logger.warning("Taking over the lock %s, which nobody has renewed", path)
            with suppress(FileNotFoundError):
                fs.rm_file(path)
            current = None
        if current is None:
            write("create")
        # Of two that create it at once, one finds the other's.
        current = read() or {}
        if current.get("id") != holder.id and not holder.shares_with(current):
            return current
        stack.callback(_release, fs, path, holder, _renewing(read, write, holder))
        return None

    return take


def _renewing(
    read: Callable[[], dict[str, Any] | None], write: Callable[[str], None], holder: Holder
) -> threading.Event:
    """Renew the object until the event is set; of several parts of a run, any may do it."""
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(_RENEW_SECONDS):
            try:
                current = read()
                if current is None:
                    write("create")
                elif current.get("id") == holder.id:
                    write("overwrite")
            except OSError as error:
                logger.warning("The lock of the data root is not renewed: %s", error)

    threading.Thread(target=renew, daemon=True).start()
    return ended


def _release(fs: Any, path: str, holder: Holder, ended: threading.Event) -> None:
    ended.set()
    fs.invalidate_cache(path)
    with suppress(FileNotFoundError, ValueError):
        if json.loads(fs.cat_file(path)).get("id") == holder.id:
            fs.rm_file(path)
