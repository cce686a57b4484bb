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
from book_forecast.execution.lineage import Lineage
from book_forecast.execution.parts import Part
from book_forecast.hooks.optional_inputs import FIGURES
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

CURRENT = "current_inputs"
"""The tag of nodes that refuse a stale input."""


class LineageHooks:
    """Marks every table with its origin, and compares that with the present inputs.

    A table is stale where one of the tables that it was made from has changed since.
    """

    def __init__(self) -> None:
        self._catalog: CatalogProtocol[Any, Any] | None = None
        self._run = ""
        self._digests: dict[str, str | None] = {}
        self._reported: set[tuple[str, str]] = set()

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], catalog: CatalogProtocol[Any, Any]
    ) -> None:
        """Note the run; what an earlier one of the session has read may have changed."""
        self._run = str(run_params.get("run_id") or "")
        self._catalog = catalog
        self._digests.clear()
        self._reported.clear()

    @hook_impl
    def before_dataset_loaded(self, dataset_name: str) -> None:
        """Let a table of several generations choose by its present inputs."""
        dataset = self._dataset(dataset_name)
        if hasattr(dataset, "read_with"):
            dataset.read_with(self._digest)

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Report stale inputs.

        Raises:
            UserError: If the node refuses them.
        """
        for name, data in inputs.items():
            lineage = Lineage.of(data.attrs) if isinstance(data, pd.DataFrame) else None
            if lineage is None:
                continue
            self._digests[name] = lineage.digest
            for source in self._changed_since(lineage):
                self._report(node, name, source, lineage.run)

    @hook_impl
    def after_node_run(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Mark the outputs."""
        made_from = dict(self._sources(inputs))
        for name, data in outputs.items():
            frame = data.frame if isinstance(data, Part) else data
            if not isinstance(frame, pd.DataFrame):
                continue
            persistent = hasattr(self._dataset(name), "lineage")
            if isinstance(data, Part):
                digest = data.fingerprint
            else:
                digest = fingerprint(frame) if persistent else ""
            Lineage(digest, self._run, made_from).attach(frame)
            if digest:
                self._digests[name] = digest

    def _sources(self, inputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Digests of tables by dataset; a table in memory stands for those it was made from."""
        for name, data in inputs.items():
            lineage = Lineage.of(data.attrs) if isinstance(data, pd.DataFrame) else None
            if lineage is not None and lineage.digest:
                yield name, lineage.digest
            elif lineage is not None:
                yield from lineage.inputs.items()

    def _changed_since(self, lineage: Lineage) -> list[str]:
        now = {name: self._digest(name) for name in lineage.inputs}
        return [name for name, was in lineage.inputs.items() if now[name] not in (None, was)]

    def _digest(self, name: str) -> str | None:
        """The digest that a dataset has now; None where it has none."""
        if name not in self._digests:
            self._digests[name] = None  # ends a circle of tables that were made from each other
            dataset = self._dataset(name)
            if hasattr(dataset, "read_with"):
                dataset.read_with(self._digest)
            lineage = dataset.lineage() if hasattr(dataset, "lineage") else None
            self._digests[name] = lineage.digest if lineage else None
        return self._digests[name]

    def _dataset(self, name: str) -> Any:
        return self._catalog.get(name) if self._catalog is not None else None

    def _report(self, node: Node, name: str, source: str, run: str) -> None:
        message = (
            f"{name} is stale: run {run or 'unknown'} made it from another {source} than there is "
            f"now. Run the pipelines from {source} to {name} again, or all of them."
        )
        if CURRENT in node.tags:
            raise UserError(message)
        if (name, source) not in self._reported:
            self._reported.add((name, source))
            logger.log(logging.INFO if FIGURES in node.tags else logging.WARNING, message)
