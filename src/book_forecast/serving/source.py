"""Where the release lies that is to be served."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import fsspec
from fsspec.implementations.local import LocalFileSystem

from book_forecast.payload.manifest import MANIFEST, PayloadError, read_manifest
from book_forecast.releases.fetching import fetch_payload
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.registry import NotYetError, Registry, RegistryError, registry_of
from book_forecast.serving.settings import Settings

_IN_MODEL = "artifacts/payload"


class NoChampionError(Exception):
    """The store is there, but no release was made champion yet."""


@dataclass(frozen=True)
class Pointer:
    """A payload that is to be served.

    Attributes:
        release: Its id.
        checksum: Of its manifest.
        place: The folder it lies in, local or on a bucket.
        warning: What was wrong when it was looked for, though it was found.
    """

    release: str
    checksum: str
    place: str
    warning: str | None = None


class Source(Protocol):
    """Knows which payload is to be served."""

    def newest(self) -> Pointer:
        """The payload to be served now.

        Raises:
            PayloadError: If it is missing or not to be trusted.
            NoChampionError: If there is none yet.
        """

    def close(self) -> None:
        """End what was started to find it."""


class FixedFolder:
    """One folder, whose payload may be refreshed: of a release, or of an MLflow model with one."""

    def __init__(self, uri: str) -> None:
        self._uri = uri.rstrip("/")

    def newest(self) -> Pointer:
        """The payload that is there now."""
        fs, path = fsspec.core.url_to_fs(self._uri)
        fs.invalidate_cache()
        in_model = fs.exists(f"{path}/{_IN_MODEL}/{MANIFEST}")
        place = f"{self._uri}/{_IN_MODEL}" if in_model else self._uri
        manifest = _manifest_at(place)
        return Pointer(str(manifest["release"]), str(manifest["checksum"]), place)

    def close(self) -> None:
        """Nothing was started."""


class Champion:
    """The champion of a store, by the alias of a registry or by the store's own record."""

    def __init__(self, store: ReleaseStore, registry: Registry | None = None) -> None:
        self._store = store
        self._registry = registry

    def newest(self) -> Pointer:
        """The release that is champion now."""
        _, warning = self._ask_registry()
        release = self._store.champion()
        if release is None:
            raise NoChampionError(f"No release in {self._store.root} was made champion yet.")
        manifest = self._store.manifest(release)
        return Pointer(release, str(manifest["checksum"]), self._store.location(release), warning)

    def close(self) -> None:
        """End the process that asks the registry."""
        if self._registry is not None:
            self._registry.close()

    def _ask_registry(self) -> tuple[str | None, str | None]:
        """The champion's id by the registry, and why there is none."""
        if self._registry is None:
            return None, None
        try:
            release = self._registry.champion()
        except NotYetError:
            return None, None
        except RegistryError as error:
            return None, f"{error} The store's own record tells the champion meanwhile."
        if release is None:
            return None, "The registry names no champion: the store's own record does."
        return release, None


def source_of(settings: Settings) -> Source:
    """The source that settings name."""
    if settings.storage_uri is not None:
        return FixedFolder(settings.storage_uri)
    store = ReleaseStore(settings.releases or "")
    return Champion(store, registry_of(settings))


@contextmanager
def local_copy(place: str) -> Iterator[Path]:
    """A local folder with the payload of a place, for as long as it is read.

    Args:
        place: Of a `Pointer`.

    Yields:
        The place itself, or a copy that is removed afterwards.

    Raises:
        PayloadError: If there is no payload.
    """
    fs, path = fsspec.core.url_to_fs(place)
    if isinstance(fs, LocalFileSystem):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="book_forecast-") as folder:
        copy = Path(folder, "payload")
        fetch_payload(fs, path, _manifest_at(place), copy)
        yield copy


def _manifest_at(place: str) -> dict[str, Any]:
    """The manifest in a folder anywhere."""
    fs, path = fsspec.core.url_to_fs(place)
    if isinstance(fs, LocalFileSystem):
        return read_manifest(Path(path, MANIFEST))
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, MANIFEST)
        try:
            local.write_bytes(fs.cat_file(f"{path}/{MANIFEST}"))
        except FileNotFoundError:
            raise PayloadError(f"There is no {place}/{MANIFEST}: it holds no release.") from None
        try:
            return read_manifest(local)
        except PayloadError as error:
            raise PayloadError(str(error).replace(str(local), f"{place}/{MANIFEST}")) from None
