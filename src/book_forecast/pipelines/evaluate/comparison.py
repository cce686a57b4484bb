"""The candidate held against the champion.

Releases are fitted on all weeks, the test weeks among them. So the specifications are compared, the
candidate's and the champion's, each fitted on the same training weeks.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.backtesting.metrics import ALL_TITLES, score_forecasts
from book_forecast.options.groups import PromoteOptions
from book_forecast.payload.contents import Payload
from book_forecast.releases.gates import Errors, judge
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

CHAMPION, CANDIDATE = "champion", "candidate"


def judge_release(
    candidate: Payload,
    champion: Payload | None,
    test_forecasts: pd.DataFrame,
    champion_test_forecasts: pd.DataFrame,
    training_models: pd.DataFrame,
    model_input: pd.DataFrame,
    score_table: pd.DataFrame,
    metrics: dict[str, float],
    levels: list[float],
    options: PromoteOptions,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Decides whether the candidate becomes champion.

    Args:
        candidate: The release that was trained.
        champion: The one there is.
        test_forecasts: Of the test weeks, with the candidate's specifications and the baselines.
        champion_test_forecasts: As `forecast_with_champion` returns them.
        training_models: Tells which model was chosen for each title.
        model_input: isbn, week, volume of all weeks.
        score_table: Errors on the test weeks, one row a title.
        metrics: Scores over all titles.
        levels: Interval levels in percent.
        options: The gates.

    Returns:
        The scores to add to the candidate (release, table, summary), and the verdict as plain data.

    Raises:
        UserError: If another release has become champion since the forecasts were made.
    """
    errors = None
    if champion is not None:
        own = test_forecasts.merge(training_models[["isbn", "model"]], on=["isbn", "model"])
        theirs = _forecasts_of(champion, champion_test_forecasts)
        known = dict.fromkeys(champion.titles["isbn"].to_pylist())
        common = own[own["isbn"].isin(known)]
        both = [common.assign(model=CANDIDATE), theirs]
        scores = score_forecasts(
            pd.concat(both, ignore_index=True), model_input, model_input, levels
        )
        has = set(candidate.titles["isbn"].to_pylist())
        errors = replace(_errors(scores), titles=len(has & known.keys()) / max(len(known), 1))
    verdict = judge(
        candidate.release, champion.release if champion else None, metrics, errors, options
    )
    for line in verdict.told():
        logger.info("%s", line)
    columns = ["isbn", "wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase"]
    scored = {"release": candidate.release, "table": score_table[columns], "summary": metrics}
    return scored, verdict.model_dump(mode="json")


def _forecasts_of(champion: Payload, *frames: pd.DataFrame) -> pd.DataFrame:
    """The champion's forecasts; an error if they are those of one that has gone since."""
    theirs = pd.concat(frames)
    if others := sorted(set(theirs["model"]) - {champion.release}):
        raise UserError(
            f"The champion is {champion.release} by now, but the candidate was compared with "
            f"{', '.join(others)}: run the evaluate pipeline again."
        )
    return theirs.assign(model=CHAMPION)


def _errors(scores: pd.DataFrame) -> Errors:
    """The candidate's and the champion's errors, per title over all cutoffs, and over all."""
    test = scores[(scores["cutoff"] == scores["cutoff"].max()) & (scores["isbn"] == ALL_TITLES)]
    wape = test[test["metric"] == "wape"].set_index("model")["value"]
    titles = scores[(scores["metric"] == "mase") & (scores["isbn"] != ALL_TITLES)]
    wide = titles.pivot_table(index="isbn", columns="model", values="value", aggfunc="mean")
    wide = wide.reindex(columns=[CANDIDATE, CHAMPION]).dropna()
    return Errors(
        candidate=float(wape.get(CANDIDATE, np.nan)),
        champion=float(wape.get(CHAMPION, np.nan)),
        candidate_by_title=tuple(wide[CANDIDATE]),
        champion_by_title=tuple(wide[CHAMPION]),
    )
