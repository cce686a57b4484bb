"""Parts that shards write, read back as the one table of a complete generation."""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import fsspec
import pandas as pd
from kedro.io.core import (
    AbstractDataset,
    DatasetError,
    get_filepath_str,
    get_protocol_and_path,
)
from kedro_datasets._typing import TablePreview

from book_forecast.execution.lineage import Lineage
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
from book_forecast.storage.checked_documents import with_checksum, without_checksum
from book_forecast.storage.checked_tables import check_table, is_damage, write_frame
from book_forecast.storage.disused import Disused, extent_of
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import list_folder, replacing

logger = logging.getLogger(__name__)

GENERATION_MANIFEST = "manifest.json"
# How often a reader starts anew because a writer removed what it was reading.
_ATTEMPTS = 5
_PART = re.compile(r"\d{4,}-of-(\d{4,})\.parquet")

CurrentDigest = Callable[[str], str | None]
"""Returns the digest that a dataset has now; None where it has none."""


class IncompleteGenerationError(UserError, DatasetError):
    """No generation can be read; the message names the missing parts."""


@dataclass(frozen=True)
class Generation:
    """A complete generation.

    Attributes:
        name: Its fingerprint.
        number: Number in the order of completion, from 1; clocks play no part.
        parts: Names of its files, in order.
        lineage: The run and the inputs that made it.
    """

    name: str
    number: int
    parts: tuple[str, ...]
    lineage: Lineage

    def is_current(self, current: CurrentDigest) -> bool:
        """Whether its inputs are those that there are now, as far as they are known."""
        return all(current(name) in (None, was) for name, was in self.lineage.inputs.items())


class GenerationDataset(AbstractDataset[Part, pd.DataFrame]):
    """A table that shards write in parts; a reader gets one complete generation.

    Parts are at ``<filepath>/<fingerprint>/0003-of-0016.parquet``. The shard that finds all parts
    of its count adds ``manifest.json``, which makes the generation complete. Shards may run at the
    same time, in any order and more than once. A reader gets the generation that was made from the
    inputs that there are now; where there is none, the one that was completed last.

    Example:
        ```yaml
        specifications:
          type: book_forecast.datasets.GenerationDataset
          filepath: "${_root}/06_models/specifications"
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def __init__(
        self,
        *,
        filepath: str,
        keep: int = 3,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Point to a folder of generations.

        Args:
            filepath: The folder, local or of any fsspec protocol.
            keep: Complete generations that stay, at least 1.
            credentials: For the filesystem.
            fs_args: More options of the filesystem.
            metadata: Not used here; kedro-viz reads it.
        """
        if keep < 1:
            raise ValueError(f"keep must be at least 1, not {keep}")
        self._protocol, path = get_protocol_and_path(filepath)
        self._filepath = PurePosixPath(path)
        self._keep = keep
        options = deepcopy({**(credentials or {}), **(fs_args or {})})
        self._fs = fsspec.filesystem(self._protocol, **options)
        self._root = get_filepath_str(self._filepath, self._protocol)
        self._current: CurrentDigest = lambda _: None
        self._saved: str | None = None
        self.metadata = metadata

    def read_with(self, current: CurrentDigest) -> None:
        """Say which inputs a generation must have been made from to be current.

        Args:
            current: Returns the present digest of a dataset.
        """
        self._current = current

    def lineage(self) -> Lineage | None:
        """Return the lineage of the generation that a load would read; None if there is none."""
        generations = self._generations()
        return self._chosen(generations).lineage if generations else None

    def save(self, data: Part) -> None:
        """Write a part, and complete its generation if no other part is missing."""
        if not isinstance(data, Part):
            raise DatasetError(f"expected a Part, not {type(data).__qualname__}")
        if not re.fullmatch(r"[0-9a-zA-Z_-]+", data.fingerprint):
            raise DatasetError(f"fingerprint {data.fingerprint!r} is no folder name")
        folder = f"{self._root}/{data.fingerprint}"
        part = f"{data.shard.name}.parquet"
        with replacing(self._fs, f"{folder}/{part}") as file:
            write_frame(data.frame, file, self._name(f"{data.fingerprint}/{part}"), index=False)
        self._saved = data.fingerprint
        missing = self._missing(data.fingerprint, data.shard.count)
        if missing:
            logger.info(
                "%s %s: part %s of %d rows written, %d parts missing",
                *(self._filepath.name, data.fingerprint[:8], data.shard.name),
                *(len(data.frame), len(missing)),
            )
        else:
            self._complete(data)

    def load(self) -> pd.DataFrame:
        """Return the rows of the current generation, parts in order.

        Raises:
            IncompleteGenerationError: If there is no complete generation.
        """
        for _ in range(_ATTEMPTS):
            generations = self._generations()
            if not generations:
                raise IncompleteGenerationError(self._what_is_missing())
            # A writer may remove the generation after it was listed; a newer one is there then.
            with suppress(FileNotFoundError):
                return self._read(self._chosen(generations))
        name, parts = self._chosen(generations).name, self._chosen(generations).parts
        missing = ", ".join(sorted({*parts} - self._files(name))) or "parts that are being replaced"
        raise IncompleteGenerationError(
            f"{self._root}/{name} lacks {missing}: run those shards again"
        )

    def disused(self, before: dt.datetime) -> list[Disused]:
        """Return the generations that a load does not read, complete or not, by age.

        Args:
            before: No part of theirs is newer, in UTC.
        """
        generations = self._generations()
        current = [generation for generation in generations if generation.is_current(self._current)]
        in_use = {generation.name for generation in (*generations[-1:], *current[-1:])}
        found = []
        for name in self._folders():
            n_bytes, written = extent_of(self._fs, f"{self._root}/{name}")
            if name not in in_use and written is not None and written < before:
                found.append(Disused(f"{self._filepath.name}/{name}", n_bytes, written))
        return sorted(found, key=lambda one: one.since)

    def remove(self, disused: Disused) -> None:
        """Remove a generation.

        Raises:
            UserError: If that is not permitted.
        """
        name = disused.name.rpartition("/")[2]
        self._remove_generation(name)
        if self._files(name):
            raise UserError(
                f"{self._root}/{name} cannot be removed: give the right to remove files there, and "
                "run the command again."
            )

    def preview(self, nrows: int = 5) -> TablePreview:
        """Return the first rows for kedro-viz."""
        frame = self.load().head(nrows)
        return TablePreview(json.loads(frame.to_json(orient="split", date_format="iso")))

    def _name(self, below: str) -> str:
        """The name of a file by which its checksum tells it from others."""
        return f"{self._filepath.name}/{below}"

    def _chosen(self, generations: list[Generation]) -> Generation:
        """The generation of this process, or else the last one whose inputs are current."""
        own = [generation for generation in generations if generation.name == self._saved]
        current = [generation for generation in generations if generation.is_current(self._current)]
        return (own or current or generations)[-1]

    def _complete(self, part: Part) -> None:
        others = [other for other in self._generations() if other.name != part.fingerprint]
        number = 1 + max((other.number for other in others), default=0)
        lineage = Lineage.of(part.frame.attrs) or Lineage(part.fingerprint)
        names = part_names(part.shard.count)
        content = {"number": number, "parts": names, "lineage": lineage.plain()}
        folder = f"{self._root}/{part.fingerprint}"
        with replacing(self._fs, f"{folder}/{GENERATION_MANIFEST}", "w") as file:
            json.dump(with_checksum(content, self._name(part.fingerprint)), file, indent=2)
        logger.info(
            "%s %s: complete with %d parts, written to %s",
            *(self._filepath.name, part.fingerprint[:8], len(names), folder),
        )
        kept = others[max(0, len(others) - self._keep + 1) :]
        stay = {part.fingerprint, *(other.name for other in kept)}
        for name in self._folders():
            if name not in stay:
                self._remove_generation(name)
        for name in self._files(part.fingerprint) - {*names, GENERATION_MANIFEST}:
            if _PART.fullmatch(name):
                self._remove(f"{folder}/{name}")

    def _remove_generation(self, name: str) -> None:
        # The manifest goes first: the rest of an interrupted removal is not complete.
        self._remove(f"{self._root}/{name}/{GENERATION_MANIFEST}")
        self._remove(f"{self._root}/{name}")

    def _remove(self, path: str) -> None:
        try:
            self._fs.rm(path, recursive=True)
        except OSError:
            logger.debug("%s is being removed by another process too", path)

    def _generations(self) -> list[Generation]:
        """All complete generations, the one completed last at the end."""
        found = [self._generation(name) for name in self._folders()]
        complete = [generation for generation in found if generation is not None]
        return sorted(complete, key=lambda generation: generation.number)

    def _generation(self, name: str) -> Generation | None:
        path = f"{self._root}/{name}/{GENERATION_MANIFEST}"
        self._fs.invalidate_cache(f"{self._root}/{name}")
        try:
            content = json.loads(self._fs.cat_file(path))
            manifest = without_checksum(content, self._name(name))
            parts, lineage = tuple(manifest["parts"]), Lineage(**manifest["lineage"])
            number = int(manifest["number"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            logger.warning("%s cannot be read: the generation counts as incomplete", path)
            return None
        return Generation(name, number, parts, lineage) if parts else None

    def _what_is_missing(self) -> str:
        lacks = []
        for name in self._folders():
            parts = map(_PART.fullmatch, self._files(name))
            for count in sorted({int(part[1]) for part in parts if part}):
                missing = [part.removesuffix(".parquet") for part in self._missing(name, count)]
                shown = ", ".join(missing[:5]) + (" …" if len(missing) > 5 else "")
                lacks.append(f"{name} lacks {len(missing)} of {count} parts ({shown})")
        if not lacks:
            return (
                f"there is nothing in {self._root}: "
                "run the pipeline that writes it first, or all of them"
            )
        return (
            f"no generation in {self._root} is complete: {'; '.join(lacks)}: run those shards again"
        )

    def _read(self, generation: Generation) -> pd.DataFrame:
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = []
        for name in generation.parts:
            path = f"{self._root}/{generation.name}/{name}"
            try:
                with io.BytesIO(self._fs.cat_file(path)) as file:
                    check_table(file, self._name(f"{generation.name}/{name}"))
                    tables.append(pq.read_table(file, page_checksum_verification=True))
            except Exception as error:
                if not is_damage(error):
                    raise
                reason = str(error).partition("\n")[0]
                raise IncompleteGenerationError(
                    f"{path} is damaged ({reason}): delete it and run that shard again"
                ) from error
        # A shard without titles, or with a column that is missing throughout, knows no types.
        filled = [table for table in tables if table.num_rows] or tables[:1]
        whole = pa.concat_tables(filled, promote_options="permissive")
        frame: pd.DataFrame = whole.to_pandas()
        generation.lineage.attach(frame)
        return frame

    def _missing(self, name: str, count: int) -> list[str]:
        files = self._files(name)
        return [part for part in part_names(count) if part not in files]

    def _folders(self) -> list[str]:
        """Names of all generations, complete or not."""
        return sorted(self._listed(self._root))

    def _files(self, name: str) -> set[str]:
        return self._listed(f"{self._root}/{name}")

    def _listed(self, folder: str) -> set[str]:
        names = {path.rpartition("/")[2] for path in list_folder(self._fs, folder)}
        return {name for name in names if not name.startswith(".")}

    def _exists(self) -> bool:
        return bool(self._generations())

    def _release(self) -> None:
        self._fs.invalidate_cache(self._root)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "protocol": self._protocol, "keep": self._keep}


def part_names(count: int) -> list[str]:
    """Return the file names of all parts of a generation, in order."""
    return [f"{Shard(index=index, count=count).name}.parquet" for index in range(1, count + 1)]
