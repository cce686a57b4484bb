"""The nodes of the train pipeline beside the fits."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd

from book_forecast.payload.contents import Payload
from book_forecast.pipelines.train.launches import describe_launches
from book_forecast.pipelines.train.release import (
    assemble_planned,
    assemble_release,
    describe_training,
)
from book_forecast.releases.retraining import REFIT, RETUNE, with_decision
from book_forecast.releases.training_notes import NOTES
from book_forecast.storage.errors import UserError

__all__ = [
    "assemble_planned",
    "assemble_release",
    "describe_launches",
    "describe_training",
    "recall_champion",
    "require_success",
    "summarise_fits",
    "take_refreshed",
]

logger = logging.getLogger(__name__)

# Model options without a global model.
NOTHING_TO_FIT = {"families": ["sarima"]}


def recall_champion(
    champion: Payload | None, retraining_plan: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, dict[str, Any], dict[str, Any]]:
    """Read the champion's specifications, to be fitted on the candidate's training weeks.

    Args:
        champion: The release; None where there is none.
        retraining_plan: isbn, decision: titles without another model need no comparison; None to
            compare all.

    Returns:
        Its specifications, its calibration and its model options, the last two as plain data.
        Without a champion, or with one that has no specifications, there is no row.
    """
    if champion is None or champion.specifications is None:
        return pd.DataFrame({"isbn": pd.Series(dtype="str")}), {}, dict(NOTHING_TO_FIT)
    rows = [json.loads(text) for text in champion.specifications["specification"].to_pylist()]
    if retraining_plan is not None:
        wanted = set(with_decision(retraining_plan, RETUNE))
        rows = [row for row in rows if row["isbn"] in wanted]
    if not rows:
        return pd.DataFrame({"isbn": pd.Series(dtype="str")}), {}, dict(NOTHING_TO_FIT)
    for row in rows:
        row.pop(NOTES, None)
    about = champion.manifest
    return pd.DataFrame(rows), dict(about["calibration"]), dict(about["options"])


def take_refreshed(model_input: pd.DataFrame, retraining_plan: pd.DataFrame) -> pd.DataFrame:
    """Return the weeks of the titles that are fitted again.

    Args:
        model_input: isbn, week, volume.
        retraining_plan: isbn, decision.
    """
    again = with_decision(retraining_plan, REFIT, RETUNE)
    return model_input[model_input["isbn"].isin(again)].reset_index(drop=True)


def summarise_fits(training_models: pd.DataFrame, release_models: pd.DataFrame) -> dict[str, float]:
    """Count titles and fallbacks.

    Returns:
        n_titles; n_fallbacks, the titles with a fallback in either table; success_rate, the share
        of the others (1 where there is no title).
    """
    models = pd.concat([training_models, release_models])
    fell_back = models.loc[models["fallback_reason"].notna(), "isbn"].nunique()
    n_titles = models["isbn"].nunique()
    rate = 1.0 - fell_back / n_titles if n_titles else 1.0
    logger.info("%d of %d titles needed no fallback", n_titles - fell_back, n_titles)
    return {
        "n_titles": float(n_titles),
        "n_fallbacks": float(fell_back),
        "success_rate": rate,
    }


def require_success(
    fit_summary: Mapping[str, float],
    min_success_rate: float,
    *written: object,  # noqa: ARG001
) -> None:
    """Fail the run where too many titles needed a fallback.

    Args:
        fit_summary: What `summarise_fits` returns.
        min_success_rate: The smallest share of titles without a fallback.
        written: Outputs that are written before.

    Raises:
        UserError: If the share is smaller.
    """
    if fit_summary["success_rate"] < min_success_rate:
        raise UserError(
            f"{fit_summary['n_fallbacks']:.0f} of {fit_summary['n_titles']:.0f} titles needed a "
            f"fallback: the success rate {fit_summary['success_rate']:.2f} is below "
            f"min_success_rate {min_success_rate}. Everything has been written; the column "
            "fallback_reason of training_models and release_models has the reasons."
        )
