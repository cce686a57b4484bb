"""The index of all pages: written after every run that draws, also if the run then fails."""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from pydantic import BaseModel, ConfigDict

from book_forecast.datasets import FigurePageDataset, FiguresDataset
from book_forecast.hooks.locations import location
from book_forecast.plots.index import index_page, index_titles
from book_forecast.plots.listing import Link, TitlePages
from book_forecast.plots.pages import links_script

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
        filled: A table; without rows in it, the entry is not listed.
        titles: Of a page with a row of each title of `filled`, which has its ISBN as the anchor:
            the label of links to these rows.

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
    filled: str | None = None
    titles: str | None = None


class ReportIndexHooks:
    """Writes the page that leads to all others, and the links between those of one title.

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
    kinds: list[TitlePages] = []
    figures, tables = [], []
    for name, entry in _listed(catalog):
        dataset = catalog.get(name)
        if not catalog.exists(name):
            continue
        rows = _table(catalog, entry.filled) if entry.filled else None
        if entry.filled and (rows is None or rows.empty):
            continue
        address = posixpath.relpath(str(location(dataset)), folder)
        if isinstance(dataset, FiguresDataset):
            kinds.append(TitlePages(entry.label, f"{address}/*.html", [*dataset.load()]))
        elif isinstance(dataset, FigurePageDataset):
            beside = posixpath.join(posixpath.dirname(address), dataset.page.name)
            figures.append(Link(entry.label, beside))
        elif address.endswith(".html"):
            figures.append(Link(entry.label, address))
        else:
            tables.append(Link(entry.label, address))
        if rows is not None and entry.titles:
            kinds.append(TitlePages(entry.titles, f"{address}#*", [*rows["isbn"]]))
    isbns = sorted({isbn for kind in kinds for isbn in kind.isbns})
    if not isbns and not figures:
        return None
    facts = {name: _table(catalog, name) for name in FACTS}
    note = f"Written {datetime.now().astimezone():%Y-%m-%d %H:%M}{_weeks(facts['forecasts'])}"
    titles = index_titles(isbns, **facts)
    _relate(catalog, kinds, titles)
    return index_page(titles, kinds, figures, tables, note)


def _relate(
    catalog: CatalogProtocol[Any, Any], kinds: Sequence[TitlePages], titles: pd.DataFrame
) -> None:
    """Write the links between pages of the same title, and from title to title."""
    place = {isbn: number for number, isbn in enumerate(titles["isbn"])}
    ordered = [kind._replace(isbns=sorted(kind.isbns, key=place.__getitem__)) for kind in kinds]
    script = links_script(ordered, dict(zip(titles["isbn"], titles["title"], strict=True)))
    for name, _ in _listed(catalog):
        dataset = catalog.get(name)
        if isinstance(dataset, FiguresDataset) and catalog.exists(name):
            dataset.relate(script)


def _listed(catalog: CatalogProtocol[Any, Any]) -> list[tuple[str, IndexEntry]]:
    """Names of the entries in the index and what they say, in their order."""
    found = [(_entry(catalog, name), name) for name in catalog.keys()]  # noqa: SIM118
    listed = [(entry.order, entry.label, name, entry) for entry, name in found if entry is not None]
    return [(name, entry) for *_, name, entry in sorted(listed, key=lambda of: of[:3])]


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
