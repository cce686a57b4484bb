"""The catalog's entries for releases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from kedro.io.core import AbstractDataset, DatasetError

from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.promotion_log import is_pinned
from book_forecast.releases.store import CANDIDATE, CHAMPION, CHOSEN, CURRENT, ReleaseStore
from book_forecast.storage.errors import UserError

_POINTERS = (CANDIDATE, CHOSEN, CURRENT)
_Saved = TypeVar("_Saved")
_Loaded = TypeVar("_Loaded")


class BesideReleasesDataset(AbstractDataset[_Saved, _Loaded], Generic[_Saved, _Loaded]):
    """An entry for something in the folder of all releases; it can always be loaded."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Name the folder.

        Args:
            filepath: Root of the store of releases.
            metadata: Not used here; kedro-viz reads it.
        """
        self._filepath = filepath
        self.store = ReleaseStore(filepath)
        self.metadata = metadata

    def _exists(self) -> bool:
        # None or an empty table stands for what does not exist yet.
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


class ReleaseDataset(BesideReleasesDataset[Payload, Payload | None]):
    """A release in the store.

    `candidate`, `chosen` and `current` are the releases that were saved last under these names.
    `champion` and the id of a release can only be loaded; loading gives None where there is no
    champion yet.

    Example:
        ```yaml
        candidate:
          type: book_forecast.datasets.ReleaseDataset
          filepath: "${_root}/06_models/releases"
          release: candidate
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def __init__(
        self, *, filepath: str, release: str = CHAMPION, metadata: dict[str, Any] | None = None
    ) -> None:
        """Name the store and the release.

        Args:
            filepath: Root of the store.
            release: `candidate`, `chosen`, `current`, `champion`, or the id of a release.
            metadata: Not used here; kedro-viz reads it.
        """
        super().__init__(filepath=filepath, metadata=metadata)
        self._wanted = release

    def load(self) -> Payload | None:
        """Read and check the release.

        Raises:
            UserError: If there is no such release, or it cannot be trusted.
        """
        with _damage_explained():
            release: str | None = self._wanted
            if self._wanted in _POINTERS:
                release = self.store.pointer(self._wanted)
            elif self._wanted == CHAMPION:
                release = self.store.champion()
            return None if release is None else self.store.read(release)

    def save(self, data: Payload) -> None:
        """Write what the store does not have of the release, and let the pointer name it.

        Raises:
            DatasetError: If the entry has no pointer.
        """
        if self._wanted not in _POINTERS:
            raise DatasetError(f"{self._wanted} cannot be saved, only {', '.join(_POINTERS)}.")
        if not self._is_repeated(data):
            self.store.save(data)
            self.store.point(self._wanted, data.release)

    def _is_repeated(self, data: Payload) -> bool:
        """Return whether the candidate is made again, as by a step that is tried again."""
        former = self.store.pointer(self._wanted)
        if self._wanted != CANDIDATE or former in (None, data.release):
            return False
        try:
            made_of = self.store.manifest(former).get("fingerprint")
        except PayloadError:
            return False
        return made_of is not None and made_of == data.manifest.get("fingerprint")

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "release": self._wanted}


class ChampionDataset(BesideReleasesDataset[None, str | None]):
    """The id of the champion at the time of loading; None without one. It cannot be saved.

    Example:
        ```yaml
        champion_now:
          type: book_forecast.datasets.ChampionDataset
          filepath: "${_root}/06_models/releases"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def load(self) -> str | None:
        """Read the promotion log.

        Raises:
            UserError: If it is damaged.
        """
        with _damage_explained():
            return self.store.champion()

    def save(self, data: None) -> None:  # noqa: ARG002 - part of the contract
        """Refuse: a release becomes champion by the gates or by `kedro release promote`.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("The champion cannot be saved: `kedro release promote` changes it.")


class PinDataset(BesideReleasesDataset[None, bool]):
    """Whether the champion is pinned at the time of loading. It cannot be saved.

    Example:
        ```yaml
        champion_pinned:
          type: book_forecast.datasets.PinDataset
          filepath: "${_root}/06_models/releases"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def load(self) -> bool:
        """Read the promotion log.

        Raises:
            UserError: If it is damaged.
        """
        with _damage_explained():
            return is_pinned(self.store.promotions())

    def save(self, data: None) -> None:  # noqa: ARG002 - part of the contract
        """Refuse: only a person pins.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("A pin cannot be saved: `kedro release pin` sets it.")


@contextmanager
def _damage_explained() -> Iterator[None]:
    try:
        yield
    except PayloadError as error:
        raise UserError(f"{error} `kedro release list` shows all releases.") from error
