"""What a person does with releases: names them, looks at them, goes back to an older one."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.partial_rollback import with_titles_of
from book_forecast.releases.promotion import champion_of, crown
from book_forecast.releases.promotion_log import Action, ChampionChangedError, Promotion
from book_forecast.releases.publishing import publish
from book_forecast.releases.registry import Registry, RegistryError
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

CANDIDATE, CHAMPION = "candidate", "champion"


@dataclass(frozen=True)
class ReleaseManager:
    """The releases of a project, and where they are registered."""

    store: ReleaseStore
    registry: Registry
    project: Path

    def versions(self) -> dict[str, int]:
        """Versions in MLflow by release; none, with a warning, where it does not answer."""
        try:
            return self.registry.versions()
        except RegistryError as error:
            logger.warning("What is registered is not known: %s", error)
            return {}

    def champion(self) -> str | None:
        """The champion."""
        return champion_of(self.store, self.registry)

    def find(self, name: str) -> str:
        """The release that somebody means.

        Args:
            name: An id, the start or the end of one, a version in MLflow, champion or candidate.

        Raises:
            UserError: If there is none, or more than one.
        """
        if name in (CANDIDATE, CHAMPION):
            found = self.champion() if name == CHAMPION else self.store.candidate()
            if found is None:
                raise UserError(f"There is no {name} yet: run the train and evaluate pipelines.")
            return found
        known = self.store.releases()
        # The random end of an id may consist of digits alone, as a version does.
        matches = [release for release in known if release.endswith(f"-{name}")]
        if not matches and name.isdigit():
            matches = self._of_version(int(name))
        elif not matches and name:
            matches = [r for r in known if r.startswith(name) or r.endswith(name)]
        if len(matches) != 1:
            which = "Several releases are" if matches else "No release is"
            hint = "" if matches else _near(name, known)
            raise UserError(f"{which} meant by {name!r}: {hint}`kedro release list` shows all.")
        return matches[0]

    def _of_version(self, number: int) -> list[str]:
        try:
            versions = self.registry.versions()
        except RegistryError as error:
            raise UserError(f"{error}. Name the release by its id, not by a version.") from error
        return [release for release, version in versions.items() if version == number]

    def read(self, name: str) -> Payload:
        """A release in memory.

        Raises:
            UserError: If there is none, or it is damaged.
        """
        try:
            return self.store.read(self.find(name))
        except PayloadError as error:
            raise UserError(str(error)) from error

    def promote(self, release: str, action: Action, why: str) -> Promotion:
        """Make a release champion.

        Raises:
            UserError: If somebody else has changed the champion meanwhile, or it is damaged.
        """
        try:
            return crown(
                self.store, self.registry, release, action=action, why=why, before=self.champion()
            )
        except (ChampionChangedError, PayloadError) as error:
            raise UserError(str(error)) from error

    def former_champion(self) -> str:
        """The champion before the present one came, rollbacks undone.

        Raises:
            UserError: If there was none.
        """
        line: list[str] = []
        for release, is_return in self._champions():
            if line and release == line[-1]:
                continue
            while is_return and release in line and line[-1] != release:
                line.pop()
            if not line or line[-1] != release:
                line.append(release)
        if len(line) < 2:
            raise UserError("There is no former champion to go back to.")
        return line[-2]

    def _champions(self) -> Iterator[tuple[str, bool]]:
        """All champions, the first one first, and whether each was gone back to.

        Those that somebody has made champion in MLflow are among them.
        """
        for change in self.store.promotions():
            if change.before is not None:
                yield change.before, False
            yield change.release, change.action == "rollback"
        if (now := self.champion()) is not None:
            yield now, False

    def export(self, release: str, isbns: Sequence[str]) -> dict[str, str]:
        """Log titles in MLflow as statsmodels' results, on the scale of their models.

        Args:
            release: Id.
            isbns: Titles with a SARIMA model.

        Returns:
            MLflow's address of each model, by ISBN.

        Raises:
            UserError: If the release lacks a title, or it has no SARIMA model.
        """
        from book_forecast.releases.export import log_statsmodels

        return log_statsmodels(self.read(release), isbns, self.registry)

    def mend(self, older: str, isbns: Sequence[str], why: str) -> Promotion:
        """Make a new champion that has some titles of an older release.

        Raises:
            UserError: If a title is missing in either release.
        """
        draft = with_titles_of(self.read(CHAMPION), self.read(older), isbns)
        release = publish(self.store, self.registry, draft, self.project, is_candidate=False)
        return self.promote(release, "rollback", why)


def _near(name: str, releases: Sequence[str]) -> str:
    near = get_close_matches(name, [CANDIDATE, CHAMPION, *releases], n=1, cutoff=0.7)
    return f"did you mean {near[0]}? " if near else ""
