"""The log of served forecasts: Parquet files, written beside the requests.

A request leaves a copy of its forecast in a queue, which takes microseconds. A thread of its own
writes what waits. A folder that is slow or fails delays no answer: what does not fit into the queue
meanwhile is counted, and `problem` has the cause.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import fsspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from book_forecast.payload.manifest import PROBABILITIES
from book_forecast.releases.challenges import Arm
from book_forecast.serving.problems import Problem, cause_of
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.settings import ServiceSettings
from book_forecast.storage.files import replacing

logger = logging.getLogger(__name__)

QUANTILES = tuple(f"q-{100 * probability:g}" for probability in PROBABILITIES)
"""Columns of the quantiles, by percent."""
_REPEATED = ["isbn", "week", "ahead", "cutoff", "arm", "release", "served"]
"""Columns whose values repeat within a file."""
BATCH = 2000
"""Answers of a file at most."""
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a file that could not be written is tried again; doubles each time."""
_MEASURED_EVERY = 100
"""Files after which the size of the folder is looked up again: other services write there too."""


class Answer(NamedTuple):
    """A forecast as it was served; no caller is known from it.

    Attributes:
        isbn: The title.
        arm: Whose forecast it is.
        release: The same.
        cutoff: Last week that the forecast knew.
        mean: Copies a week, shape (horizon,).
        quantiles: By `PROBABILITIES`, shape (17, horizon).
        when: Seconds since 1970.
    """

    isbn: str
    arm: Arm
    release: str
    cutoff: np.datetime64
    mean: npt.NDArray[np.float32]
    quantiles: npt.NDArray[np.float32]
    when: float


@dataclass
class Counts:
    """What became of the answers.

    Attributes:
        written: Answers in files.
        dropped: Answers that were lost, as the queue or the folder was full.
    """

    written: int = 0
    dropped: int = 0


@dataclass
class ServedLog:
    """Writes served forecasts into a folder, local or on a bucket.

    Attributes:
        location: The folder; a folder a day is made in it.
        seconds: Between two files, where fewer than `BATCH` answers wait.
        most_waiting: Answers in the queue at most.
        most_bytes: Of all files in the folder; more are not written.
        counts: What became of the answers.
        problem: Why not all are written.
    """

    location: str
    seconds: float = 60.0
    most_waiting: int = 20_000
    most_bytes: int = 10_000_000_000
    counts: Counts = field(default_factory=Counts)
    problem: Problem = field(default_factory=Problem)

    def __post_init__(self) -> None:
        """Prepare the queue; nothing is written yet."""
        self._waiting: deque[Answer] = deque()
        self._batch: list[Answer] = []
        self._wake = threading.Event()
        self._is_closing = False
        self._size = 0
        self._n_files = 0
        self._name = ""
        self._failure: str | None = None
        self._own = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._thread = threading.Thread(target=self._run, name="served log", daemon=True)

    @property
    def waiting(self) -> int:
        """How many answers wait."""
        return len(self._waiting) + len(self._batch)

    def start(self) -> None:
        """Write from now on, unless started before."""
        if not self._thread.is_alive():
            self._thread.start()

    def note(self, arm: Arm, served: ServedRelease, isbn: str, horizon: int) -> None:
        """Leave a copy of a forecast in the queue; one that finds it full is counted as dropped."""
        if self.waiting >= self.most_waiting:
            self.counts.dropped += 1
            self._report()
            return
        payload, row = served.reader.payload, served.reader.row(isbn)
        # Copies, because a view would hold the memory of a former release.
        self._waiting.append(
            Answer(
                isbn,
                arm,
                served.release,
                served.reader.cutoff(isbn),
                payload.mean[row, :horizon].copy(),
                payload.quantiles[row, :, :horizon].copy(),
                time.time(),
            )
        )
        if len(self._waiting) >= BATCH:
            self._wake.set()

    def close(self, seconds: float) -> int:
        """Write what waits and end; a second call does nothing.

        Args:
            seconds: Until what cannot be written is given up.

        Returns:
            How many answers are lost.
        """
        if self._is_closing:
            return 0
        self._is_closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        if lost := self.waiting:
            self.counts.dropped += lost
            logger.error(
                "%d served forecasts are lost: %s", lost, self.problem.text or "no time was left"
            )
        return lost

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            if not self._is_closing:
                self._wake.wait(self.seconds)
            self._wake.clear()
            while self._batch or self._waiting:
                if self._write():
                    pause = _FIRST_PAUSE
                    if len(self._waiting) < BATCH and not self._is_closing:
                        break  # or what comes while a file is written would be a small file each
                    continue
                # While the service ends it is tried again soon; `close` ends the waiting.
                time.sleep(0.2) if self._is_closing else self._wait(pause)
                pause = min(2.0 * pause, _LONGEST_PAUSE)
            if self._is_closing:
                return

    def _wait(self, seconds: float) -> None:
        """Wait, but not while the service ends; the queue may fill meanwhile."""
        until = time.monotonic() + seconds
        while not self._is_closing and time.monotonic() < until:
            time.sleep(min(0.2, max(until - time.monotonic(), 0.0)))

    def _write(self) -> bool:
        """Write a file; if that fails, its answers wait on."""
        if not self._batch:
            # A file that is tried again has the same name: it replaces what the first try left.
            self._name = self._next_name()
        while self._waiting and len(self._batch) < BATCH:
            self._batch.append(self._waiting.popleft())
        try:
            if self._is_full():
                self.counts.dropped += len(self._batch)
                self._batch = []
                text = f"{self.location} has {self.most_bytes:,} bytes or more"
                self.problem.set(f"{text}: remove days of it, or log no more")
                return True
            self._size += self._save(_table(self._batch))
        except Exception as error:  # noqa: BLE001
            # A bucket has many ways to fail; the writer survives them all.
            self._failure = cause_of(error)
            self._report()
            return False
        self.counts.written += len(self._batch)
        self._failure = None
        self.problem.solve()
        self._batch = []
        return True

    def _save(self, table: pa.Table) -> int:
        """Write a table as a new file; it appears as a whole. Return its size."""
        fs, root = fsspec.core.url_to_fs(self.location)
        sink = pa.BufferOutputStream()
        # Texts repeat, numbers do not. Without the schema of Arrow, a reader gets plain texts.
        pq.write_table(
            table,
            sink,
            compression="zstd",
            use_dictionary=_REPEATED,
            store_schema=False,
            write_page_checksum=True,
        )
        content = sink.getvalue()
        with replacing(fs, f"{root}/{self._name}") as file:
            file.write(content)
        return len(content)

    def _next_name(self) -> str:
        now = dt.datetime.now(dt.UTC)
        self._n_files += 1
        return f"{now:%Y-%m-%d}/{now:%H%M%S}-{self._own}-{self._n_files:06d}.parquet"

    def _report(self) -> None:
        why = self._failure or "they come faster than they can be written"
        if self.waiting >= self.most_waiting:
            number = self.most_waiting
            text = f"{number} served forecasts wait to be written, and further ones are dropped"
        else:
            text = "Served forecasts cannot be written"
        self.problem.set(f"{text}: {why}")

    def _is_full(self) -> bool:
        """Whether the folder has no room; once it is full, each look asks again."""
        if self._n_files % _MEASURED_EVERY == 1 or self._size >= self.most_bytes:
            fs, root = fsspec.core.url_to_fs(self.location)
            fs.invalidate_cache(root)
            found = fs.find(root, detail=True).values()
            self._size = sum(int(entry.get("size") or 0) for entry in found)
        return self._size >= self.most_bytes


def _table(answers: Sequence[Answer]) -> pa.Table:
    """Return answers as a table, a row for each week ahead."""
    horizons = [len(answer.mean) for answer in answers]
    rows = np.repeat(np.arange(len(answers)), horizons)
    ahead = np.concatenate([np.arange(1, horizon + 1) for horizon in horizons])
    cutoffs = np.array([answer.cutoff for answer in answers], dtype="datetime64[D]")[rows]
    when = np.array([answer.when for answer in answers])
    quantiles = np.concatenate([answer.quantiles for answer in answers], axis=1)
    moments = (when * 1e6).astype("datetime64[us]")[rows]

    def text(values: Sequence[str]) -> pa.Array:
        codes = pa.array(rows.astype(np.int32))
        return pa.DictionaryArray.from_arrays(codes, pa.array(values))

    columns: dict[str, pa.Array] = {
        "isbn": text([answer.isbn for answer in answers]),
        "week": pa.array((cutoffs + 7 * ahead).astype("datetime64[us]")),
        "ahead": pa.array(ahead.astype(np.int16)),
        "cutoff": pa.array(cutoffs.astype("datetime64[us]")),
        "mean": pa.array(np.concatenate([answer.mean for answer in answers])),
        **{name: pa.array(values) for name, values in zip(QUANTILES, quantiles, strict=True)},
        "arm": text([answer.arm for answer in answers]),
        "release": text([answer.release for answer in answers]),
        "served": pa.array(moments),
    }
    return pa.table(columns)


def log_of(settings: ServiceSettings) -> ServedLog | None:
    """Return the log that the settings ask for; None without one."""
    if settings.log is None:
        return None
    return ServedLog(
        settings.log.rstrip("/"), settings.log_seconds, settings.log_waiting, settings.log_bytes
    )
