"""The ingest pipeline on a folder of exports, in this process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from omegaconf import OmegaConf

from book_forecast.bookscan.readers.limited import LimitedReader
from book_forecast.datasets import exports
from book_forecast.options.checking import check_options
from book_forecast.pipelines.ingest import create_pipeline
from book_forecast.storage.errors import find_user_error

CONF = Path(__file__).resolve().parents[2] / "conf" / "base"
# The process that reads workbooks takes longer to start than to read one: all runs have the same.
_READER = LimitedReader()


@dataclass
class Outcome:
    """The end of ingest: an error, or tables.

    Attributes:
        error: The exception that ended it; a `UserError` if there is one among its causes.
        weekly: ``weekly_sales``.
        titles: ``titles``.
        rejected: ``rejected_rows``.
        warnings: Messages of level WARNING and above.
    """

    error: BaseException | None = None
    weekly: pd.DataFrame = field(default_factory=pd.DataFrame)
    titles: pd.DataFrame = field(default_factory=pd.DataFrame)
    rejected: pd.DataFrame = field(default_factory=pd.DataFrame)
    warnings: list[str] = field(default_factory=list)


def run_ingest(root: Path) -> Outcome:
    """Run every node of ingest, but those that draw, on the exports in ``01_raw/sales``."""
    pipeline = create_pipeline()
    pipeline -= pipeline.only_nodes_with_tags("figures")
    catalog = _catalog(root, pipeline)
    outcome = Outcome()
    with _warnings(outcome.warnings), pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "LimitedReader", lambda: _READER)
        try:
            SequentialRunner().run(pipeline, catalog)
        except Exception as error:  # noqa: BLE001 - every end is an outcome
            outcome.error = find_user_error(error) or error
            return outcome
    outcome.weekly = catalog.load("weekly_sales")
    outcome.titles = catalog.load("titles")
    outcome.rejected = catalog.load("rejected_rows")
    return outcome


def _catalog(root: Path, pipeline: Pipeline) -> DataCatalog:
    """The real entries of the pipeline's tables and the default parameters."""
    used = pipeline.datasets()
    entries = _configuration("catalog*.yml")
    chosen = OmegaConf.create(
        {"_root": str(root)} | {name: entries[name] for name in used if name in entries}
    )
    resolved: Any = OmegaConf.to_container(chosen, resolve=True)
    catalog = DataCatalog.from_config(
        {name: entry for name, entry in resolved.items() if name != "_root"}
    )
    options = check_options(_configuration("parameters*.yml") | {"data_root": str(root)})
    for name in used:
        if name.startswith("params:"):
            catalog[name] = attrgetter(name.removeprefix("params:"))(options)
    return catalog


@cache
def _configuration(pattern: str) -> dict[str, Any]:
    """The entries of the configuration files of a pattern, not resolved."""
    merged: Any = OmegaConf.merge(*(OmegaConf.load(path) for path in CONF.glob(pattern)))
    plain: Any = OmegaConf.to_container(merged)
    return dict(plain)


@contextmanager
def _warnings(messages: list[str]) -> Iterator[None]:
    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    handler = Collect(logging.WARNING)
    logger = logging.getLogger("book_forecast")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
