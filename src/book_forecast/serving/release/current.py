"""The release that is served, and what is derived from it."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from dataclasses import dataclass, field

from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.sums import SumReader
from book_forecast.releases.challenges import CHALLENGER_ARM, Challenge
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.loading.comparison import compare_with_previous, last_promotion
from book_forecast.serving.problems import Problem
from book_forecast.serving.titles.catalogue import Catalogue
from book_forecast.serving.titles.stock import StockAdvice
from book_forecast.serving.titles.totals import TotalReader

logger = logging.getLogger(__name__)


class ServedRelease:
    """A release in memory.

    Attributes:
        reader: Of its forecasts.
        sums: Of sums over weeks and titles.
        totals: Of sums over groups of titles.
        location: The folder that it was read from.
        loaded_at: When, in UTC.
    """

    def __init__(
        self, reader: ForecastReader, location: str, store: ReleaseStore | None = None
    ) -> None:
        """Take a release that was read.

        Args:
            reader: Of its forecasts.
            location: The folder that it was read from.
            store: Of all releases; None if there is nothing to compare the release with.
        """
        self.reader = reader
        self.sums = SumReader(reader.payload)
        self.totals = TotalReader(self.sums)
        self.location = location
        self.loaded_at = dt.datetime.now(dt.UTC)
        self._store = store
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._stock = StockAdvice()

    @property
    def release(self) -> str:
        """The id of the release."""
        return self.reader.payload.release

    @property
    def checksum(self) -> str:
        """The checksum of its manifest."""
        return str(self.reader.payload.manifest["checksum"])

    def catalogue(self) -> Catalogue:
        """Return the titles; the first call indexes them and starts the comparison."""
        with self._lock:
            if self._catalogue is None:
                self._catalogue = Catalogue(self.reader)
                self._catalogue.add_stock(self._stock)
                if self._store is not None:
                    self._catalogue.comparison = "pending"
                    arguments = (self._store, self._catalogue, self.reader.payload)
                    threading.Thread(target=_compare, args=arguments, daemon=True).start()
            return self._catalogue

    @property
    def stock(self) -> StockAdvice:
        """Advice on the stock of titles."""
        return self._stock

    def take_stock(self, stock: StockAdvice) -> None:
        """Take advice on stock, in the place of what there was before."""
        with self._lock:
            self._stock = stock
            if self._catalogue is not None:
                self._catalogue.add_stock(stock)


@dataclass(frozen=True)
class Rival:
    """A challenger in memory, and how titles are split.

    Attributes:
        challenge: Splits the titles.
        served: The challenger.
        titles: Those of its titles that are in its arm; hashed here once, and not at each request.
    """

    challenge: Challenge
    served: ServedRelease
    titles: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Split the titles."""
        arm_of = self.challenge.arm_of
        found = (isbn for isbn in self.served.reader.isbns if arm_of(isbn) == CHALLENGER_ARM)
        object.__setattr__(self, "titles", frozenset(found))


@dataclass
class Current:
    """What the service serves now.

    A request takes `served` once and uses it to its end, whatever comes meanwhile.

    Attributes:
        served: None before a release is loaded.
        problem: Why another release that should be served is not.
        stock_problem: Why newer advice on stock is not used.
        rival: The release that challenges the champion; None without one.
        rival_problem: Why a challenger does not answer.
        rival_loading: The release that challenges the champion and is not in memory yet.
    """

    served: ServedRelease | None = None
    problem: Problem = field(default_factory=Problem)
    stock_problem: Problem = field(default_factory=Problem)
    rival: Rival | None = None
    rival_problem: Problem = field(default_factory=Problem)
    rival_loading: str | None = None

    @property
    def release(self) -> str | None:
        """The id of the release that is served."""
        return self.served.release if self.served else None


def _compare(store: ReleaseStore, catalogue: Catalogue, payload: Payload) -> None:
    """Compare a release with the previous champion; the service works without the result."""
    try:
        catalogue.promotion = last_promotion(store, payload.release)
        changes = compare_with_previous(store, payload, catalogue.promotion)
    except Exception:
        logger.exception("The release cannot be compared with the previous champion.")
        catalogue.comparison = "failed"
        return
    if changes is None:
        catalogue.comparison = "none"
    else:
        catalogue.add_changes(changes)
