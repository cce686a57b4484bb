"""Lineage of tables: each says which run and inputs made it, and a stale one is reported."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline.node import Node

from book_forecast.execution.fingerprints import fingerprint
from book_forecast.execution.lineage import Lineage, PresentDigests
from book_forecast.execution.parts import Part
from book_forecast.hooks.optional_inputs import FIGURES, RECORDS
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

_FILES_SHOWN, _LONGEST_LIST = 2, 50

FORMER = "former_"
"""Prefix of a table that a run replaces: it may be stale, and its successor is not made from it."""
CURRENT = "current_inputs"
"""The tag of nodes that refuse a stale input."""


class LineageHooks:
    """Marks every table with its origin, and compares that with the present inputs.

    A table is stale where one of the tables that it was made from has changed since.
    """

    def __init__(self) -> None:
        self._catalog: CatalogProtocol[Any, Any] | None = None
        self._run = ""
        self._digests = PresentDigests(self._dataset)
        self._reported: set[tuple[str, str]] = set()
        self._files: dict[str, dict[str, str]] = {}

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Note the run; what an earlier one of the session has read may have changed."""
        self._run = str(run_params.get("run_id") or "")
        self._catalog = catalog
        self._digests.clear()
        self._reported.clear()
        self._files.clear()

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str) -> None:
        """Let a table of several generations choose by its present inputs."""
        dataset = self._dataset(dataset_name)
        if hasattr(dataset, "read_with"):
            dataset.read_with(self._digests)
        if hasattr(dataset, "listing"):
            # Before it is read: a file that comes meanwhile counts as newer.
            self._files[dataset_name] = dataset.listing()

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Report stale inputs.

        Raises:
            UserError: If the node refuses them.
        """
        for name, data in inputs.items():
            lineage = Lineage.of(data.attrs) if isinstance(data, pd.DataFrame) else None
            if lineage is None or name.startswith(FORMER):
                continue
            self._digests.note(name, lineage.digest)
            for source in self._changed_since(lineage):
                self._report(node, name, source, lineage.run)
            self._report_files(name, lineage)

    @hook_impl
    def after_node_run(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Mark the outputs."""
        made_from, files = dict(self._sources(inputs)), self._files_of(inputs)
        for name, data in outputs.items():
            frame = data.frame if isinstance(data, Part) else data
            if not isinstance(frame, pd.DataFrame):
                continue
            persistent = hasattr(self._dataset(name), "lineage")
            if isinstance(data, Part):
                digest = data.fingerprint
            else:
                digest = fingerprint(frame) if persistent else ""
            Lineage(digest, self._run, made_from, files).attach(frame)
            if digest:
                self._digests.note(name, digest)

    def _sources(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Digests of tables by dataset; a table in memory stands for those it was made from."""
        for name, data in inputs.items():
            if name.startswith(FORMER):
                continue
            lineage = Lineage.of(data.attrs) if isinstance(data, pd.DataFrame) else None
            if lineage is not None and lineage.digest:
                yield name, lineage.digest
            elif lineage is not None:
                yield from lineage.inputs.items()

    def _files_of(self, inputs: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
        """The files behind some inputs, by dataset; those of tables in memory included."""
        found: dict[str, Mapping[str, str]] = {}
        for name, data in inputs.items():
            if name in self._files:
                found[name] = self._files[name]
            lineage = Lineage.of(data.attrs) if isinstance(data, pd.DataFrame) else None
            if lineage is not None and not lineage.digest:
                found |= lineage.files
        return found

    def _report_files(self, name: str, lineage: Lineage) -> None:
        """Report files that neither a table nor the tables behind it were made from."""
        for source, files in lineage.files.items():
            dataset = self._dataset(source)
            if not hasattr(dataset, "listing") or (source, source) in self._reported:
                continue
            now = dataset.listing()
            newer = [file for file, stamp in now.items() if files.get(file) != stamp]
            gone = len(files.keys() - now.keys())
            if newer or gone:
                self._reported.add((source, source))
                _warn_of_files(dataset.shown_folder, name, newer, gone)
        for source in lineage.inputs:
            dataset = self._dataset(source)
            above = dataset.lineage() if hasattr(dataset, "lineage") else None
            if above is not None and (source, "") not in self._reported:
                self._reported.add((source, ""))
                self._report_files(source, above)

    def _changed_since(self, lineage: Lineage) -> list[str]:
        now = {name: self._digests(name) for name in lineage.inputs}
        return [name for name, was in lineage.inputs.items() if now[name] not in (None, was)]

    def _dataset(self, name: str) -> Any:
        return self._catalog.get(name) if self._catalog is not None else None

    def _report(self, node: Node, name: str, source: str, run: str) -> None:
        message = (
            f"{name} is stale: run {run or 'unknown'} made it from another {source}. "
            f"Run the pipelines from {source} to {name} again."
        )
        if CURRENT in node.tags:
            raise UserError(message)
        # Nodes that compare former runs with the present read tables that are older on purpose.
        if RECORDS in node.tags or (name, source) in self._reported:
            return
        self._reported.add((name, source))
        if FIGURES in node.tags:
            # A weekly run draws what the last training has left, and needs no other.
            logger.info("%s is of run %s, before %s changed: figures show it", name, run, source)
        else:
            logger.warning(message)


def _warn_of_files(folder: str, name: str, newer: list[str], gone: int) -> None:
    """Warn of files that a table was not made from."""
    shown = ", ".join(newer[-_FILES_SHOWN:])[-_LONGEST_LIST:]
    logger.warning(
        "%s has %d newer files%s and lacks %d that %s was made from: run `kedro run "
        "--pipeline weekly`",
        *(folder, len(newer), f" ({shown})" if newer else "", gone, name),
    )
