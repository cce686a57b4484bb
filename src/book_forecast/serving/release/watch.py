"""Notices another release and swaps it in, beside the requests."""

from __future__ import annotations

import gc
import logging
import threading
import time

from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.overrides import OverrideLog
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.loading.loader import load
from book_forecast.serving.loading.source import NoChampionError, PayloadPointer, Source, source_of
from book_forecast.serving.problems import cause_of
from book_forecast.serving.release.challenger import ChallengerWatch
from book_forecast.serving.release.current import Current, ServedRelease
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.titles.override_book import OverrideBook
from book_forecast.serving.titles.stock import StockAdvice, StockFile
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 300.0
"""Seconds before a refused payload is read again: from a bucket, all of it is fetched."""


class Watch:
    """Serves the release that its source names.

    Attributes:
        current: What is served.
        swaps: How often a release was loaded.
        failures: How often a release could not be found or loaded.
        overrides: By people.
        challenger: The watch of a release that challenges the champion.
    """

    def __init__(
        self,
        source: Source,
        poll_seconds: float,
        store: ReleaseStore | None = None,
        stock: StockFile | None = None,
        overrides: OverrideBook | None = None,
        challenges: ReleaseStore | None = None,
    ) -> None:
        """Prepare the watch; nothing is read yet.

        Args:
            source: Finds the payload to serve.
            poll_seconds: How often to look for another one.
            store: Where each release is compared with the previous champion; None: nowhere.
            stock: File with advice on stock.
            overrides: By people; None where there is no folder of all releases.
            challenges: Where a release may challenge the champion; None: nowhere.
        """
        self.overrides = overrides
        self.current = Current()
        self.challenger = (
            ChallengerWatch(challenges, self.current, poll_seconds) if challenges else None
        )
        self.swaps = 0
        self.failures = 0
        self._source = source
        self._poll_seconds = poll_seconds
        self._store = store
        self._stock_file = stock
        self._stock = StockAdvice()
        self._refused: PayloadPointer | None = None
        self._pause = 0.0
        self._read_again_at = 0.0
        self._awake = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Load the first release and look for others from now on, unless started before."""
        if not self._thread.is_alive():
            self._thread.start()

    def wake(self) -> None:
        """Look at once, and read again what was refused."""
        self._read_again_at = 0.0
        if self.challenger is not None:
            self.challenger.wake()
        self._awake.set()

    def stop(self) -> None:
        """Stop looking."""
        self._stopped = True
        self._awake.set()

    def check(self) -> None:
        """Look once; if that fails, the old release stays and the problem is logged."""
        try:
            pointer = self._source()
            if self._is_new(pointer):
                if pointer == self._refused and time.monotonic() < self._read_again_at:
                    return
                self._read(pointer)
            self.current.problem.solve()
        except (PayloadError, NoChampionError) as error:
            self.failures += 1
            self.current.problem.set(str(error))
        except Exception as error:  # noqa: BLE001
            # A bucket has many ways to fail; the watch survives them all.
            self.failures += 1
            self.current.problem.set(cause_of(error), error)

    def check_stock(self) -> None:
        """Look once for other advice on stock; if that fails, the old advice stays."""
        if self._stock_file is None:
            return
        try:
            stock = self._stock_file.read_if_new()
        except UserError as error:
            self.current.stock_problem.set(str(error))
            return
        except Exception as error:  # noqa: BLE001
            # As for releases; forecasts do not depend on it.
            self.current.stock_problem.set(cause_of(error), error)
            return
        if stock is None:
            return
        self.current.stock_problem.solve()
        self._stock = stock
        if self.current.served is not None:
            self.current.served.take_stock(stock)
        logger.info("Advice on the stock of %d titles", len(stock))

    def _run(self) -> None:
        while not self._stopped:
            self._awake.clear()
            # First, so that no release is served without the advice that there is.
            self.check_stock()
            self.check()
            if self.challenger is not None:
                self.challenger.check()
            if self.overrides is not None:
                self.overrides.refresh()
            self._awake.wait(self._poll_seconds)

    def _is_new(self, pointer: PayloadPointer) -> bool:
        served = self.current.served
        return served is None or (
            (pointer.release, pointer.checksum) != (served.release, served.checksum)
        )

    def _read(self, pointer: PayloadPointer) -> None:
        """Serve a payload; after each refusal, wait twice as long before reading it again."""
        try:
            self._swap(pointer)
        except PayloadError:
            is_known = pointer == self._refused
            self._pause = min(2.0 * self._pause, _LONGEST_PAUSE) if is_known else self._poll_seconds
            self._refused, self._read_again_at = pointer, time.monotonic() + self._pause
            raise
        self._refused = None

    def _swap(self, pointer: PayloadPointer) -> None:
        location, before = pointer.location, self.current.release
        payload = self._of_challenger(pointer) or load(location, is_urgent=before is None)
        if payload.release != pointer.release:
            raise PayloadError(f"{location} holds {payload.release}, not {pointer.release}.")
        served = ServedRelease(ForecastReader(payload), location, self._store)
        served.take_stock(self._stock)
        self.swaps += 1
        # In this order, nobody sees the new release with the old problem or without its challenger.
        self.current.problem.solve()
        if self.challenger is not None:
            self.challenger.announce(served.release)
        self.current.served = served
        logger.info("Serving %s from %s after %s", payload.release, location, before)
        # Objects that live as long as the release need no look by every collection.
        gc.collect()
        gc.freeze()
        if self._store is not None:
            served.catalogue()
        served.totals.prepare()

    def _of_challenger(self, pointer: PayloadPointer) -> Payload | None:
        """Return the payload of a challenger that has become champion: it is in memory."""
        rival = self.current.rival
        wanted = (pointer.release, pointer.checksum)
        if rival is None or (rival.served.release, rival.served.checksum) != wanted:
            return None
        return rival.served.reader.payload


def watch_of(settings: ServiceSettings) -> Watch:
    """Return a watch that compares releases with the previous champion, if there is a store."""
    store = ReleaseStore(settings.releases) if settings.releases else None
    stock = StockFile(settings.stock) if settings.stock else None
    book = OverrideBook(OverrideLog(settings.releases)) if settings.releases else None
    return Watch(
        source_of(settings), settings.poll_seconds, store, stock, book, challenges_of(settings)
    )


def challenges_of(settings: ServiceSettings) -> ReleaseStore | None:
    """Return where a release may challenge the champion; a release that is named has no rival."""
    if settings.storage_uri is not None or settings.releases is None:
        return None
    return ReleaseStore(settings.releases)
