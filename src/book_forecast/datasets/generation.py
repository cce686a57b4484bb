"""Parts that shards write, read back as the one table of a complete generation."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
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

from book_forecast.datasets.listings import Listing, modified, part_names, stale
from book_forecast.execution.shards import Part
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import replacing

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
# How often a reader starts anew because a writer dropped what it was reading.
_ATTEMPTS = 5


class IncompleteGenerationError(UserError, DatasetError):
    """No generation can be read; the message names the parts that are missing."""


class GenerationDataset(AbstractDataset[Part, pd.DataFrame]):
    """A table that shards write in parts, of which one complete generation is read.

    Parts stand at ``<filepath>/<fingerprint>/0003-of-0016.parquet``. Whoever finds all parts of its
    count written adds ``manifest.json``; from then on the generation is read. Shards may run at the
    same time, in any order and more than once. Older generations, and parts of another number of
    shards, go only when the new generation is complete; a part is never seen half-written.

    Example:
        ```yaml
        specifications:
          type: book_forecast.datasets.GenerationDataset
          filepath: "${_root}/06_models/specifications"
          keep: 2
          metadata: {kedro-viz: {layer: models}}
        ```
    """

    def __init__(
        self,
        *,
        filepath: str,
        keep: int = 2,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Point to a folder of generations.

        Args:
            filepath: The folder, local or of any fsspec protocol.
            keep: How many complete generations stay, at least 1.
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
        self.metadata = metadata

    def save(self, data: Part) -> None:
        """Write a part, and complete its generation if it was the last that was missing."""
        if not isinstance(data, Part):
            raise DatasetError(f"expected a Part, not {type(data).__qualname__}")
        if not re.fullmatch(r"[0-9a-zA-Z_-]+", data.fingerprint):
            raise DatasetError(f"fingerprint {data.fingerprint!r} is no folder name")
        folder = f"{self._root}/{data.fingerprint}"
        with replacing(self._fs, f"{folder}/{data.shard.name}.parquet") as file:
            data.frame.to_parquet(file, index=False)
        generation = self._listed(data.fingerprint, data.shard.count)
        if not generation.complete:
            logger.info(
                "%s %s: part %s of %d rows written, %d parts missing",
                self._filepath.name,
                data.fingerprint[:8],
                data.shard.name,
                len(data.frame),
                len(generation.missing),
            )
            return
        self._complete(generation)

    def load(self) -> pd.DataFrame:
        """Return the rows of the newest complete generation, parts in order.

        Raises:
            IncompleteGenerationError: If there is none.
        """
        for attempt in range(_ATTEMPTS):
            listed = self._folders()
            try:
                return self._read(self._newest())
            except FileNotFoundError:
                # A writer dropped the generation after it was listed; a newer one is there.
                time.sleep(0.05 * attempt)
            except IncompleteGenerationError:
                # The same, before a look into the folder itself.
                if self._folders() == listed:
                    raise
        raise IncompleteGenerationError(f"{self._root} changes faster than it can be read")

    def preview(self, nrows: int = 5) -> TablePreview:
        """Return the first rows for kedro-viz."""
        frame = self._read(self._newest()).head(nrows)
        return TablePreview(json.loads(frame.to_json(orient="split", date_format="iso")))

    def _complete(self, generation: Listing) -> None:
        names = part_names(generation.count)
        manifest = {"completed": time.time(), "count": generation.count, "parts": names}
        with replacing(self._fs, f"{self._root}/{generation.name}/{MANIFEST}", "w") as file:
            json.dump(manifest, file, indent=2)
        logger.info(
            "%s %s: complete with %d parts, written to %s",
            self._filepath.name,
            generation.name[:8],
            generation.count,
            f"{self._root}/{generation.name}",
        )
        self._drop_stale(generation)

    def _drop_stale(self, new: Listing) -> None:
        """Remove what the new generation has replaced and nobody can be writing."""
        for name in new.replaced:
            self._remove(f"{self._root}/{new.name}/{name}")
        for listing in stale(new, list(self._generations()), self._keep):
            # The manifest goes first, so that what a kill leaves is not taken for whole.
            self._remove(f"{self._root}/{listing.name}/{MANIFEST}")
            self._remove(f"{self._root}/{listing.name}")

    def _remove(self, path: str) -> None:
        try:
            self._fs.rm(path, recursive=True)
        except OSError:
            logger.debug("%s is being removed by another process too", path)

    def _newest(self) -> Listing:
        generations = sorted(self._generations(), key=lambda g: g.time, reverse=True)
        complete = next((g for g in generations if g.complete), None)
        if complete is None:
            raise IncompleteGenerationError(self._what_is_missing(generations))
        newer = generations[0]
        if newer is not complete:
            logger.warning(
                "%s: generation %s is newer but %d of its %d parts are missing; reading %s",
                self._filepath.name,
                newer.name[:8],
                len(newer.missing),
                newer.count,
                complete.name[:8],
            )
        return complete

    def _what_is_missing(self, generations: list[Listing]) -> str:
        if not generations:
            return (
                f"there is nothing in {self._root}: "
                "run the pipeline that writes it first, or all of them"
            )
        newest = generations[0]
        names = [name.removesuffix(".parquet") for name in newest.missing]
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        return (
            f"no generation in {self._root} is complete: {newest.name} lacks "
            f"{len(names)} of {newest.count} parts ({shown}): run those shards again"
        )

    def _read(self, generation: Listing) -> pd.DataFrame:
        import pyarrow as pa
        import pyarrow.parquet as pq

        tables = []
        for name in part_names(generation.count):
            path = f"{self._root}/{generation.name}/{name}"
            try:
                with self._fs.open(path, "rb") as file:
                    tables.append(pq.read_table(file))
            except pa.ArrowInvalid as error:
                raise IncompleteGenerationError(
                    f"{path} is damaged ({error}): delete it and run that shard again"
                ) from error
        # A shard without titles, or with a column that is missing throughout, knows no types.
        filled = [table for table in tables if table.num_rows] or tables[:1]
        whole = pa.concat_tables(filled, promote_options="permissive")
        frame: pd.DataFrame = whole.to_pandas()
        return frame

    def _folders(self) -> list[str]:
        """Names of all generations, whole or not."""
        self._fs.invalidate_cache(self._root)
        if not self._fs.isdir(self._root):
            return []
        paths = self._fs.ls(self._root, detail=False)
        return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

    def _generations(self) -> Iterator[Listing]:
        for name in self._folders():
            generation = self._listed(name)
            if generation.written:
                yield generation

    def _listed(self, name: str, count: int | None = None) -> Listing:
        """List a generation: of this count, or of the one that its manifest or parts say."""
        folder = f"{self._root}/{name}"
        self._fs.invalidate_cache(folder)
        try:
            listing = self._fs.ls(folder, detail=True) if self._fs.isdir(folder) else []
        except FileNotFoundError:
            listing = []
        files = {info["name"].rpartition("/")[2]: modified(info) for info in listing}
        manifest = self._manifest(folder) if MANIFEST in files else {}
        completed, declared = manifest.get("completed", 0.0), manifest.get("count", 0)
        return Listing.of(name, files, completed=completed, declared=declared, count=count)

    def _manifest(self, folder: str) -> dict[str, Any]:
        """Return the manifest, empty if it cannot be read; the parts themselves then tell."""
        try:
            with self._fs.open(f"{folder}/{MANIFEST}", "r", encoding="utf-8") as file:
                manifest = json.load(file)
            return {"count": int(manifest["count"]), "completed": float(manifest["completed"])}
        except (OSError, ValueError, KeyError, TypeError):
            logger.warning("%s/%s cannot be read; going by its parts", folder, MANIFEST)
            return {}

    def _exists(self) -> bool:
        return any(generation.complete for generation in self._generations())

    def _release(self) -> None:
        self._fs.invalidate_cache(self._root)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "protocol": self._protocol, "keep": self._keep}
