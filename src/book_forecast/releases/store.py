"""The folder of all releases, on a local disk or a bucket.

    <release>/manifest.json …    a payload; a refreshed one replaces the manifest
    candidate.json, alias.json   which release training made last, and what MLflow was told
    changes/000001.json …        who was made champion, and by whom

The MLflow registry has the same releases as versions of a model. This folder is what training
writes first and forecasting reads, so that neither depends on a server.
"""

from __future__ import annotations

import json
import re
import tempfile
import uuid
from collections.abc import Container, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from book_forecast.payload.contents import Payload, read_payload
from book_forecast.payload.manifest import MANIFEST, PayloadError, read_manifest
from book_forecast.releases.assembly import revise
from book_forecast.releases.fetching import fetch_payload
from book_forecast.releases.promotion_log import ChampionChangedError, Promotion
from book_forecast.storage.cache import cache_folder
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import replacing

RELEASE_ID = re.compile(r"\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d-[0-9a-f]{8}")
_CHANGES = "changes"
_CANDIDATE, _ALIAS = "candidate.json", "alias.json"
# Tables that no manifest names may be those of a payload that is being written.
_SPARED = timedelta(hours=1)


class ReleaseStore:
    """Keeps releases, and knows which is champion."""

    def __init__(self, root: str) -> None:
        """Open a store.

        Args:
            root: A folder, or `gs://bucket/folder`; it need not exist.
        """
        self.root = root.rstrip("/")
        self._fs, self._path = fsspec.core.url_to_fs(self.root)

    def write(self, release: str, files: Mapping[str, bytes]) -> str:
        """Write a payload, the manifest last.

        A payload that it takes the place of stays on the disk, as somebody may be reading it; the
        ones before that do not, once they have lain there for an hour.

        Args:
            release: Its id.
            files: As `assemble` makes them.

        Returns:
            Where the payload is.

        Raises:
            UserError: If it cannot be written; what was there before is as it was.
        """
        folder = self._folder(release)
        kept = self._tables(release)
        try:
            for name, content in sorted(files.items(), key=lambda item: item[0] == MANIFEST):
                path = f"{folder}/{name}"
                # Names of tables tell their content: what is there need not be written again.
                if name == MANIFEST or not self._fs.exists(path):
                    with replacing(self._fs, path) as file:
                        file.write(content)
        except OSError as error:
            raise UserError(
                f"The release cannot be written to {self.place(release)}: {error}. Make room or "
                "give the right to write there, and run again; releases before it are as they were."
            ) from error
        self._remove_tables(release, kept | self._tables(release))
        return self.place(release)

    def revise(self, release: str, tables: Mapping[str, pa.Table], about: Mapping[str, Any]) -> str:
        """Write a payload in which some tables are others; the rest is as it is by now.

        Args:
            release: Its id.
            tables: By kind, those that take the place of its own or are added.
            about: What its manifest tells anew.

        Returns:
            Where the payload is.

        Raises:
            PayloadError: If there is no such release, or its manifest is damaged.
        """
        return self.write(release, revise({**self.manifest(release), **about}, tables))

    def releases(self) -> list[str]:
        """The ids of all complete releases, the oldest first."""
        self._fs.invalidate_cache(self._path)
        found = self._fs.glob(f"{self._path}/*/{MANIFEST}")
        names = {path.split("/")[-2] for path in found}
        return sorted(name for name in names if RELEASE_ID.fullmatch(name))

    def has(self, release: str) -> bool:
        """Whether there is such a release."""
        path = f"{self._folder(release)}/{MANIFEST}"
        self._fs.invalidate_cache(path)
        return bool(self._fs.exists(path))

    def manifest(self, release: str) -> dict[str, Any]:
        """What a release is.

        Raises:
            PayloadError: If there is no such release, or its manifest is damaged.
        """
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, MANIFEST)
            source = f"{self._folder(release)}/{MANIFEST}"
            self._fs.invalidate_cache(source)
            with suppress(FileNotFoundError):
                local.write_bytes(self._fs.cat_file(source))
            try:
                manifest = read_manifest(local)
            except PayloadError as error:
                place = f"{self.place(release)}/{MANIFEST}"
                raise PayloadError(str(error).replace(str(local), place)) from None
        self._refuse_another(release, manifest)
        return manifest

    def read(self, release: str) -> Payload:
        """A release in memory.

        Raises:
            PayloadError: If it cannot be trusted or read.
        """
        payload = read_payload(self.local_folder(release))
        self._refuse_another(release, payload.manifest)
        return payload

    def local_folder(self, release: str) -> Path:
        """A folder on the local disk with the payload; from a bucket it is fetched into the cache.

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

    def place(self, release: str) -> str:
        """Where a release lies, for people."""
        return f"{self.root}/{release}"

    def promotions(self) -> list[Promotion]:
        """All changes of the champion, the oldest first."""
        return [self._change(path) for path in self._change_paths()]

    def candidate(self) -> str | None:
        """The release that training made last; None before the first."""
        return self._read_pointer(_CANDIDATE)

    def nominate(self, release: str) -> None:
        """Note which release training made last."""
        self._write_pointer(_CANDIDATE, release)

    def champion(self, alias: str | None = None) -> str | None:
        """The release that was made champion last; None before the first.

        Args:
            alias: What the registry's alias names. It counts where somebody has set it by hand,
                to a release of this store: not where it lags behind, because MLflow did not answer
                at the time, and not where another store has set it.
        """
        if alias is not None and alias not in self._told_aliases() and self.has(alias):
            return alias
        # A service asks every few seconds: of all changes, it reads the last alone.
        paths = self._change_paths()
        return self._change(paths[-1]).release if paths else None

    def note_alias(self, release: str, *, is_set: bool = True) -> None:
        """Note what the registry's alias is set to.

        Args:
            release: What it names.
            is_set: Whether it does already. Until then it may also name what it did before.
        """
        before = None if is_set else self._read_pointer(_ALIAS)
        self._write_pointer(_ALIAS, release, **({"before": before} if before else {}))

    def record(self, change: Promotion) -> None:
        """Make a change of the champion, if it is the first with its number.

        Raises:
            ChampionChangedError: If there is one already; nothing is changed then.
        """
        path = f"{self._path}/{_CHANGES}/{change.number:06d}.json"
        content = change.model_dump_json(indent=1).encode()
        try:
            if isinstance(self._fs, LocalFileSystem):
                _create_local(Path(path), content)
            else:
                with suppress(FileExistsError):
                    self._fs.pipe_file(path, content, mode="create")
                # A request whose answer was lost is repeated, and then finds its own file.
                if self._fs.cat_file(path) != content:
                    raise FileExistsError(path)
        except FileExistsError:
            raise ChampionChangedError(
                f"Somebody else has changed the champion meanwhile ({path}): look at "
                "`kedro release list` and decide again."
            ) from None
        self._fs.invalidate_cache(f"{self._path}/{_CHANGES}")

    def _refuse_another(self, release: str, manifest: Mapping[str, Any]) -> None:
        if manifest["release"] != release:
            raise PayloadError(f"{self.place(release)} holds {manifest['release']}, not {release}.")

    def _tables(self, release: str) -> set[str]:
        """The names of a release's tables; none before it is written."""
        if not self.has(release):
            return set()
        return {str(entry["name"]) for entry in self.manifest(release)["files"].values()}

    def _remove_tables(self, release: str, kept: Container[str]) -> None:
        """Remove what payloads have left that were refreshed more than once since."""
        for path in self._fs.glob(f"{self._folder(release)}/*.parquet"):
            if path.rpartition("/")[2] not in kept:
                with suppress(FileNotFoundError):
                    if datetime.now(UTC) - self._fs.modified(path) > _SPARED:
                        self._fs.rm_file(path)

    def _change_paths(self) -> list[str]:
        folder = f"{self._path}/{_CHANGES}"
        self._fs.invalidate_cache(folder)
        return sorted(self._fs.glob(f"{folder}/[0-9]*.json"))

    def _change(self, path: str) -> Promotion:
        try:
            return Promotion.model_validate_json(self._fs.cat_file(path))
        except ValueError:
            raise PayloadError(
                f"{path} is damaged: it does not tell a change of the champion. Remove it, and "
                "make the release champion that is to be."
            ) from None

    def _told_aliases(self) -> set[str]:
        return set(self._read_pointers(_ALIAS).values())

    def _read_pointer(self, name: str) -> str | None:
        return self._read_pointers(name).get("release")

    def _read_pointers(self, name: str) -> dict[str, str]:
        path = f"{self._path}/{name}"
        self._fs.invalidate_cache(path)
        try:
            return dict(json.loads(self._fs.cat_file(path)))
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError):
            raise PayloadError(f"{path} is damaged: it names no release. Remove it.") from None

    def _write_pointer(self, name: str, release: str, **more: str) -> None:
        with replacing(self._fs, f"{self._path}/{name}", "w") as file:
            json.dump({"release": release, **more}, file)

    def _folder(self, release: str) -> str:
        if not RELEASE_ID.fullmatch(release):
            raise PayloadError(
                f"{release!r} is no id of a release, such as 2026-11-24T05.00.00-1a2b3c4d."
            )
        return f"{self._path}/{release}"


def _create_local(path: Path, content: bytes) -> None:
    """Create a file with all of its content, unless it exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        waiting.write_bytes(content)
        path.hardlink_to(waiting)
    finally:
        waiting.unlink(missing_ok=True)
