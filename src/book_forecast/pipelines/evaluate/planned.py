"""Nodes that judge a candidate that follows a retraining plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from book_forecast.monitoring.summaries import is_broken
from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.pipelines.evaluate.promotion import add_scores, last_forecasts
from book_forecast.releases.assembly import with_planning, with_scores
from book_forecast.releases.gates import hold_back
from book_forecast.releases.refreshing import REFRESH


def add_planned_scores(
    candidate: Payload,
    score_table: pd.DataFrame,
    metrics: Mapping[str, float],
    test_forecasts: pd.DataFrame,
    training_models: pd.DataFrame,
) -> Payload:
    """Return the candidate with the scores of the titles that were tuned anew.

    The other titles keep those that they have, and so do the figures over all titles.

    Args:
        candidate: The release of this run.
        score_table: Of the titles that were tuned anew.
        metrics: Over these titles.
        test_forecasts: Their forecasts of the test weeks.
        training_models: isbn, model: their chosen models.
    """
    if score_table.empty:
        return candidate
    if candidate.manifest.get(REFRESH) is None:
        return add_scores(candidate, score_table, metrics, test_forecasts, training_models)
    columns = ["isbn", *SCHEMAS["scores"].names]
    former = pd.DataFrame({"isbn": candidate.titles["isbn"].to_pylist()})
    if candidate.scores is not None:
        former = pd.concat([former, candidate.scores.to_pandas()], axis=1)
    rest = former[~former["isbn"].isin(score_table["isbn"])]
    table = pd.concat([rest.reindex(columns=columns), score_table[columns]], ignore_index=True)
    rows = pa.Table.from_pandas(table, preserve_index=False)
    scored = with_scores(candidate, rows, candidate.manifest.get("scores", metrics))
    own = test_forecasts.merge(training_models[["isbn", "model"]], on=["isbn", "model"])
    return with_planning(scored, {"last_forecasts": last_forecasts(scored, own)})


def hold_back_promotion(
    refresh_verdict: Mapping[str, Any], monitor_status: Mapping[str, Any]
) -> dict[str, Any]:
    """Add the gate of the delivery to a verdict: nothing is promoted on a broken one.

    Args:
        refresh_verdict: The verdict on the candidate.
        monitor_status: The state of the newest delivery, with its problems.
    """
    return hold_back(
        refresh_verdict,
        is_broken=is_broken(monitor_status),
        problems=monitor_status["problems"],
    )
