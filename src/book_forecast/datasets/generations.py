"""The catalog's entry for a table that shards write in parts."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from contextlib import suppress
from copy import deepcopy
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

from book_forecast.datasets.generation_folder import (
    CurrentDigest,
    Generation,
    GenerationFolder,
    IncompleteGenerationError,
)
from book_forecast.execution.lineage import Lineage
from book_forecast.execution.parts import Part
from book_forecast.storage.disused import Disused, extent_of
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

# How often a reader starts anew because a writer removed what it was reading.
_ATTEMPTS = 5


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
        root = get_filepath_str(self._filepath, self._protocol)
        self._folder = GenerationFolder(self._fs, root)
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
        generations = self._folder.complete_ones()
        return self._chosen(generations).lineage if generations else None

    def save(self, data: Part) -> None:
        """Write a part, and complete its generation if no other part is missing."""
        if not isinstance(data, Part):
            raise DatasetError(f"expected a Part, not {type(data).__qualname__}")
        if not re.fullmatch(r"[0-9a-zA-Z_-]+", data.fingerprint):
            raise DatasetError(f"fingerprint {data.fingerprint!r} is no folder name")
        self._folder.write(data)
        self._saved = data.fingerprint
        missing = self._folder.missing(data.fingerprint, data.shard.count)
        if missing:
            logger.info(
                "%s %s: part %s of %d rows written, %d parts missing",
                *(self._folder.name, data.fingerprint[:8], data.shard.name),
                *(len(data.frame), len(missing)),
            )
        else:
            self._folder.complete(data, self._keep)

    def load(self) -> pd.DataFrame:
        """Return the rows of the current generation, parts in order.

        Raises:
            IncompleteGenerationError: If there is no complete generation.
        """
        for _ in range(_ATTEMPTS):
            generations = self._folder.complete_ones()
            if not generations:
                raise IncompleteGenerationError(self._folder.describe_missing())
            # A writer may remove the generation after it was listed; a newer one is there then.
            with suppress(FileNotFoundError):
                return self._folder.read(self._chosen(generations))
        chosen = self._chosen(generations)
        missing = sorted({*chosen.parts} - self._folder.files(chosen.name))
        shown = ", ".join(missing) or "parts that are being replaced"
        raise IncompleteGenerationError(
            f"{self._folder.path(chosen.name)} lacks {shown}: run those shards again"
        )

    def disused(self, before: dt.datetime) -> list[Disused]:
        """Return the generations that a load does not read, complete or not, by age.

        Args:
            before: No part of theirs is newer, in UTC.
        """
        generations = self._folder.complete_ones()
        current = [generation for generation in generations if generation.is_current(self._current)]
        in_use = {generation.name for generation in (*generations[-1:], *current[-1:])}
        found = []
        for name in self._folder.names():
            n_bytes, written = extent_of(self._fs, self._folder.path(name))
            if name not in in_use and written is not None and written < before:
                found.append(Disused(f"{self._folder.name}/{name}", n_bytes, written))
        return sorted(found, key=lambda one: one.since)

    def remove(self, disused: Disused) -> None:
        """Remove a generation.

        Raises:
            UserError: If that is not permitted.
        """
        name = disused.name.rpartition("/")[2]
        self._folder.remove(name)
        if self._folder.files(name):
            raise UserError(
                f"{self._folder.path(name)} cannot be removed: give the right to remove files "
                "there, and run the command again."
            )

    def preview(self, nrows: int = 5) -> TablePreview:
        """Return the first rows for kedro-viz."""
        frame = self.load().head(nrows)
        return TablePreview(json.loads(frame.to_json(orient="split", date_format="iso")))

    def _chosen(self, generations: list[Generation]) -> Generation:
        """The generation of this process, or else the last one whose inputs are current."""
        own = [generation for generation in generations if generation.name == self._saved]
        current = [generation for generation in generations if generation.is_current(self._current)]
        return (own or current or generations)[-1]

    def _exists(self) -> bool:
        return bool(self._folder.complete_ones())

    def _release(self) -> None:
        self._fs.invalidate_cache(get_filepath_str(self._filepath, self._protocol))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "protocol": self._protocol, "keep": self._keep}
