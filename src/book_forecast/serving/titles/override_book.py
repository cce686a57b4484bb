"""The overrides that the service knows."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from book_forecast.releases.overrides import LoggedOverride, OverrideLog
from book_forecast.serving.problems import Problem, cause_of


class OverrideBook:
    """The overrides that the service knows, by title; the watch reads the log again.

    Attributes:
        log: Where they are.
        problem: Why newer ones are not known.
    """

    def __init__(self, log: OverrideLog) -> None:
        """Name the log; nothing is read yet."""
        self.log = log
        self._by_isbn: Mapping[str, list[LoggedOverride]] = {}
        self.problem = Problem()
        self._reading = threading.Lock()

    def refresh(self) -> None:
        """Read new entries; if that fails, those before stay, and `problem` has the cause."""
        # Of two threads, the one that has listed fewer entries must not be the last.
        with self._reading:
            try:
                found: dict[str, list[LoggedOverride]] = {}
                for one in self.log.overrides():
                    found.setdefault(one.override.isbn, []).append(one)
                self._by_isbn = found
                self.problem.solve()
            except Exception as error:  # noqa: BLE001
                # A bucket has many ways to fail; forecasts do not depend on overrides.
                where = self.log.location
                self.problem.set(
                    f"The overrides in {where} cannot be read: {cause_of(error)}", error
                )

    def of(self, isbn: str) -> list[LoggedOverride]:
        """Return the overrides of a title that hold, the newest first."""
        return [one for one in reversed(self._by_isbn.get(isbn, [])) if one.withdrawal is None]
