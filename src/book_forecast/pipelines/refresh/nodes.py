"""Nodes that only the refresh has."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd

from book_forecast.releases.gates import Verdict
from book_forecast.releases.refused_trainings import with_refused

logger = logging.getLogger(__name__)


def report_refresh(
    retraining_summary: Mapping[str, Any],
    promotion: Mapping[str, Any],
    champion_now: str | None,
    forecasts: pd.DataFrame,
) -> None:
    """Report in one line what was trained, what became of it, and whose forecasts there are.

    Args:
        retraining_summary: Numbers of titles by decision.
        promotion: The verdict on the candidate.
        champion_now: The release that is champion after it.
        forecasts: isbn, release.
    """
    verdict, titles = Verdict.model_validate(promotion), retraining_summary["titles"]
    trained = titles["refit"] + titles["retune"]
    if not trained or verdict.release == verdict.champion:
        became = "no new release"
    elif verdict.release == champion_now:
        became = f"{verdict.release} is champion"
    elif verdict.promote:
        became = f"{verdict.release} is not promoted: {champion_now} is pinned"
    else:
        became = f"{verdict.release} is refused: {verdict.why}"
    logger.info(
        "Refresh: %d titles kept, %d refitted, %d tuned anew; %s; forecasts of %d titles by %s",
        *(titles["keep"], titles["refit"], titles["retune"], became),
        *(forecasts["isbn"].nunique(), ", ".join(forecasts["release"].unique())),
    )


def note_refused(
    former_refused_trainings: pd.DataFrame | None,
    retraining_plan: pd.DataFrame,
    title_trainings: pd.DataFrame,
    promotion: Mapping[str, Any],
    champion_now: str | None,
    model_input: pd.DataFrame,
) -> pd.DataFrame:
    """Note the titles whose training has not made its candidate champion; see `with_refused`.

    Args:
        former_refused_trainings: Those before the run; None before the first.
        retraining_plan: isbn, decision.
        title_trainings: isbn, tuned_until, trained_until.
        promotion: The verdict on the candidate.
        champion_now: The release that is champion after it.
        model_input: isbn, week, volume.
    """
    verdict, newest = Verdict.model_validate(promotion), model_input["week"].max()
    return with_refused(
        former_refused_trainings, retraining_plan, title_trainings, verdict, champion_now, newest
    )
