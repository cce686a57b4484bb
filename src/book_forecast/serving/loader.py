"""Reads payloads in a process of its own, into memory that the service then has too.

    python -m book_forecast.serving.loader FOLDER DESCRIPTOR NICENESS

Decompressing a release takes a core for a second and, for a moment, twice its memory: beside the
requests it would delay them, and the memory would never be given back. A file that brings its
decoder down takes this process along and not the service.
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
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from book_forecast.payload.contents import Payload
from book_forecast.payload.contents import read_payload as read_files
from book_forecast.payload.manifest import PayloadError
from book_forecast.serving.no_pandas import keep_pandas_out
from book_forecast.serving.source import local_copy

_SECONDS = 600.0
"""A payload that takes longer to fetch and read will not be there at all."""
_ALIGNMENT = 64
_NICENESS = 10
"""With two processors, a reader of the same priority would be in the way of requests."""


def load(place: str, in_a_hurry: bool = False) -> Payload:
    """Read a payload in another process.

    Args:
        place: Its folder, local or on a bucket.
        in_a_hurry: Whether nothing is more urgent; otherwise requests are.

    Returns:
        The payload; its numbers and tables lie in memory that is given back with it.

    Raises:
        PayloadError: If it cannot be trusted or read, or the process ended otherwise.
    """
    with _memory() as descriptor:
        niceness = 0 if in_a_hurry else _NICENESS
        command = [sys.executable, "-m", __spec__.name, place, str(descriptor), str(niceness)]
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
            raise PayloadError(f"{place} was not read within {_SECONDS:.0f} s.") from None
        return _open(_said(done, place), descriptor)


def _said(done: subprocess.CompletedProcess[bytes], place: str) -> dict[str, Any]:
    """What the process says, which is either where everything lies or what is wrong."""
    with suppress(ValueError):
        said: dict[str, Any] = json.loads(done.stdout)
        if "problem" in said:
            raise PayloadError(said["problem"])
        return said
    how = f"exit code {done.returncode}"
    if done.returncode < 0:
        how = signal.Signals(-done.returncode).name
    last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    raise PayloadError(f"The process that reads {place} ended with {how}: {last}".rstrip(": "))


def _open(said: dict[str, Any], descriptor: int) -> Payload:
    """The payload in the memory that another process has filled; nothing is copied."""
    memory = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
    whole = pa.py_buffer(memory)
    places = {name: whole.slice(start, size) for name, (start, size) in said["parts"].items()}

    def array(name: str) -> npt.NDArray[np.float32]:
        return np.frombuffer(places[name], dtype=np.float32).reshape(said["shapes"][name])

    def table(name: str) -> pa.Table:
        return pa.ipc.open_stream(places[name]).read_all()

    return Payload(
        manifest=said["manifest"],
        titles=table("titles"),
        volumes=table("histories")["volumes"],
        mean=array("mean"),
        quantiles=array("quantiles"),
        scores=table("scores") if "scores" in places else None,
    )


def _write(payload: Payload, file: IO[bytes]) -> dict[str, Any]:
    """Fill the memory, and tell where everything lies."""
    parts: dict[str, tuple[int, int]] = {}

    @contextmanager
    def part(name: str) -> Iterator[None]:
        file.seek(-file.tell() % _ALIGNMENT, os.SEEK_CUR)
        start = file.tell()
        yield
        parts[name] = (start, file.tell() - start)

    tables = {"titles": payload.titles, "histories": pa.table({"volumes": payload.volumes})}
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


@contextmanager
def _memory() -> Iterator[int]:
    """A file without a name, in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("book_forecast")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        yield descriptor
    finally:
        # What is mapped stays.
        os.close(descriptor)


def main(arguments: Iterable[str]) -> None:
    """Read a payload for the process that has started this one."""
    keep_pandas_out()
    place, descriptor, niceness = arguments
    os.nice(int(niceness))
    # Arrow's own allocator keeps what it was given, a hundred megabytes of it.
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        with local_copy(place) as folder, os.fdopen(int(descriptor), "wb") as file:
            try:
                said = _write(read_files(folder), file)
            except PayloadError as error:
                # People know the place, not its copy.
                said = {"problem": str(error).replace(str(folder), place)}
    except (PayloadError, OSError) as error:
        said = {"problem": str(error)}
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
