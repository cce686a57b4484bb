"""What a run tells at its end: errors beside the baseline's, and where things were written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.io.core import get_filepath_str
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SCORE_TABLE = "score_table"
METRICS = "metrics"
# Outputs a person would open next.
TOLD = ("forecasts", "scores", SCORE_TABLE, "title_plots", "overview_plot")
MOST_ROWS = 40
NUMBERS = ("wape", "seasonal_naive_wape", "mase", "seasonal_naive_mase")
OVER_ALL = ("test_wape", "test_wape_seasonal_naive", "test_mase", "test_mase_seasonal_naive")
# A pipe or a log file has no width of its own.
WIDTH_WITHOUT_TERMINAL = 110
WIDTH_FOR_TITLES = 100


class SummaryHooks:
    """Prints the table of scores after a run that has made one, also if the run then failed."""

    def __init__(self) -> None:
        self._saved: set[str] = set()

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Forget what an earlier run of this session has written."""
        self._saved.clear()

    @hook_impl
    def after_dataset_saved(self, dataset_name: str) -> None:
        """Note what was written.

        Args:
            dataset_name: Of the catalog.
        """
        self._saved.add(dataset_name)

    @hook_impl(trylast=True)
    def after_pipeline_run(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Print the table.

        Args:
            catalog: Where the table is read from.
        """
        self._print(catalog)

    @hook_impl
    def on_pipeline_error(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Print what there is: a run may fail after its scores were written.

        Args:
            catalog: Where the table is read from.
        """
        self._print(catalog)

    def _print(self, catalog: CatalogProtocol[Any, Any]) -> None:
        console = Console()
        if not console.is_terminal:
            console.width = WIDTH_WITHOUT_TERMINAL
        if {SCORE_TABLE, METRICS} <= self._saved:
            scores, metrics = catalog.load(SCORE_TABLE), catalog.load(METRICS)
            console.print(render_scores(scores, metrics, console.width))
        for name in TOLD:
            place = _place(catalog, name) if name in self._saved else None
            if place:
                console.print(f"{name}: {place}", soft_wrap=True, highlight=False)


def render_scores(scores: pd.DataFrame, metrics: Mapping[str, float], width: int) -> Table:
    """The table of scores for a terminal, of at most 40 titles, with a last line for all of them.

    Args:
        scores: As `make_score_table` returns it.
        metrics: As `summarise_scores` returns them.
        width: Characters a line; titles are named by their ISBN alone where it is narrow.
    """
    with_titles = width >= WIDTH_FOR_TITLES
    table = Table(title="Errors on the test weeks, beside seasonal naive's")
    table.add_column("ISBN", min_width=13)
    if with_titles:
        table.add_column("Title", no_wrap=True, overflow="ellipsis", max_width=32)
    table.add_column("Model", min_width=21)
    for name in ("WAPE", "naive's", "MASE", "naive's"):
        table.add_column(name, justify="right", min_width=len(name))
    for row in scores.head(MOST_ROWS).to_dict("records"):
        model = _text(row["specification"]) or row["model"]
        named = (row["isbn"], _text(row["title"]), model) if with_titles else (row["isbn"], model)
        table.add_row(*named, *(_number(row[name]) for name in NUMBERS))
    if len(scores) > MOST_ROWS:
        table.add_row(f"and {len(scores) - MOST_ROWS} more")
    table.add_section()
    together = ("all titles", "", "") if with_titles else ("all titles", "")
    table.add_row(*together, *(_number(metrics.get(name, float("nan"))) for name in OVER_ALL))
    return table


def _text(value: Any) -> str:
    # A bracket in a title is no mark-up.
    return "" if pd.isna(value) else escape(str(value))


def _number(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:.2f}"


def _place(catalog: CatalogProtocol[Any, Any], name: str) -> str | None:
    dataset = catalog.get(name)
    place = getattr(dataset, "_filepath", None)
    # On a bucket, with its protocol.
    return place and get_filepath_str(place, getattr(dataset, "_protocol", "file"))
