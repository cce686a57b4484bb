"""The files of generations: parts that shards write, and a manifest that completes them."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from fsspec import AbstractFileSystem
from kedro.io.core import DatasetError

from book_forecast.execution.lineage import Lineage
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
from book_forecast.storage.checked_documents import with_checksum, without_checksum
from book_forecast.storage.checked_tables import check_table, is_damage, write_frame
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import list_folder, replacing

logger = logging.getLogger(__name__)

_MANIFEST = "manifest.json"
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


class GenerationFolder:
    """A folder with a folder for each generation.

    Attributes:
        name: Its own name, without those above.
    """

    def __init__(self, fs: AbstractFileSystem, root: str) -> None:
        """Point to a folder, which need not exist.

        Args:
            fs: Its filesystem.
            root: Its path.
        """
        self._fs, self._root = fs, root
        self.name = root.rpartition("/")[2]

    def path(self, generation: str) -> str:
        """Return the folder of a generation."""
        return f"{self._root}/{generation}"

    def names(self) -> list[str]:
        """Return the names of all generations, complete or not."""
        return sorted(self._listed(self._root))

    def files(self, generation: str) -> set[str]:
        """Return the names of a generation's files."""
        return self._listed(self.path(generation))

    def missing(self, generation: str, count: int) -> list[str]:
        """Return the names of the parts that a generation of so many lacks, in order."""
        files = self.files(generation)
        return [part for part in _part_names(count) if part not in files]

    def complete_ones(self) -> list[Generation]:
        """Return all complete generations, the one completed last at the end."""
        found = [self._generation(name) for name in self.names()]
        complete = [generation for generation in found if generation is not None]
        return sorted(complete, key=lambda generation: generation.number)

    def write(self, part: Part) -> None:
        """Write a part."""
        below = f"{part.fingerprint}/{part.shard.name}.parquet"
        with replacing(self._fs, self.path(below)) as file:
            write_frame(part.frame, file, self._checked_name(below), index=False)

    def complete(self, last: Part, keep: int) -> None:
        """Complete a generation that has all its parts, and remove what it replaces.

        Args:
            last: The part that was written last.
            keep: Complete generations that stay.
        """
        name = last.fingerprint
        others = [other for other in self.complete_ones() if other.name != name]
        number = 1 + max((other.number for other in others), default=0)
        lineage = Lineage.of(last.frame.attrs) or Lineage(name)
        parts = _part_names(last.shard.count)
        content = {"number": number, "parts": parts, "lineage": lineage.plain()}
        with replacing(self._fs, f"{self.path(name)}/{_MANIFEST}", "w") as file:
            json.dump(with_checksum(content, self._checked_name(name)), file, indent=2)
        logger.info(
            "%s %s: complete with %d parts, written to %s",
            *(self.name, name[:8], len(parts), self.path(name)),
        )
        stay = {name, *(other.name for other in others[max(0, len(others) - keep + 1) :])}
        for other in self.names():
            if other not in stay:
                self.remove(other)
        for file_name in self.files(name) - {*parts, _MANIFEST}:
            if _PART.fullmatch(file_name):
                self._remove(f"{self.path(name)}/{file_name}")

    def remove(self, generation: str) -> None:
        """Remove a generation, or what another process has left of it."""
        # The manifest goes first: the rest of an interrupted removal is not complete.
        self._remove(f"{self.path(generation)}/{_MANIFEST}")
        self._remove(self.path(generation))

    def read(self, generation: Generation) -> pd.DataFrame:
        """Return the rows of a generation, parts in order.

        Raises:
            IncompleteGenerationError: If a part is damaged.
            FileNotFoundError: If a part has been removed.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = []
        for name in generation.parts:
            below = f"{generation.name}/{name}"
            try:
                with io.BytesIO(self._fs.cat_file(self.path(below))) as file:
                    check_table(file, self._checked_name(below))
                    tables.append(pq.read_table(file, page_checksum_verification=True))
            except Exception as error:
                if not is_damage(error):
                    raise
                reason = str(error).partition("\n")[0]
                raise IncompleteGenerationError(
                    f"{self.path(below)} is damaged ({reason}): delete it and run that shard again"
                ) from error
        # A shard without titles, or with a column that is missing throughout, knows no types.
        filled = [table for table in tables if table.num_rows] or tables[:1]
        whole = pa.concat_tables(filled, promote_options="permissive")
        frame: pd.DataFrame = whole.to_pandas()
        generation.lineage.attach(frame)
        return frame

    def describe_missing(self) -> str:
        """Return what is missing where no generation is complete, and what to do."""
        lacks = []
        for name in self.names():
            parts = map(_PART.fullmatch, self.files(name))
            for count in sorted({int(part[1]) for part in parts if part}):
                missing = [part.removesuffix(".parquet") for part in self.missing(name, count)]
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

    def _generation(self, name: str) -> Generation | None:
        path = f"{self.path(name)}/{_MANIFEST}"
        self._fs.invalidate_cache(self.path(name))
        try:
            content = json.loads(self._fs.cat_file(path))
            manifest = without_checksum(content, self._checked_name(name))
            parts, lineage = tuple(manifest["parts"]), Lineage(**manifest["lineage"])
            number = int(manifest["number"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            logger.warning("%s cannot be read: the generation counts as incomplete", path)
            return None
        return Generation(name, number, parts, lineage) if parts else None

    def _checked_name(self, below: str) -> str:
        """The name of a file by which its checksum tells it from others."""
        return f"{self.name}/{below}"

    def _remove(self, path: str) -> None:
        try:
            self._fs.rm(path, recursive=True)
        except OSError:
            logger.debug("%s is being removed by another process too", path)

    def _listed(self, folder: str) -> set[str]:
        names = {path.rpartition("/")[2] for path in list_folder(self._fs, folder)}
        return {name for name in names if not name.startswith(".")}


def _part_names(count: int) -> list[str]:
    """Return the file names of all parts of a generation, in order."""
    return [f"{Shard(index=index, count=count).name}.parquet" for index in range(1, count + 1)]
