"""The end of a run: errors and forecasts, fallbacks, outputs, and a refused candidate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

import pandas as pd
from kedro.framework.hooks import hook_impl
from kedro.io import CatalogProtocol
from rich.console import Console

from book_forecast.datasets.releases import ReleaseDataset
from book_forecast.hooks import end_table
from book_forecast.hooks.locations import location
from book_forecast.payload.contents import Payload
from book_forecast.releases.gates import Verdict
from book_forecast.releases.store import CHAMPION, ReleaseStore

SCORE_TABLE, METRICS, FORECASTS, PROMOTION = "score_table", "metrics", "forecasts", "promotion"
CURRENT_RELEASE = "current_release"
# Outputs a person would open next.
OUTPUTS = (FORECASTS, "scores", SCORE_TABLE, "title_plots", "overview_plot")
MOST_FALLBACKS = 10


class SummaryHooks:
    """Prints a summary of what a run has written, also if the run then failed."""

    def __init__(self) -> None:
        self._saved: set[str] = set()
        self._sums: pd.DataFrame | None = None
        self._release: Payload | None = None

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Forget an earlier run of this session."""
        self._saved.clear()
        self._sums = self._release = None

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Note what is written, the forecasts of each title and their release."""
        self._saved.add(dataset_name)
        if dataset_name == FORECASTS and len(data):
            self._sums = end_table.sum_forecasts(data)
        elif dataset_name == CURRENT_RELEASE and isinstance(data, Payload):
            self._release = data

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
        lines: list[str] = []
        scores, over_all = self._scores(catalog)
        rows = end_table.end_rows(scores, self._sums, self._names())
        if len(rows):
            width = min(console.width, end_table.WIDTH) if console.is_terminal else end_table.WIDTH
            caption = "" if self._sums is None else end_table.caption_of(self._sums)
            table = end_table.render(rows, over_all, caption, width)
            console.print(table, width=width, highlight=False)
        if scores is not None and "fallback_reason" in scores:
            lines += fallback_lines(scores)
        for name in OUTPUTS:
            path = location(catalog.get(name)) if name in self._saved else None
            if path:
                lines.append(f"{name}: {path}")
        champion = catalog.get(CHAMPION)
        if PROMOTION in self._saved and isinstance(champion, ReleaseDataset):
            verdict = Verdict.model_validate(catalog.load(PROMOTION))
            by = "" if self._sums is None else str(self._sums["release"].iloc[0])
            lines += refusal_lines(verdict, champion.store, by)
        for line in lines:
            console.print(line, soft_wrap=True, highlight=False, markup=False)

    def _names(self) -> dict[str, str | None]:
        """The titles of the release by ISBN."""
        if self._release is None:
            return {}
        columns = (self._release.titles[name].to_pylist() for name in ("isbn", "title"))
        return dict(zip(*columns, strict=True))

    def _scores(
        self, catalog: CatalogProtocol[Any, Any]
    ) -> tuple[pd.DataFrame | None, Mapping[str, float]]:
        """The errors that this run has found, or those that its release has with it."""
        if {SCORE_TABLE, METRICS} <= self._saved:
            return catalog.load(SCORE_TABLE), catalog.load(METRICS)
        if self._release is not None:
            stored = end_table.stored_scores(self._release)
            return stored, self._release.manifest.get("scores", {})
        return None, {}


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
