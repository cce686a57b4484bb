"""Reads a payload in a process of its own, into memory that it shares with the service.

    python -m book_forecast.serving.loading.loader FOLDER DESCRIPTOR NICENESS

Decompressing a release takes a core for a second and, for a moment, twice its memory. In the
service itself it would delay requests, and the memory would never be given back. A file that
crashes its decoder ends this process and not the service.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from book_forecast.payload.contents import Payload, read_payload
from book_forecast.payload.manifest import PayloadError
from book_forecast.payload.planning import PLANNING
from book_forecast.serving.loading.no_pandas import keep_pandas_out
from book_forecast.serving.loading.source import local_copy

_SECONDS = 600.0
"""Until the process that fetches and reads a payload must have ended."""
_ALIGNMENT = 64
_ROOM = 1 << 29
"""Bytes for libraries and threads, beside those of the payload."""
_NICENESS = 10
"""On two processors, a reader of the same priority would delay requests."""


def load(location: str, is_urgent: bool = False) -> Payload:
    """Read a payload in another process.

    Args:
        location: Its folder, local or on a bucket.
        is_urgent: Whether it has the priority of requests; otherwise it has a lower one.

    Returns:
        The payload; its numbers and tables lie in shared memory, which is freed with it.

    Raises:
        PayloadError: If it cannot be trusted or read, or the process ended otherwise.
    """
    with _memory() as descriptor:
        niceness = 0 if is_urgent else _NICENESS
        command = [sys.executable, "-m", __spec__.name, location, str(descriptor), str(niceness)]
        try:
            done = subprocess.run(  # noqa: S603
                command,
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PayloadError(f"{location} was not read within {_SECONDS:.0f} s.") from None
        return _open(_layout_of(done, location), descriptor)


def _layout_of(done: subprocess.CompletedProcess[bytes], location: str) -> dict[str, Any]:
    """Return the layout of the shared memory that the process has printed, or raise its problem."""
    with suppress(ValueError):
        layout: dict[str, Any] = json.loads(done.stdout)
        if "problem" in layout:
            raise PayloadError(layout["problem"])
        return layout
    how = f"exit code {done.returncode}"
    if done.returncode < 0:
        how = signal.Signals(-done.returncode).name
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    raise PayloadError(f"The process that reads {location} ended with {how}: {last}".rstrip(": "))


def _open(layout: dict[str, Any], descriptor: int) -> Payload:
    """Return the payload in the memory that another process has filled, without a copy."""
    memory = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
    whole = pa.py_buffer(memory)
    parts = {name: whole.slice(start, size) for name, (start, size) in layout["parts"].items()}

    def array(name: str) -> npt.NDArray[np.float32]:
        return np.frombuffer(parts[name], dtype=np.float32).reshape(layout["shapes"][name])

    def table(name: str) -> pa.Table:
        return pa.ipc.open_stream(parts[name]).read_all()

    return Payload(
        manifest=layout["manifest"],
        titles=table("titles"),
        volumes=table("histories")["volumes"],
        mean=array("mean"),
        quantiles=array("quantiles"),
        scores=table("scores") if "scores" in parts else None,
        planning={kind: table(kind) for kind in PLANNING if kind in parts},
    )


def _write(payload: Payload, file: IO[bytes]) -> dict[str, Any]:
    """Fill the memory and return its layout."""
    parts: dict[str, tuple[int, int]] = {}

    @contextmanager
    def part(name: str) -> Iterator[None]:
        file.seek(-file.tell() % _ALIGNMENT, os.SEEK_CUR)
        start = file.tell()
        yield
        parts[name] = (start, file.tell() - start)

    tables = {
        "titles": payload.titles,
        "histories": pa.table({"volumes": payload.volumes}),
        **payload.planning,
    }
    if payload.scores is not None:
        tables["scores"] = payload.scores
    for name, table in tables.items():
        with part(name), pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table)
    arrays = {"mean": payload.mean, "quantiles": payload.quantiles}
    for name, array in arrays.items():
        with part(name):
            file.write(array.data)
    shapes = {name: array.shape for name, array in arrays.items()}
    return {"manifest": dict(payload.manifest), "parts": parts, "shapes": shapes}


def _limit_memory(size: int) -> None:
    """Let this process take so many bytes more, where the system can limit that."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        now = int(Path("/proc/self/statm").read_text().partition(" ")[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = now + size + _ROOM
        resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))


@contextmanager
def _memory() -> Iterator[int]:
    """Give a file without a name, in memory if the system has such files."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("book_forecast")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        yield descriptor
    finally:
        # Mapped memory stays.
        os.close(descriptor)


def main(arguments: Iterable[str]) -> None:
    """Read a payload for the process that has started this one: location, descriptor, niceness."""
    keep_pandas_out()
    location, descriptor, niceness = arguments
    os.nice(int(niceness))
    # Arrow's own allocator does not give back a hundred megabytes.
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        with local_copy(location) as folder, os.fdopen(int(descriptor), "wb") as file:
            try:
                layout = _write(read_payload(folder, limit=_limit_memory), file)
            except PayloadError as error:
                # The reader of the message knows the location, not its copy.
                layout = {"problem": str(error).replace(str(folder), location)}
    except (PayloadError, OSError) as error:
        layout = {"problem": str(error)}
    except MemoryError:
        layout = {"problem": f"{location} takes more memory than it says, or than there is."}
    json.dump(layout, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
