"""Notices another release and swaps, beside the requests."""

from __future__ import annotations

import dataclasses
import datetime as dt
import gc
import logging
import threading
import time
from collections.abc import Callable

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import PayloadError
from book_forecast.serving.current import Current, Status
from book_forecast.serving.loader import load
from book_forecast.serving.source import NoChampionError, Pointer, Source

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 300.0
"""Seconds until a payload that was refused is read again: from a bucket, all of it is fetched."""


class Watch:
    """Keeps the current release the one that its source names.

    Attributes:
        current: Holds it.
        swaps: How often a release was loaded.
        failures: How often one could not be found or loaded.
        on_swap: Called with each release once it is served.
    """

    def __init__(self, source: Source, poll_seconds: float) -> None:
        self.current = Current()
        self.swaps = 0
        self.failures = 0
        self.on_swap: Callable[[ForecastReader], object] | None = None
        self._announced = 0
        self._source = source
        self._poll_seconds = poll_seconds
        self._refused: Pointer | None = None
        self._pause = 0.0
        self._read_again_at = 0.0
        self._awake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Load the first release and look for others from now on, unless this is done already."""
        if not self._thread.is_alive():
            self._thread.start()

    def wake(self) -> None:
        """Look at once, and read again what was refused."""
        self._read_again_at = 0.0
        self._awake.set()

    def stop(self) -> None:
        """Look no more."""
        self._ended = True
        self._awake.set()
        self._source.close()

    def check(self) -> None:
        """Look once; what goes wrong is told in the status and the log, and the old one stays."""
        try:
            self._tell(self._follow(), logging.WARNING)
        except (PayloadError, NoChampionError) as error:
            self.failures += 1
            self._tell(str(error), logging.ERROR)
        except Exception as error:
            # A bucket has many ways to fail, and none is to end the watch.
            self.failures += 1
            problem = f"{type(error).__name__}: {error}"
            if problem != self.current.status.problem:
                logger.exception("Looking for another release has failed")
            self._tell(problem, logging.ERROR)

    def _run(self) -> None:
        while not self._ended:
            self._awake.clear()
            self.check()
            self._awake.wait(self._poll_seconds)

    def _follow(self) -> str | None:
        """Serve what the source names; what was wrong though it was found."""
        pointer = self._source.newest()
        served = self.current.status
        if (pointer.release, pointer.checksum) != (served.release, served.checksum):
            if pointer == self._refused and time.monotonic() < self._read_again_at:
                return served.problem
            self._read(pointer)
        self._announce()
        return pointer.warning

    def _announce(self) -> None:
        """Tell of a swap, be it one that was made before anybody wanted to be told."""
        answers = self.current.answers
        if self.on_swap is not None and answers is not None and self._announced != self.swaps:
            self._announced = self.swaps
            self.on_swap(answers)

    def _read(self, pointer: Pointer) -> None:
        """Serve a payload; one that is refused again and again is read less and less often."""
        try:
            self._swap(pointer)
        except PayloadError:
            is_known = pointer == self._refused
            self._pause = min(2.0 * self._pause, _LONGEST_PAUSE) if is_known else self._poll_seconds
            self._refused, self._read_again_at = pointer, time.monotonic() + self._pause
            raise
        self._refused = None

    def _swap(self, pointer: Pointer) -> None:
        payload = load(pointer.place, in_a_hurry=self.current.answers is None)
        if payload.release != pointer.release:
            raise PayloadError(f"{pointer.place} holds {payload.release}, not {pointer.release}.")
        answers, before = ForecastReader(payload), self.current.status
        status = Status(
            release=payload.release,
            checksum=str(payload.manifest["checksum"]),
            cutoff=payload.manifest["cutoff"],
            place=pointer.place,
            since=dt.datetime.now(dt.UTC),
            # Only what is still so; it was told already.
            problem=pointer.warning if pointer.warning == before.problem else None,
        )
        self.swaps += 1
        # Requests under way keep the answers they have taken.
        self.current.answers, self.current.status = answers, status
        logger.info("Serving %s from %s after %s", payload.release, pointer.place, before.release)
        # What lives as long as the release need not be looked at by every collection.
        gc.collect()
        gc.freeze()

    def _tell(self, problem: str | None, level: int) -> None:
        if problem != self.current.status.problem:
            # Who sees it in the status finds it in the log.
            if problem is not None:
                logger.log(level, "%s", problem)
            self.current.status = dataclasses.replace(self.current.status, problem=problem)
