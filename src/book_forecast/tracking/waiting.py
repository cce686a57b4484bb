"""Logging that waits where MLflow's store goes away in the middle of a run, and comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from book_forecast.storage.mlflow_store import StoreError, make_ready

logger = logging.getLogger(__name__)

Log = Callable[[], None]


class WaitingLog:
    """Logs one thing after the other, in order; what the store does not take waits."""

    def __init__(self, uri: str) -> None:
        """Name the store.

        Args:
            uri: Its URI.
        """
        self._uri = uri
        self._waiting: list[Log] = []

    def now_or_later(self, log: Log) -> None:
        """Log something; where the store has gone, once it answers again.

        Raises:
            StoreError: If the store has gone just now; more waits without a word.
            Exception: Of the logging, where the store answers.
        """
        if self._waiting:
            self._waiting.append(log)
            with suppress(StoreError):
                self.flush()
            return
        try:
            self._try(log)
        except StoreError:
            self._waiting.append(log)
            raise

    def flush(self) -> None:
        """Log what has waited.

        Raises:
            StoreError: If the store does not answer; what is left waits on.
        """
        if not self._waiting:
            return
        make_ready(self._uri)
        while self._waiting:
            try:
                self._try(self._waiting[0])
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - the next things may be logged
                logger.warning("MLflow could not log what has waited for it: %s", error)
            self._waiting.pop(0)

    def _try(self, log: Log) -> None:
        try:
            log()
        except Exception:
            make_ready(self._uri)  # raises if the store has gone
            raise
