"""A page for each figure, replaced as a set."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem
from kedro.io.core import (
    AbstractDataset,
    DatasetError,
    get_filepath_str,
    get_protocol_and_path,
)
from plotly import graph_objects as go

from book_forecast.plots.pages import LINKS, NO_LINKS, SCRIPT, linked_page
from book_forecast.storage.files import ABANDONED_AFTER_SECONDS, replacing

logger = logging.getLogger(__name__)

_NAME = re.compile(r"\w[\w.-]{0,99}")
_STAGING = ".staging-"
_LIST = "complete.json"
_PAGES_AT_ONCE = 50


class FiguresDataset(AbstractDataset[Mapping[str, go.Figure], dict[str, str]]):
    """A folder of HTML pages, one for each named figure, that open without a network.

    A save replaces the whole set. It writes all pages to a staging folder first; if one of them
    fails, the old set stays. Then it moves them to their folder and removes pages that the new set
    does not have. If a kill interrupts that, the next use completes it.

    Example:
        ```yaml
        forecast_plots:
          type: book_forecast.datasets.FiguresDataset
          filepath: "${_root}/08_reporting/forecast_plots"
          label: forecast
          index: ../index.html
          metadata: {kedro-viz: {layer: reporting}}
        ```
    """

    def __init__(
        self,
        *,
        filepath: str,
        label: str = "",
        index: str = "",
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Set the folder.

        Args:
            filepath: The folder, local or of any fsspec protocol; it holds nothing else.
            label: What the figures show; a part of each page's title.
            index: Address of a page that leads to these, from their folder.
            credentials: For the filesystem.
            fs_args: More options of the filesystem.
            metadata: Not used here; kedro-viz and the tracking read it.
        """
        self._protocol, path = get_protocol_and_path(filepath)
        self._filepath = PurePosixPath(path)
        self._fs = fsspec.filesystem(self._protocol, **(credentials or {}), **(fs_args or {}))
        self._root = get_filepath_str(self._filepath, self._protocol)
        self._label, self._index = label, index
        self.metadata = metadata

    def save(self, data: Mapping[str, go.Figure | Callable[[], go.Figure]]) -> None:
        """Replace all pages.

        Args:
            data: Figures, or functions that return them, by name (letters, digits, ``_``, ``-``,
                ``.``).
        """
        for name in data:
            if not _NAME.fullmatch(name):
                raise DatasetError(f"{name!r} is not a valid name of a page")
        self._complete_interrupted()
        stage = f"{self._root}/{_STAGING}{uuid.uuid4().hex}"
        try:
            self._fs.makedirs(stage, exist_ok=True)
            for pages in _batches(self._pages(data), _PAGES_AT_ONCE):
                self._fs.pipe({f"{stage}/{name}": content for name, content in pages})
            with replacing(self._fs, f"{stage}/{_LIST}", "w") as file:
                json.dump([SCRIPT, *(f"{name}.html" for name in data)], file)
        except BaseException:
            self._remove(stage)
            raise
        self._publish(stage)
        if self._index and not self._fs.exists(f"{self._root}/{LINKS}"):
            self.relate(NO_LINKS)
        logger.info("%s: %d pages written to %s", self._filepath.name, len(data), self._root)

    def relate(self, script: str) -> None:
        """Write the script that leads from each page to others: `pages.links_script` makes it."""
        with replacing(self._fs, f"{self._root}/{LINKS}", "w") as file:
            file.write(script)

    def load(self) -> dict[str, str]:
        """Return the URLs of the pages by name."""
        self._complete_interrupted()
        return {
            PurePosixPath(path).stem: self._fs.unstrip_protocol(path)
            for path in sorted(self._listed())
            if path.endswith(".html")
        }

    def _pages(
        self, data: Mapping[str, go.Figure | Callable[[], go.Figure]]
    ) -> Iterator[tuple[str, bytes]]:
        from plotly.offline import get_plotlyjs

        # One copy of the script beside the pages; a page with its own copy has 4 MB.
        yield SCRIPT, get_plotlyjs().encode()
        for name, figure in data.items():
            drawn = figure() if callable(figure) else figure
            yield f"{name}.html", linked_page(drawn, name, self._label, self._index).encode()

    def _publish(self, stage: str) -> None:
        with self._fs.open(f"{stage}/{_LIST}", "r", encoding="utf-8") as file:
            names = json.load(file)
        if isinstance(self._fs, LocalFileSystem):
            for name in names:
                with suppress(FileNotFoundError):  # moved before the interruption
                    Path(stage, name).replace(Path(self._root, name))
        else:
            self._fs.copy([f"{stage}/{n}" for n in names], [f"{self._root}/{n}" for n in names])
        for path in self._listed():
            if path.endswith(".html") and PurePosixPath(path).name not in names:
                self._remove(path)
        self._remove(stage)

    def _complete_interrupted(self) -> None:
        for path, written in self._listed().items():
            if PurePosixPath(path).name.startswith(_STAGING):
                if self._fs.exists(f"{path}/{_LIST}"):
                    self._publish(path)
                elif time.time() - written > ABANDONED_AFTER_SECONDS:
                    self._remove(path)

    def _listed(self) -> dict[str, float]:
        self._fs.invalidate_cache(self._root)
        try:
            listing = self._fs.ls(self._root, detail=True)
        except FileNotFoundError:
            return {}
        # Folders of an object store have no time, so they are never old enough to be removed.
        return {i["name"].rstrip("/"): i.get("mtime") or time.time() for i in listing}

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm(path, recursive=True)
        self._fs.invalidate_cache(self._root)

    def _exists(self) -> bool:
        return bool(self.load())

    def _release(self) -> None:
        self._fs.invalidate_cache(self._root)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath, "protocol": self._protocol}


def _batches(items: Iterator[tuple[str, bytes]], size: int) -> Iterator[list[tuple[str, bytes]]]:
    while batch := list(islice(items, size)):
        yield batch
