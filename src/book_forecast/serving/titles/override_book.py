"""The overrides that the service knows."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from book_forecast.releases.overrides import LoggedOverride, OverrideLog

logger = logging.getLogger(__name__)


class OverrideBook:
    """The overrides that the service knows, by title; the watch reads the log again."""

    def __init__(self, log: OverrideLog) -> None:
        """Name the log; nothing is read yet."""
        self.log = log
        self._by_isbn: Mapping[str, list[LoggedOverride]] = {}
        self._has_failed = False

    def refresh(self) -> None:
        """Read new entries; if that fails, those before stay, and it is logged once."""
        try:
            found: dict[str, list[LoggedOverride]] = {}
            for one in self.log.overrides():
                found.setdefault(one.override.isbn, []).append(one)
            self._by_isbn = found
            self._has_failed = False
        except Exception:
            # A bucket has many ways to fail; forecasts do not depend on overrides.
            if not self._has_failed:
                logger.exception("The overrides in %s cannot be read.", self.log.location)
            self._has_failed = True

    def of(self, isbn: str) -> list[LoggedOverride]:
        """Return the overrides of a title that hold, the newest first."""
        return [one for one in reversed(self._by_isbn.get(isbn, [])) if one.withdrawal is None]
