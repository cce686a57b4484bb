"""The folder of all releases, on a local disk or a bucket.

    <release>/manifest.json …     a payload; a revised one replaces the manifest
    candidate.json                the release that training made last
    chosen.json, current.json     the release of a run's forecasts, and the one that made the last
    changes/000001.json …         the promotion log: who was made champion, and by whom
    kept/… removed/…              releases that are kept; releases that are being removed
    overrides/000001.json …       overrides by people; see `overrides`
    challenges/000001.json …      which release challenges the champion; see `challenge_log`

The promotion log alone decides who is champion. Releases are also versions of a model in MLflow,
but training and forecasting need this folder only.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Container, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from book_forecast.payload.contents import Payload, read_payload
from book_forecast.payload.manifest import LARGEST_MANIFEST, MANIFEST, PayloadError, read_manifest
from book_forecast.releases.assembly import files_of, revise
from book_forecast.releases.challenge_log import ChallengeLog
from book_forecast.releases.challenges import Challenge, is_running
from book_forecast.releases.fetching import fetch_payload
from book_forecast.releases.promotion_log import ChampionChangedError, Promotion
from book_forecast.storage.cache import cache_folder
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import list_folder, read_start, replacing
from book_forecast.storage.numbered_files import NumberedFiles

RELEASE_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f]{8}")
CANDIDATE, CHAMPION, CHOSEN, CURRENT = "candidate", "champion", "chosen", "current"
"""Names that stand for a release: three pointers, and the last entry of the promotion log."""
_LOG = "changes"
"""Folder of the promotion log."""
_LARGEST_RECORD = 1 << 20
"""Bytes of a pointer or a promotion; a larger one is none, and no more of it is read."""
# Tables that no manifest names may belong to a payload that is being written.
_SPARED = timedelta(hours=1)


class ReleaseStore:
    """The releases of a data root, and the promotion log."""

    def __init__(self, root: str) -> None:
        """Open a store.

        Args:
            root: A folder, or `gs://bucket/folder`; it need not exist.
        """
        self.root = root.rstrip("/")
        self._fs, self._path = fsspec.core.url_to_fs(self.root)
        self.challenges = ChallengeLog(self.root)
        self._log = NumberedFiles(f"{self.root}/{_LOG}")

    def save(self, payload: Payload) -> bool:
        """Write a release, or what has changed of one; tables that did not change stay as they are.

        Returns:
            Whether anything was written: nothing is where the store has the same payload.

        Raises:
            UserError: If it cannot be written; the store is as it was.
        """
        stored = self.manifest(payload.release) if self.has(payload.release) else None
        files = files_of(payload, stored)
        if files:
            self.write(payload.release, files)
        return bool(files)

    def annotate(self, release: str, about: Mapping[str, Any]) -> None:
        """Add entries to the manifest of a release."""
        self.write(release, revise({**self.manifest(release), **about}, {}))

    def write(self, release: str, files: Mapping[str, bytes]) -> str:
        """Write a payload, the manifest last.

        The payload before it stays for those who are reading it. Tables of older ones are removed
        once they are an hour old.

        Args:
            release: Its id.
            files: By name, as `assemble` returns them.

        Returns:
            The folder of the payload.

        Raises:
            UserError: If it cannot be written; the store is as it was.
        """
        folder = self._folder(release)
        former = self._tables(release)
        try:
            for name, content in sorted(files.items(), key=lambda item: item[0] == MANIFEST):
                path = f"{folder}/{name}"
                # The name of a table is a digest of its content: one that exists is the same.
                if name == MANIFEST or not self._fs.exists(path):
                    with replacing(self._fs, path) as file:
                        file.write(content)
        except OSError as error:
            raise UserError(
                f"The release cannot be written to {self.location(release)}: {error}. Make room or "
                "give the right to write there, and run again; other releases are unchanged."
            ) from error
        self._remove_tables(release, former | self._tables(release))
        return self.location(release)

    def releases(self) -> list[str]:
        """Return the ids of all complete releases, the oldest first."""
        list_folder(self._fs, self._path)  # raises if it may not be read
        # No pattern: the path may have brackets of its own.
        found = self._fs.find(self._path, maxdepth=2)
        names = {path.split("/")[-2] for path in found if path.endswith(f"/{MANIFEST}")}
        return sorted(name for name in names if RELEASE_ID.fullmatch(name))

    def has(self, release: str) -> bool:
        """Return whether the store has a release."""
        path = f"{self._folder(release)}/{MANIFEST}"
        self._fs.invalidate_cache(path)
        return bool(self._fs.exists(path))

    def manifest(self, release: str) -> dict[str, Any]:
        """Read the manifest of a release.

        Raises:
            PayloadError: If there is no such release, or its manifest is damaged.
        """
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, MANIFEST)
            source = f"{self._folder(release)}/{MANIFEST}"
            self._fs.invalidate_cache(source)
            with suppress(FileNotFoundError):
                local.write_bytes(read_start(self._fs, source, LARGEST_MANIFEST + 1))
            try:
                manifest = read_manifest(local)
            except PayloadError as error:
                location = f"{self.location(release)}/{MANIFEST}"
                raise PayloadError(str(error).replace(str(local), location)) from None
        self._refuse_another(release, manifest)
        return manifest

    def read(self, release: str) -> Payload:
        """Read a release.

        Raises:
            PayloadError: If it cannot be trusted or read.
        """
        payload = read_payload(self.local_folder(release))
        self._refuse_another(release, payload.manifest)
        return payload

    def local_folder(self, release: str) -> Path:
        """Return a local folder with the payload; from a bucket it is fetched into the cache.

        Raises:
            PayloadError: If there is no such release, or its manifest is damaged.
        """
        if isinstance(self._fs, LocalFileSystem):
            return Path(self._folder(release))
        manifest = self.manifest(release)
        folder = cache_folder("releases", f"{self.root}/{release}/{manifest['checksum']}")
        if not (folder / MANIFEST).exists():
            fetch_payload(self._fs, self._folder(release), manifest, folder)
        return folder

    def location(self, release: str) -> str:
        """Return the folder or URL of a release."""
        return f"{self.root}/{release}"

    def promotions(self) -> list[Promotion]:
        """Read the promotion log, the oldest record first."""
        return [self._promotion(number) for number in self._log.numbers()]

    def champion(self) -> str | None:
        """Return the release that was made champion last; None before the first."""
        # A service asks every few seconds: only the last record is read.
        numbers = self._log.numbers()
        return self._promotion(numbers[-1]).release if numbers else None

    def challenge(self) -> Challenge | None:
        """Return the challenge that runs; None without one, or once the champion is another."""
        last = self.challenges.last()
        if not isinstance(last, Challenge):
            return None
        numbers = [number for number in self._log.numbers() if number >= last.promotion]
        later = [self._promotion(number) for number in numbers]
        return last if is_running(last, later) else None

    def candidate(self) -> str | None:
        """Return the release that training made last; None before the first."""
        return self.pointer(CANDIDATE)

    def pointer(self, name: str) -> str | None:
        """Return the release that `<name>.json` names; None where there is no such file."""
        path = f"{self._path}/{name}.json"
        self._fs.invalidate_cache(path)
        try:
            return str(json.loads(read_start(self._fs, path, _LARGEST_RECORD))["release"])
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, RecursionError):
            raise PayloadError(f"{path} is damaged: it names no release. Remove it.") from None

    def point(self, name: str, release: str) -> None:
        """Let `<name>.json` name a release."""
        with replacing(self._fs, f"{self._path}/{name}.json", "w") as file:
            json.dump({"release": release}, file)

    def named(self) -> list[tuple[str, str]]:
        """Return the records beside the releases, such as `candidate`, and the releases they name.

        Raises:
            PayloadError: If a record cannot be read.
        """
        self._fs.invalidate_cache(self._path)
        found = []
        for path in sorted(self._fs.find(self._path, maxdepth=1)):
            name = path.rpartition("/")[2]
            if name.endswith(".json") and not name.startswith("."):
                content = self._fs.cat_file(path).decode(errors="replace")
                releases = RELEASE_ID.findall(content)
                if not releases:
                    raise PayloadError(f"{path} is damaged: it names no release. Remove it.")
                found += [(name.removesuffix(".json"), release) for release in releases]
        return found

    def record(self, promotion: Promotion) -> None:
        """Append to the promotion log, if the record is the first with its number.

        Raises:
            ChampionChangedError: If there is one with this number; the log is unchanged.
        """
        content = promotion.model_dump_json(indent=1).encode()
        try:
            self._log.add(promotion.number, content)
        except FileExistsError:
            raise ChampionChangedError(
                f"Somebody else changed the champion at the same time "
                f"({self._log.path(promotion.number)}): look at `kedro release list` and "
                "decide again."
            ) from None

    def _refuse_another(self, release: str, manifest: Mapping[str, Any]) -> None:
        if manifest["release"] != release:
            raise PayloadError(
                f"{self.location(release)} holds {manifest['release']}, not {release}."
            )

    def _tables(self, release: str) -> set[str]:
        """Return the names of a release's tables; none before it is written."""
        if not self.has(release):
            return set()
        return {str(entry["name"]) for entry in self.manifest(release)["files"].values()}

    def _remove_tables(self, release: str, in_use: Container[str]) -> None:
        for path in self._fs.find(self._folder(release), maxdepth=1):
            if path.endswith(".parquet") and path.rpartition("/")[2] not in in_use:
                with suppress(FileNotFoundError):
                    if datetime.now(UTC) - self._fs.modified(path) > _SPARED:
                        self._fs.rm_file(path)

    def _promotion(self, number: int) -> Promotion:
        try:
            return Promotion.model_validate_json(self._log.read(number, _LARGEST_RECORD))
        except ValueError:
            raise PayloadError(
                f"{self._log.path(number)} is damaged: it is no record of a promotion. Remove "
                "it, and promote the release that is to be champion."
            ) from None

    def _folder(self, release: str) -> str:
        if not RELEASE_ID.fullmatch(release):
            raise PayloadError(
                f"{release!r} is no id of a release: an id looks like 2026-11-24T05.00.00-1a2b3c4d."
            )
        return f"{self._path}/{release}"
