"""Keeps the catalogue of the release that is served now."""

from __future__ import annotations

import logging
import threading
import weakref

from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.catalogue import Catalogue
from book_forecast.serving.release_changes import changes_since, promotion_of
from book_forecast.serving.settings import Settings

logger = logging.getLogger(__name__)


class Shelf:
    """The catalogue of the release that is served now, made when it is first asked for."""

    def __init__(self, store: ReleaseStore | None) -> None:
        """Remember where the champion before is.

        Args:
            store: Of all releases; None where only one is known.
        """
        self._store = store
        self._lock = threading.Lock()
        # The answers are large: a release that is no longer served must not be kept from here.
        self._answers: weakref.ref[ForecastReader] | None = None
        self._catalogue: Catalogue | None = None

    def catalogue(self, answers: ForecastReader) -> Catalogue:
        """The titles of a release; its comparison with the one before goes on beside it."""
        with self._lock:
            known = self._answers and self._answers()
            if self._catalogue is None or known is not answers:
                self._catalogue = Catalogue(answers)
                self._answers = weakref.ref(answers)
                if self._store is not None:
                    self._catalogue.comparison = "pending"
                    threading.Thread(
                        target=_compare,
                        args=(self._store, self._catalogue, answers.payload),
                        name="changes",
                        daemon=True,
                    ).start()
            return self._catalogue


def _compare(store: ReleaseStore, catalogue: Catalogue, payload: Payload) -> None:
    """Work out the changes; without them everything else goes on."""
    try:
        catalogue.promotion = promotion_of(store, payload.release)
        changes = changes_since(store, payload, catalogue.promotion)
    except Exception:
        logger.exception("The changes since the champion before cannot be worked out.")
        catalogue.comparison = "failed"
        return
    catalogue.changes = changes
    catalogue.comparison = "none" if changes is None else "ready"


def shelf_of(settings: Settings) -> Shelf:
    """A shelf that knows the store of the settings."""
    return Shelf(ReleaseStore(settings.releases) if settings.releases else None)
