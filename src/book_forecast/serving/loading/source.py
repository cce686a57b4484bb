"""Finds the payload to serve."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from book_forecast.payload.manifest import LARGEST_MANIFEST, MANIFEST, PayloadError, read_manifest
from book_forecast.releases.fetching import fetch_payload
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.settings import ServiceSettings
from book_forecast.storage.files import read_start

_IN_MODEL = "artifacts/payload"


class NoChampionError(Exception):
    """The store has no champion yet."""


@dataclass(frozen=True)
class PayloadPointer:
    """Which payload to serve.

    Attributes:
        release: Its id.
        checksum: Of its manifest: a refreshed payload of the same release has another one.
        location: Its folder, local or on a bucket.
    """

    release: str
    checksum: str
    location: str


Source = Callable[[], PayloadPointer]
"""Finds the payload to serve now; raises PayloadError if it is missing or damaged, and
NoChampionError if there is none yet."""


def source_of(settings: ServiceSettings) -> Source:
    """Return the source that the settings name."""
    if settings.storage_uri is not None:
        return partial(_payload_at, settings.storage_uri.rstrip("/"))
    return partial(_champion_of, ReleaseStore(settings.releases or ""))


def _payload_at(uri: str) -> PayloadPointer:
    """Find the payload in the folder of one release, or of an MLflow model with one."""
    fs, path = fsspec.core.url_to_fs(uri)
    fs.invalidate_cache()
    in_model = fs.exists(f"{path}/{_IN_MODEL}/{MANIFEST}")
    location = f"{uri}/{_IN_MODEL}" if in_model else uri
    manifest = _manifest_at(location)
    return PayloadPointer(str(manifest["release"]), str(manifest["checksum"]), location)


def _champion_of(store: ReleaseStore) -> PayloadPointer:
    release = store.champion()
    if release is None:
        raise NoChampionError(f"No release in {store.root} was made champion yet.")
    return PayloadPointer(
        release, str(store.manifest(release)["checksum"]), store.location(release)
    )


@contextmanager
def local_copy(location: str) -> Iterator[Path]:
    """Give a local folder with a payload for as long as the context is open.

    Args:
        location: Of a `PayloadPointer`.

    Yields:
        The folder itself if it is local, or a copy that is removed afterwards.

    Raises:
        PayloadError: If there is no payload.
    """
    fs, path = fsspec.core.url_to_fs(location)
    if isinstance(fs, LocalFileSystem):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="book_forecast-") as folder:
        copy = Path(folder, "payload")
        fetch_payload(fs, path, _manifest_at(location), copy)
        yield copy


def _manifest_at(location: str) -> dict[str, Any]:
    fs, path = fsspec.core.url_to_fs(location)
    with tempfile.TemporaryDirectory() as folder:
        local = Path(folder, MANIFEST)
        try:
            local.write_bytes(read_start(fs, f"{path}/{MANIFEST}", LARGEST_MANIFEST + 1))
            return read_manifest(local)
        except FileNotFoundError:
            raise PayloadError(f"There is no {location}/{MANIFEST}: it holds no release.") from None
        except PayloadError as error:
            raise PayloadError(str(error).replace(str(local), f"{location}/{MANIFEST}")) from None
