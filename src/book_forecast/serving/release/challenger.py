"""Loads the release that challenges the champion, and drops it when the challenge ends."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.challenges import Challenge
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.loading.loader import load
from book_forecast.serving.problems import cause_of
from book_forecast.serving.release.current import Current, Rival, ServedRelease

logger = logging.getLogger(__name__)

_LONGEST_PAUSE = 300.0
"""Seconds before a challenger that was refused is read again."""


class ChallengerWatch:
    """Holds the challenger in memory as long as the challenge runs.

    Whatever is wrong with it, the champion answers for all titles: a challenger that is missing or
    damaged is dropped, and logged once. While nobody can look up the challenge, nothing changes.

    Attributes:
        swaps: How often a challenger was loaded.
        failures: How often it could not be found or loaded.
    """

    def __init__(self, store: ReleaseStore, current: Current, pause: float) -> None:
        """Prepare the watch; nothing is read yet.

        Args:
            store: Of all releases.
            current: What is served; its rival is set here.
            pause: Seconds before a refused challenger is read again; doubles each time.
        """
        self.swaps = 0
        self.failures = 0
        self._store = store
        self._current = current
        self._first_pause = self._pause = pause
        self._refused: tuple[str, str] | None = None
        self._read_again_at = 0.0

    def wake(self) -> None:
        """Read again at the next look what was refused."""
        self._read_again_at = 0.0

    def announce(self, champion: str) -> None:
        """Name the challenger of a release that is about to be served, until it is looked at.

        What is wrong with the look-up is the next look's to say.
        """
        with suppress(Exception):
            challenge, rival = self._store.challenge(), self._current.rival
            is_loaded = rival is not None and rival.challenge == challenge
            if challenge is not None and challenge.champion == champion and not is_loaded:
                self._current.rival_loading = challenge.release

    def check(self) -> None:
        """Look once."""
        try:
            self._look()
        finally:
            self._current.rival_loading = None

    def _look(self) -> None:
        try:
            challenge = self._store.challenge()
            champion = self._current.release
            if challenge is None or champion is None or challenge.champion != champion:
                self._drop("The challenge has ended")
                self._current.rival_problem.solve()
            else:
                self._serve(challenge)
        except PayloadError as error:
            self.failures += 1
            self._drop(str(error))
            self._current.rival_problem.set(f"The champion answers for all titles: {error}")
        except Exception as error:  # noqa: BLE001
            # A bucket has many ways to fail; the champion does not depend on it.
            self.failures += 1
            self._current.rival_problem.set(cause_of(error), error)

    def _serve(self, challenge: Challenge) -> None:
        checksum = str(self._store.manifest(challenge.release)["checksum"])
        rival = self._current.rival
        if rival is None or (rival.served.release, rival.served.checksum) != (
            challenge.release,
            checksum,
        ):
            if (challenge.release, checksum) == self._refused:
                if time.monotonic() < self._read_again_at:
                    return
            else:
                self._pause = self._first_pause
            self._current.rival_loading = challenge.release
            served = self._load(challenge.release, checksum)
        elif rival.challenge == challenge:
            self._current.rival_problem.solve()
            return
        else:
            served = rival.served
        self._current.rival = Rival(challenge, served)
        self._current.rival_problem.solve()
        logger.info("%s answers for %.1f %% of the titles", served.release, 100 * challenge.share)

    def _load(self, release: str, checksum: str) -> ServedRelease:
        location = self._store.location(release)
        try:
            payload = load(location)
            if payload.release != release:
                raise PayloadError(f"{location} holds {payload.release}, not {release}.")
        except PayloadError:
            self._refused, self._read_again_at = (
                (release, checksum),
                time.monotonic() + self._pause,
            )
            self._pause = min(2.0 * self._pause, _LONGEST_PAUSE)
            raise
        self._refused = None
        self.swaps += 1
        return ServedRelease(ForecastReader(payload), location)

    def _drop(self, why: str) -> None:
        rival = self._current.rival
        if rival is not None:
            self._current.rival = None
            logger.info("%s does not answer any more: %s", rival.served.release, why)
