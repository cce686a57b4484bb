"""The end of a run: errors beside the baseline's, fallbacks, outputs, and a refused candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from kedro.io.core import get_filepath_str
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from book_forecast.datasets.releases import ReleaseDataset
from book_forecast.releases.gates import Verdict
from book_forecast.releases.store import CHAMPION, ReleaseStore

SCORE_TABLE, METRICS, FORECASTS, PROMOTION = "score_table", "metrics", "forecasts", "promotion"
# Outputs a person would open next.
OUTPUTS = (FORECASTS, "scores", SCORE_TABLE, "title_plots", "overview_plot")
MOST_ROWS = 40
MOST_FALLBACKS = 10
NUMBERS = ("wape", "seasonal_naive_wape", "mase", "seasonal_naive_mase")
OVER_ALL = ("test_wape", "test_wape_seasonal_naive", "test_mase", "test_mase_seasonal_naive")
# A pipe or a log file has no width of its own.
WIDTH_WITHOUT_TERMINAL = 110
WIDTH_FOR_TITLES = 100


class SummaryHooks:
    """Prints a summary of what a run has written, also if the run then failed."""

    def __init__(self) -> None:
        self._saved: set[str] = set()
        self._release = ""

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Forget an earlier run of this session."""
        self._saved.clear()
        self._release = ""

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Note what is written, and the release of the forecasts."""
        self._saved.add(dataset_name)
        if dataset_name == FORECASTS and len(data):
            self._release = str(data["release"].iloc[0])

    @hook_impl(trylast=True)
    def after_pipeline_run(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Print the summary."""
        self._print(catalog)

    @hook_impl
    def on_pipeline_error(self, catalog: CatalogProtocol[Any, Any]) -> None:
        """Print what there is: a run may fail after its scores are written."""
        self._print(catalog)

    def _print(self, catalog: CatalogProtocol[Any, Any]) -> None:
        console = Console()
        if not console.is_terminal:
            console.width = WIDTH_WITHOUT_TERMINAL
        lines: list[str] = []
        if {SCORE_TABLE, METRICS} <= self._saved:
            scores, metrics = catalog.load(SCORE_TABLE), catalog.load(METRICS)
            console.print(render_scores(scores, metrics, console.width))
            lines += fallback_lines(scores)
        for name in OUTPUTS:
            location = _location(catalog, name) if name in self._saved else None
            if location:
                lines.append(f"{name}: {location}")
        champion = catalog.get(CHAMPION)
        if PROMOTION in self._saved and isinstance(champion, ReleaseDataset):
            verdict = Verdict.model_validate(catalog.load(PROMOTION))
            lines += refusal_lines(verdict, champion.store, self._release)
        for line in lines:
            console.print(line, soft_wrap=True, highlight=False, markup=False)


def fallback_lines(scores: pd.DataFrame) -> Iterator[str]:
    """Yield a line for each title with a fallback, at most 10, and their number.

    Args:
        scores: As `make_score_table` returns it.
    """
    found = scores[scores["fallback_reason"].notna()]
    if found.empty:
        return
    yield f"{len(found)} of {len(scores)} titles with a fallback to a simpler model:"
    for row in found.head(MOST_FALLBACKS).to_dict("records"):
        title = "" if pd.isna(row["title"]) else f" {row['title']}"
        yield f"  {row['isbn']}{title}: {row['fallback_reason']}"
    if len(found) > MOST_FALLBACKS:
        yield f"  and {len(found) - MOST_FALLBACKS} more"


def refusal_lines(verdict: Verdict, store: ReleaseStore, forecast_by: str) -> Iterator[str]:
    """Yield why a candidate is not champion, and the release of the forecasts.

    Args:
        verdict: The verdict on the candidate.
        store: The releases and the promotion log.
        forecast_by: The release of the forecasts that this run has written; may be empty.
    """
    log = store.promotions()
    champion = log[-1].release if log else None
    if champion == verdict.release:
        return
    if verdict.promote:
        yield f"{verdict.release} is NOT PROMOTED though it passed all gates: {champion} is pinned."
    else:
        yield f"{verdict.release} is NOT PROMOTED:"
        yield from (f"  gate {gate.name} failed: {gate.reason}" for gate in verdict.failed)
    if forecast_by == champion:
        latest = takewhile(lambda record: record.release == champion, reversed(log))
        since = min(record.when for record in latest)
        yield f"The forecasts are those of {champion}, champion since {since:%Y-%m-%d}."
    elif forecast_by:
        yield f"The forecasts are those of {forecast_by}."
    yield f"`kedro release promote {verdict.release}` promotes it regardless."


def render_scores(scores: pd.DataFrame, metrics: Mapping[str, float], width: int) -> Table:
    """Return the table of scores: at most 40 titles, and a last line for all titles.

    Args:
        scores: As `make_score_table` returns it.
        metrics: As `summarise_scores` returns them.
        width: Characters per line; a narrow table has no titles beside the ISBNs.
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


def _location(catalog: CatalogProtocol[Any, Any], name: str) -> str | None:
    dataset = catalog.get(name)
    path = getattr(dataset, "_filepath", None)
    # On a bucket, with its protocol.
    return path and get_filepath_str(path, getattr(dataset, "_protocol", "file"))
