"""Releases that people or deployments keep: a small file each, beside the releases."""

from __future__ import annotations

import re

import fsspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from book_forecast.payload.manifest import PayloadError
from book_forecast.storage.files import list_folder, replacing

FOLDER = "kept"
"""Of the records, in the folder of all releases."""
_RECORD = re.compile(r"[\w.-]+\.json", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^\w.-]+", re.ASCII)


class Kept(BaseModel):
    """A release that is not to be removed.

    Attributes:
        release: Its id.
        who: Who asked for it.
        when: In UTC.
        why: The reason.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: str = Field(min_length=1)
    who: str
    when: AwareDatetime
    why: str


class KeptReleases:
    """The records."""

    def __init__(self, releases: str) -> None:
        """Open the records.

        Args:
            releases: Folder of all releases, local or `gs://…`; it need not have records yet.
        """
        self._fs, root = fsspec.core.url_to_fs(releases)
        self._path = f"{root.rstrip('/')}/{FOLDER}"

    def records(self) -> dict[str, Kept]:
        """Return the records by name.

        Raises:
            PayloadError: If one is damaged.
            OSError: If they may not be read.
        """
        paths = {path.rpartition("/")[2]: path for path in list_folder(self._fs, self._path)}
        return {
            name.removesuffix(".json"): self._read(path)
            for name, path in paths.items()
            if _RECORD.fullmatch(name)
        }

    def keep(self, kept: Kept, owner: str = "") -> None:
        """Write a record.

        Args:
            kept: The record.
            owner: Name of the service that needs the release, without a dot; none for a person.
        """
        with replacing(self._fs, self._file(_name(kept.release, owner)), "w") as file:
            file.write(kept.model_dump_json(indent=1))

    def only_needs(self, owner: str, release: str | None) -> None:
        """Remove the records of a service for all releases but the one that it serves now."""
        for name in self.records():
            if name.startswith(_name("", owner)) and name != _name(release or "", owner):
                self.forget(name)

    def records_of_services(self, release: str) -> dict[str, str]:
        """Return the records of services that need a release, by name, with the service."""
        ending = f".{release}"
        return {name: name.removesuffix(ending) for name in self.records() if name.endswith(ending)}

    def forget(self, name: str) -> None:
        """Remove the record of a name, if there is one."""
        path = self._file(name)
        self._fs.invalidate_cache(self._path)
        if self._fs.exists(path):
            self._fs.rm_file(path)

    def _file(self, name: str) -> str:
        return f"{self._path}/{name}.json"

    def _read(self, path: str) -> Kept:
        try:
            return Kept.model_validate_json(self._fs.cat_file(path))
        except ValueError:
            raise PayloadError(
                f"{path} is damaged: it names no release that is kept. Remove it, and keep the "
                "release again with `kedro release keep`."
            ) from None


def _name(release: str, owner: str) -> str:
    return f"{_NOT_IN_NAMES.sub('-', owner)}.{release}" if owner else release
