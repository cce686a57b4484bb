"""The inner side of a process with limits: it answers requests from its parent.

Requests are lines of JSON. An answer is a sequence of frames: one byte for the kind, eight for the
length, then the content.
"""

import json
import logging
import os
import struct
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, BinaryIO

from book_forecast.storage.errors import UserError

PART, LOG, USER_ERROR, NO_MEMORY, FAILURE, DONE = b"P", b"L", b"E", b"M", b"F", b"D"
HEAD = struct.Struct("<cQ")


def serve(answer: Callable[[dict[str, Any]], Iterable[bytes | memoryview]]) -> None:
    """Answer requests until the parent ends or closes the pipe.

    Args:
        answer: Yields the parts of the answer to a request.
    """
    requests = sys.stdin.buffer
    # Nothing that a library prints may get between the frames.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as frames:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        handler = _Forwarded(frames)
        logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
        with suppress(BrokenPipeError, KeyboardInterrupt):
            for line in requests:
                _answer(json.loads(line), answer, frames)


def _answer(
    request: dict[str, Any],
    answer: Callable[[dict[str, Any]], Iterable[bytes | memoryview]],
    frames: BinaryIO,
) -> None:
    _limit_memory(request["memory"])
    try:
        for part in answer(request["ask"]):
            _send(frames, PART, part)
        _send(frames, DONE, b"")
    except UserError as error:
        _send(frames, USER_ERROR, str(error).encode("utf-8", "replace"))
    except MemoryError:
        _send(frames, NO_MEMORY, b"")
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except BaseException:  # noqa: BLE001 - a panic of a library in Rust is no Exception
        _send(frames, FAILURE, traceback.format_exc().encode("utf-8", "replace"))


def _limit_memory(size: int) -> None:
    """Limit the address space, where the system can; the parent limits the time."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (size if hard < 0 else min(size, hard), hard))


def _send(frames: BinaryIO, kind: bytes, content: bytes | memoryview) -> None:
    frames.write(HEAD.pack(kind, len(content)))
    frames.write(content)
    frames.flush()


class _Forwarded(logging.Handler):
    """Sends records to the parent, which logs them."""

    def __init__(self, frames: BinaryIO) -> None:
        super().__init__()
        self._frames = frames

    def emit(self, record: logging.LogRecord) -> None:
        content = json.dumps([record.name, record.levelno, record.getMessage()])
        _send(self._frames, LOG, content.encode("utf-8", "replace"))
