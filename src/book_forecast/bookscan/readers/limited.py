"""Reading of workbooks and Parquet in a process with limits on memory and time."""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from book_forecast.bookscan.hints import ExportHints
from book_forecast.bookscan.readers.transfer import RowsReceiver
from book_forecast.bookscan.rows import RawRows
from book_forecast.storage.errors import UserError
from book_forecast.storage.limited_process import (
    LimitedProcess,
    OutOfMemoryError,
    OutOfTimeError,
    WorkerError,
)

logger = logging.getLogger(__name__)

# A workbook of a million rows and 60 MB takes 1 GB and 10 s.
_MEMORY = 2 << 30
_MEMORY_PER_BYTE = 40
_SHARE_OF_MACHINE = 0.8
_SECONDS = 60.0
_SECONDS_PER_BYTE = 2e-6
_WORKER = "book_forecast.bookscan.readers.worker"


class LimitedReader:
    """Reads files one after the other in one process, which starts with the first of them.

    Files that are read at the same time have a process each.
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self._idle: list[LimitedProcess] = []

    def read_parquet(self, path: Path, name: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read a Parquet export as `parquet_reader.read_parquet` does, within limits.

        Raises:
            UserError: As there, or the file exceeds the limits.
        """
        try:
            yield from self._read("parquet", path, name, hints)
        except OutOfMemoryError:
            raise _too_large(path, name, "very long texts") from None

    def read_workbook(self, path: Path, name: str, hints: ExportHints) -> Iterator[RawRows]:
        """Read a workbook as `workbook_reader.read_workbook` does, within limits.

        A sheet with a stray cell far from its table needs too much memory; it is then read cell by
        cell, which is slower.

        Raises:
            UserError: As there, or the file exceeds the limits.
        """
        parts = 0
        try:
            for raw in self._read("workbook", path, name, hints):
                parts += 1
                yield raw
        except OutOfMemoryError:
            logger.info("Read %.80s again cell by cell: it needs too much memory at once", name)
            yield from self._read_streamed(path, name, hints, parts)

    def _read_streamed(
        self, path: Path, name: str, hints: ExportHints, known: int
    ) -> Iterator[RawRows]:
        """Read a workbook cell by cell, without the parts that are known already."""
        try:
            yield from islice(self._read("streamed", path, name, hints), known, None)
        except OutOfMemoryError:
            raise _too_large(path, name, "stray cells far from its table") from None

    def close(self) -> None:
        """End the processes that read nothing now."""
        while self._idle:
            self._idle.pop().close()

    def _read(self, kind: str, path: Path, name: str, hints: ExportHints) -> Iterator[RawRows]:
        with path.open("rb"):  # an error of access is that of the file, not of the process
            size = path.stat().st_size
        request = {
            "kind": kind,
            "path": str(path.absolute()),
            "name": name,
            "hints": hints.model_dump(exclude_none=True),
        }
        receive = RowsReceiver()
        seconds = _SECONDS + _SECONDS_PER_BYTE * size
        process = self._idle.pop() if self._idle else LimitedProcess(_WORKER)
        try:
            for content in process.ask(request, _memory_limit(size), seconds):
                yield receive(content)
        except WorkerError as error:
            reason = str(error).strip().rpartition("\n")[2][:200]
            raise UserError(
                f"{name} cannot be read: its reader fails with {reason}. The file may be damaged: "
                "export it again, also as .csv, or remove it from the folder."
            ) from error
        except OutOfTimeError:
            raise UserError(
                f"{name} cannot be read: it takes longer than {seconds:.0f} s, which a file of its"
                " size never needs. Export it again as .csv, or remove it from the folder."
            ) from None
        finally:
            self._idle.append(process)


def _memory_limit(size: int) -> int:
    limit = _MEMORY + _MEMORY_PER_BYTE * size
    with suppress(AttributeError, ValueError, OSError):  # unknown on some systems
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        limit = min(limit, int(machine * _SHARE_OF_MACHINE))
    return limit


def _too_large(path: Path, name: str, cause: str) -> UserError:
    limit = _memory_limit(path.stat().st_size) / (1 << 30)
    return UserError(
        f"{name} cannot be read: it needs more than {limit:.1f} GB of memory, because of {cause} or"
        " because it is damaged. Export it again as .csv, or remove it from the folder."
    )
