"""The index of all pages: written after every run that draws, also if the run then fails."""

from __future__ import annotations

import logging
import posixpath
from datetime import datetime
from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from pydantic import BaseModel, ConfigDict

from book_forecast.datasets import FigurePageDataset, FiguresDataset
from book_forecast.hooks.locations import location
from book_forecast.plots.index import Link, index_page, index_titles

logger = logging.getLogger(__name__)

INDEX = "report_index"
"""The catalog's entry of the index."""
FACTS = ("titles", "model_input", "forecasts", "score_table")
"""Tables that the index shows something of, if they exist."""


class IndexEntry(BaseModel):
    """How an entry of the catalog is in the index: ``metadata: {index: {…}}`` of the entry.

    Attributes:
        label: Its name there.
        order: Its place among the others, the smallest first; then by label.

    Example:
        ```yaml
        title_plots:
          type: book_forecast.datasets.FiguresDataset
          filepath: "${_root}/08_reporting/title_plots"
          metadata: {index: {label: forecast, order: 1}}
        ```
    """

    model_config = ConfigDict(extra="forbid")

    label: str
    order: int = 9


class ReportIndexHooks:
    """Writes the page that leads to all others.

    An entry with ``metadata: {index: {label: …}}`` is in the index under that label: figures by
    ISBN in the row of each title, other pages above the titles, tables below them. The index lists
    what exists, also the pages of former runs.
    """

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Write the index."""
        self._write(pipeline, catalog)

    @hook_impl
    def on_pipeline_error(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        """Write the index: pages may be written before a run fails."""
        self._write(pipeline, catalog)

    def _write(self, pipeline: Pipeline, catalog: CatalogProtocol[Any, Any]) -> None:
        if INDEX not in catalog or not any(_entry(catalog, n) for n in pipeline.all_outputs()):
            return
        try:
            html = render_index(catalog)
            if html is not None:
                catalog.save(INDEX, html)
                logger.info("All pages: %s", location(catalog.get(INDEX)))
        except Exception as error:  # noqa: BLE001 - a forecast is worth more than the way to it
            reason = str(error).partition("\n")[0]
            logger.warning("The index of pages could not be written (%s); the run goes on", reason)


def render_index(catalog: CatalogProtocol[Any, Any]) -> str | None:
    """Return the index of the pages that exist; None if there is no page.

    Args:
        catalog: Its entries with ``metadata: {index: {…}}`` are listed.
    """
    folder = posixpath.dirname(str(location(catalog.get(INDEX))))
    titles: dict[str, dict[str, str]] = {}
    figures, tables = [], []
    for name, label in _listed(catalog):
        dataset = catalog.get(name)
        if not catalog.exists(name):
            continue
        address = posixpath.relpath(str(location(dataset)), folder)
        if isinstance(dataset, FiguresDataset):
            titles[label] = {isbn: f"{address}/{isbn}.html" for isbn in dataset.load()}
        elif isinstance(dataset, FigurePageDataset):
            figures.append(
                Link(label, posixpath.join(posixpath.dirname(address), dataset.page.name))
            )
        elif address.endswith(".html"):
            figures.append(Link(label, address))
        else:
            tables.append(Link(label, address))
    isbns = sorted({isbn for pages in titles.values() for isbn in pages})
    if not isbns and not figures:
        return None
    facts = {name: _table(catalog, name) for name in FACTS}
    note = f"Written {datetime.now().astimezone():%Y-%m-%d %H:%M}{_weeks(facts['forecasts'])}"
    return index_page(index_titles(isbns, **facts), titles, figures, tables, note)


def _listed(catalog: CatalogProtocol[Any, Any]) -> list[tuple[str, str]]:
    """Names of the entries in the index and their labels, in their order."""
    found = [(_entry(catalog, name), name) for name in catalog.keys()]  # noqa: SIM118
    listed = [(entry.order, entry.label, name) for entry, name in found if entry is not None]
    return [(name, label) for _, label, name in sorted(listed)]


def _entry(catalog: CatalogProtocol[Any, Any], name: str) -> IndexEntry | None:
    metadata = getattr(catalog.get(name), "metadata", None) if name in catalog else None
    wanted = metadata.get("index") if isinstance(metadata, dict) else None
    return None if wanted is None else IndexEntry.model_validate(wanted)


def _table(catalog: CatalogProtocol[Any, Any], name: str) -> pd.DataFrame | None:
    found = catalog.load(name) if name in catalog and catalog.exists(name) else None
    return found if isinstance(found, pd.DataFrame) else None


def _weeks(forecasts: pd.DataFrame | None) -> str:
    if forecasts is None or forecasts.empty:
        return ""
    first, last = forecasts["week"].min(), forecasts["week"].max()
    return f" · forecasts for the weeks ending {first:%Y-%m-%d} to {last:%Y-%m-%d}"
