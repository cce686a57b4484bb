"""The removal of releases, which is safe at any moment to interrupt and to go on with.

The manifest goes first, into a record in `removed/`: the rest is no release any more, whatever
stops the removal. A release that somebody has promoted meanwhile gets its manifest back. The record
goes last, so that the next removal finds what this one has left.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress

import fsspec

from book_forecast.payload.manifest import MANIFEST
from book_forecast.releases.protection import last_use, made_at
from book_forecast.releases.registry import RegistryError, ReleaseRegistry
from book_forecast.releases.store import RELEASE_ID, ReleaseStore
from book_forecast.storage.disused import Disused, extent_of
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import list_folder, replacing

logger = logging.getLogger(__name__)

FOLDER = "removed"
"""Of the records, in the folder of all releases."""
# Whoever promotes a release looks at its manifest a moment before; all are done by then.
GRACE_SECONDS = 2.0
# A folder without a manifest may be a release that is being written.
_WRITTEN_WITHIN = dt.timedelta(days=1)


class Removals:
    """The releases that are being removed."""

    def __init__(self, releases: str) -> None:
        """Open the records.

        Args:
            releases: Folder of all releases, local or `gs://…`; it need not exist.
        """
        self._fs, root = fsspec.core.url_to_fs(releases)
        self._root = root.rstrip("/")

    def begun(self) -> set[str]:
        """Return the releases whose removal has begun and not ended."""
        return {
            name.removesuffix(".json")
            for name in self._names(f"{self._root}/{FOLDER}")
            if RELEASE_ID.fullmatch(name.removesuffix(".json"))
        }

    def unfinished(self) -> set[str]:
        """Return the folders that hold no release, as nothing has finished to write them."""
        return {
            name
            for name in self._names(self._root)
            if RELEASE_ID.fullmatch(name) and not self._fs.exists(f"{self._root}/{name}/{MANIFEST}")
        }

    def n_bytes(self, release: str) -> int:
        """Return the size of a release's folder."""
        return extent_of(self._fs, f"{self._root}/{release}")[0]

    def begin(self, release: str) -> None:
        """Take a release out of the store; its tables stay."""
        manifest = f"{self._root}/{release}/{MANIFEST}"
        self._fs.invalidate_cache(f"{self._root}/{release}")
        if not self._fs.exists(manifest):
            if release not in self.begun():
                self._write(self._record(release), b"")
            return
        self._write(self._record(release), self._fs.cat_file(manifest))
        self._fs.rm_file(manifest)

    def restore(self, release: str) -> bool:
        """Put a release back into the store, and return whether it still has all of its tables."""
        content = self._fs.cat_file(self._record(release))
        try:
            tables = [str(entry["name"]) for entry in json.loads(content)["files"].values()]
        except (ValueError, TypeError, KeyError, AttributeError):
            return False
        folder = f"{self._root}/{release}"
        if not set(tables) <= set(self._names(folder)):
            return False
        self._write(f"{folder}/{MANIFEST}", content)
        self.end(release)
        return True

    def remove_tables(self, release: str) -> None:
        """Remove what `begin` has left of a release."""
        folder = f"{self._root}/{release}"
        self._fs.invalidate_cache(folder)
        with suppress(FileNotFoundError):
            self._fs.rm(folder, recursive=True)

    def end(self, release: str) -> None:
        """Forget a release."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._record(release))

    def _record(self, release: str) -> str:
        return f"{self._root}/{FOLDER}/{release}.json"

    def _write(self, path: str, content: bytes) -> None:
        with replacing(self._fs, path) as file:
            file.write(content)

    def _names(self, folder: str) -> list[str]:
        return [path.rpartition("/")[2] for path in list_folder(self._fs, folder)]


def disused_releases(
    store: ReleaseStore, protected: Collection[str], now: dt.datetime
) -> list[Disused]:
    """Return the releases that may be removed, the oldest first.

    Args:
        store: The releases.
        protected: Those in use.
        now: In UTC.
    """
    removals, log = Removals(store.root), store.promotions()
    found = dict.fromkeys(store.releases(), "")
    for release in removals.unfinished():
        if now - (made_at(release) or now) > _WRITTEN_WITHIN:
            found[release] = "was never finished"
    found |= dict.fromkeys(removals.begun(), "its removal was interrupted")
    return [
        Disused(release, removals.n_bytes(release), last_use(log, release) or now, why)
        for release, why in sorted(found.items())
        if release not in protected
    ]


def remove_releases(
    store: ReleaseStore,
    registry: ReleaseRegistry,
    releases: Collection[str],
    protected: Callable[[], Mapping[str, str]],
    grace_seconds: float,
) -> Iterator[str]:
    """Remove releases, with their versions in MLflow.

    A version stays, with a warning, while MLflow does not answer; the next removal finds it.

    Args:
        store: The releases.
        registry: MLflow's registry.
        releases: Those to be removed.
        protected: Returns the releases that are in use now, with the reason.
        grace_seconds: Time for those who are promoting a release to finish.

    Yields:
        Each release after its files are removed.

    Raises:
        UserError: If a file cannot be removed; the same command goes on.
    """
    removals = Removals(store.root)
    try:
        for release in releases:
            removals.begin(release)
        if releases:
            time.sleep(grace_seconds)
        spared = protected()
        for release in sorted(removals.begun()):
            # What is damaged already is of no use to anybody.
            if release in spared and removals.restore(release):
                logger.warning("%s stays: %s", release, spared[release])
                continue
            removals.remove_tables(release)
            yield release
            if _unregister(registry, release):
                removals.end(release)
    except OSError as error:
        raise UserError(
            f"{store.root} cannot be changed: {error}. Give the right to remove files there, and "
            "run the command again: it goes on where it stopped."
        ) from error


def _unregister(registry: ReleaseRegistry, release: str) -> bool:
    """Remove a release's version in MLflow, and return whether that is done."""
    try:
        registry.remove(release)
    except RegistryError as error:
        logger.warning(
            "The version of %s stays in MLflow until the next removal: %s", release, error
        )
        return False
    return True
