"""A process with limits on memory and time, for libraries that allocate before one can look."""

import json
import logging
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, Any, cast

from book_forecast.storage.errors import UserError
from book_forecast.storage.limited_worker import (
    DONE,
    FAILURE,
    HEAD,
    LOG,
    NO_MEMORY,
    PART,
    USER_ERROR,
)

# One thread: each more reserves address space, which is what is limited.
_VARIABLES = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_PYTHON_ERROR = 1


class OutOfMemoryError(Exception):
    """The answer takes more memory than allowed."""


class OutOfTimeError(Exception):
    """The answer takes more time than allowed."""


class WorkerError(RuntimeError):
    """The answer failed for a reason that is no error of the user; the message is its trace."""


class LimitedProcess:
    """Runs a module that calls `limited_worker.serve`; starts it when it is first asked.

    The process ends with this object, and with the parent. It answers one request at a time; after
    an answer that was not read to its end the next one comes from a new process.
    """

    def __init__(self, module: str) -> None:
        """Set the module; nothing is started yet."""
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._finalizer: weakref.finalize[..., Any] | None = None

    def __getstate__(self) -> str:
        """Return what a copy in another process needs; it starts a process of its own."""
        return self._module

    def __setstate__(self, module: str) -> None:
        """Restore a copy without a process."""
        self.__init__(module)  # type: ignore[misc]

    def ask(self, request: dict[str, Any], memory: int, seconds: float) -> Iterator[bytes]:
        """Send a request, and yield the parts of its answer as they come.

        Args:
            request: Anything that JSON holds.
            memory: Address space in bytes; systems without such a limit ignore it.
            seconds: Time that the process may take for each part.

        Raises:
            UserError: The answer is one.
            OutOfMemoryError: The process asked for more memory.
            OutOfTimeError: A part took longer.
            WorkerError: The answer failed otherwise.
        """
        process = self._start()
        try:
            yield from _exchange(process, {"ask": request, "memory": memory}, seconds)
        except (UserError, WorkerError):
            raise
        except BaseException:  # the process is dead or within an answer
            self.close()
            raise

    def close(self) -> None:
        """End the process."""
        if self._finalizer is not None:
            self._finalizer()
        self._process = None

    def _start(self) -> subprocess.Popen[bytes]:
        # A fork of this process must not share the pipes.
        process = self._process
        if process is None or self._owner != os.getpid() or process.poll() is not None:
            process = _popen(self._module)
            self._process, self._owner = process, os.getpid()
            self._finalizer = weakref.finalize(self, _end, process, self._owner)
        return process


def _popen(module: str) -> subprocess.Popen[bytes]:
    path = os.pathsep.join(filter(None, sys.path))
    try:
        return subprocess.Popen(  # noqa: S603 - a module of this project
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | _VARIABLES | {"PYTHONPATH": path},
        )
    except OSError as error:
        raise WorkerError(f"a process that cannot start ({error})") from error


def _exchange(
    process: subprocess.Popen[bytes], request: dict[str, Any], seconds: float
) -> Iterator[bytes]:
    requests = cast("IO[bytes]", process.stdin)
    with suppress(BrokenPipeError):  # a process that is dead already shows at the first frame
        requests.write(json.dumps(request).encode() + b"\n")
        requests.flush()
    while True:
        kind, content = _receive(process, seconds)
        if kind == PART:
            yield content
        elif kind == LOG:
            name, level, message = json.loads(content)
            logging.getLogger(name).log(level, "%s", message)
        elif kind == DONE:
            return
        elif kind == USER_ERROR:
            raise UserError(content.decode())
        elif kind == NO_MEMORY:
            raise OutOfMemoryError
        elif kind == FAILURE:
            raise WorkerError(content.decode())


def _receive(process: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, bytes]:
    """Return the next frame; a process that is too slow is killed."""
    frames = cast("IO[bytes]", process.stdout)
    late = threading.Event()

    def kill() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, kill)
    timer.daemon = True
    timer.start()
    try:
        head = frames.read(HEAD.size)
        if len(head) == HEAD.size:
            kind, length = HEAD.unpack(head)
            content = frames.read(length)
            if len(content) == length:
                return kind, content
    finally:
        timer.cancel()
    process.wait()
    if late.is_set():
        raise OutOfTimeError
    if process.returncode == _PYTHON_ERROR:
        raise WorkerError("the process ended by itself; it may lack a module")
    # A library that cannot allocate aborts, and the system kills what takes its last memory.
    raise OutOfMemoryError


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:  # a fork, to which the process does not belong
        return
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
