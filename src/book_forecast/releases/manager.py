"""What a person does with releases: finds them, promotes one, goes back to an older one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.assembly import with_titles_of
from book_forecast.releases.challenges import CHALLENGER_ARM
from book_forecast.releases.promotion import promote
from book_forecast.releases.promotion_log import Action, ChampionChangedError, Promotion
from book_forecast.releases.publishing import publish
from book_forecast.releases.registry import RegistryError, ReleaseRegistry
from book_forecast.releases.store import CANDIDATE, CHAMPION, ReleaseStore
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReleaseManager:
    """The releases of a data root, and MLflow's registry of them."""

    store: ReleaseStore
    registry: ReleaseRegistry
    project: Path

    def versions(self) -> dict[str, int]:
        """Return versions in MLflow by release; none, with a warning, if it does not answer."""
        try:
            return self.registry.versions()
        except RegistryError as error:
            logger.warning("Versions in MLflow are not shown: %s", error)
            return {}

    def find(self, name: str) -> str:
        """Return the id of a release.

        Args:
            name: An id, the start or the end of one, a version in MLflow, champion, candidate or
                challenger.

        Raises:
            UserError: If no release matches, or several do.
        """
        if name in (CANDIDATE, CHAMPION):
            found = self.store.champion() if name == CHAMPION else self.store.candidate()
            if found is None:
                raise UserError(f"There is no {name} yet: run the train and evaluate pipelines.")
            return found
        if name == CHALLENGER_ARM:
            challenge = self.store.challenge()
            if challenge is None:
                raise UserError(
                    "No release challenges the champion: `kedro release arms` shows it."
                )
            return challenge.release
        known = self.store.releases()
        # The end of an id may consist of digits only, as a version does.
        matches = [release for release in known if release.endswith(f"-{name}")]
        if not matches and name.isdigit():
            matches = self._of_version(int(name))
        elif not matches and name:
            matches = [r for r in known if r.startswith(name) or r.endswith(name)]
        if len(matches) != 1:
            which = "Several releases match" if matches else "No release matches"
            hint = "" if matches else _near(name, known)
            raise UserError(f"{which} {name!r}: {hint}`kedro release list` shows all.")
        return matches[0]

    def _of_version(self, number: int) -> list[str]:
        try:
            versions = self.registry.versions()
        except RegistryError as error:
            raise UserError(f"{error}. Name the release by its id, not by a version.") from error
        return [release for release, version in versions.items() if version == number]

    def read(self, name: str) -> Payload:
        """Read a release.

        Raises:
            UserError: If no release matches, or it is damaged.
        """
        try:
            return self.store.read(self.find(name))
        except PayloadError as error:
            raise UserError(str(error)) from error

    def promote(self, release: str, action: Action, why: str) -> Promotion:
        """Make a release champion.

        Raises:
            UserError: If somebody else changes the champion at the same time, or the release is
                damaged.
        """
        before = self.store.champion()
        try:
            return promote(
                self.store, self.registry, release, action=action, why=why, before=before
            )
        except (ChampionChangedError, PayloadError) as error:
            raise UserError(str(error)) from error

    def former_champion(self) -> str:
        """Return the champion before the present one; champions rolled back from do not count.

        Raises:
            UserError: If there was none, or it was removed.
        """
        line: list[str] = []
        for record in self.store.promotions():
            while record.action == "rollback" and record.release in line:
                if line[-1] == record.release:
                    break
                line.pop()
            if not line or line[-1] != record.release:
                line.append(record.release)
        if len(line) < 2:
            raise UserError("There is no former champion to go back to.")
        if not self.store.has(line[-2]):
            raise UserError(
                f"The former champion {line[-2]} was removed: name a release that "
                "`kedro release list` shows."
            )
        return line[-2]

    def roll_back_titles(self, older: str, isbns: Sequence[str], why: str) -> Promotion:
        """Promote a new release: the champion, with some titles of an older release.

        Raises:
            UserError: If either release lacks a title.
        """
        payload = with_titles_of(self.read(CHAMPION), self.read(older), isbns)
        self.store.save(payload)
        publish(self.store, self.registry, payload.release, self.project)
        return self.promote(payload.release, "rollback", why)


def _near(name: str, releases: Sequence[str]) -> str:
    near = get_close_matches(
        name, [CANDIDATE, CHAMPION, CHALLENGER_ARM, *releases], n=1, cutoff=0.7
    )
    return f"did you mean {near[0]}? " if near else ""
