"""Nodes of the evaluate pipeline that judge the candidate.

Releases are fitted on all weeks, the test weeks included. So specifications are compared: the
candidate's and the champion's, both fitted on the training weeks.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.naive import SeasonalNaive, Zero
from book_forecast.options.groups import PromoteOptions
from book_forecast.payload.contents import SCHEMAS, Payload
from book_forecast.payload.planning import updated
from book_forecast.releases.assembly import with_planning, with_scores
from book_forecast.releases.gates import (
    Comparison,
    Measures,
    PromotionRefusedError,
    Verdict,
    judge,
    with_challenge,
)
from book_forecast.releases.refreshing import REFRESH
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)


def add_scores(
    candidate: Payload,
    score_table: pd.DataFrame,
    metrics: Mapping[str, float],
    test_forecasts: pd.DataFrame,
    training_models: pd.DataFrame,
) -> Payload:
    """Return the candidate with its forecasts of the test weeks, and their scores."""
    table = score_table[["isbn", *SCHEMAS["scores"].names]]
    scored = with_scores(candidate, pa.Table.from_pandas(table, preserve_index=False), metrics)
    own = test_forecasts.merge(training_models[["isbn", "model"]], on=["isbn", "model"])
    return with_planning(scored, {"last_forecasts": last_forecasts(scored, own)})


def last_forecasts(candidate: Payload, own: pd.DataFrame) -> pa.Table:
    """Return the forecasts of the test weeks as the release's table, with the narrowest interval.

    Other titles keep those that the release has.

    Args:
        candidate: The release.
        own: isbn, week, mean and `lo-L`, `hi-L` by the chosen model of each title.
    """
    row_of = {isbn: row for row, isbn in enumerate(candidate.titles["isbn"].to_pylist())}
    levels = [float(name.removeprefix("lo-")) for name in own.columns if name.startswith("lo-")]
    bounds: dict[str, str] = {}
    if levels:
        bounds = {"lower": f"lo-{min(levels):g}", "upper": f"hi-{min(levels):g}"}
    rows = {}
    for isbn, title in own.sort_values(["isbn", "week"]).groupby("isbn", sort=False):
        if isbn in row_of:
            rows[row_of[str(isbn)]] = {
                "first_week": title["week"].iloc[0].date(),
                "level": min(levels, default=None),
                "mean": title["mean"].to_numpy(),
                **{side: title[name].to_numpy() for side, name in bounds.items()},
            }
    former = candidate.planning.get("last_forecasts")
    return updated(former, "last_forecasts", rows, len(row_of))


def judge_candidate(
    candidate: Payload,
    champion: Payload | None,
    test_forecasts: pd.DataFrame,
    champion_test_forecasts: pd.DataFrame,
    training_models: pd.DataFrame,
    model_input: pd.DataFrame,
    titles_left_out: pd.DataFrame,
    options: PromoteOptions,
) -> dict[str, Any]:
    """Judge whether the candidate becomes champion.

    Args:
        candidate: The release of this training.
        champion: The present champion; None where there is none.
        test_forecasts: Forecasts of the test weeks by the candidate's models and the baselines.
        champion_test_forecasts: The same by the champion's specifications, fitted on the same
            training weeks; the model is the champion's id. Empty where there is no champion.
        training_models: isbn, model, fallback_reason: the chosen model of each title.
        model_input: isbn, week, volume of all weeks.
        titles_left_out: isbn, alive, last_sale of the titles that are not forecast.
        options: Bounds of the gates.

    Returns:
        The verdict of these gates as plain data.

    Raises:
        UserError: If another release has become champion since the champion was fitted.
    """
    own = test_forecasts.merge(training_models[["isbn", "model"]], on=["isbn", "model"])
    baseline = test_forecasts[test_forecasts["model"] == SeasonalNaive.family]
    fell_back = set(training_models.loc[training_models["fallback_reason"].notna(), "isbn"])
    fell_back |= _fallbacks(candidate)
    same = _same_models(candidate, champion, own)
    measures = _measure(own, baseline, model_input, fell_back, same)
    comparison = None
    if champion is not None:
        _refuse_another(champion, champion_test_forecasts)
        living = _living(champion, model_input, titles_left_out)
        launches = _titles_with(champion, Launch.family) & set(candidate.titles["isbn"].to_pylist())
        comparison = _compare(
            *(champion, own, champion_test_forecasts, baseline, model_input, living, launches, same)
        )
    return judge(candidate.release, measures, comparison, options).model_dump(mode="json")


def require_win(
    gate_verdict: Mapping[str, Any], arm_test: Mapping[str, Any] | None, options: PromoteOptions
) -> dict[str, Any]:
    """Add the gate of a won challenge where `promote.require_win` asks for it, and report.

    Args:
        gate_verdict: As `judge_candidate` returns it.
        arm_test: The state of the challenge; None where monitor has written none.
        options: Bounds of the gates.

    Returns:
        The verdict as plain data.
    """
    verdict = Verdict.model_validate(gate_verdict)
    if options.require_win:
        verdict = with_challenge(verdict, arm_test)
    for line in verdict.lines():
        logger.info("%s", line)
    return verdict.model_dump(mode="json")


def require_promotion(
    promotion: Mapping[str, Any],
    options: PromoteOptions,
    *written: object,  # noqa: ARG001
) -> None:
    """Fail the run at its end if the candidate is refused and `promote.required` is set.

    Args:
        promotion: The verdict.
        options: Bounds of the gates.
        written: Outputs that must be written before.

    Raises:
        PromotionRefusedError: Names the gates.
    """
    verdict = Verdict.model_validate(promotion)
    if options.required and not verdict.promote and verdict.release != verdict.champion:
        reasons = "; ".join(f"{gate.name}: {gate.reason}" for gate in verdict.failed)
        raise PromotionRefusedError(
            f"{verdict.release} is not promoted ({reasons}), and promote.required is set. "
            f"Everything is written; {verdict.champion} stays champion. `kedro release promote` "
            "promotes the candidate regardless."
        )


def _compare(
    champion: Payload,
    own: pd.DataFrame,
    theirs: pd.DataFrame,
    baseline: pd.DataFrame,
    actuals: pd.DataFrame,
    living: set[str],
    launches: set[str],
    same: set[str],
) -> Comparison:
    """Compare the titles that both forecast; launches of both have no test weeks to compare."""
    scored = set(own["isbn"].unique()) & set(theirs["isbn"].unique())
    compared = scored.intersection(champion.titles["isbn"].to_pylist())
    living = living - (launches - compared)
    # Releases of older versions have no specifications to fit again.
    unknown = champion.specifications is None and theirs.empty and bool(living)
    ours = own[own["isbn"].isin(compared)]
    theirs = theirs[theirs["isbn"].isin(compared)]
    order = sorted(compared)
    errors = [_errors(frame, actuals).reindex(order) for frame in (ours, theirs)]
    errors[1] = errors[1].reindex(columns=errors[0].columns)
    fell_back = _fallbacks(champion)
    return Comparison(
        champion=champion.release,
        candidate_errors=errors[0].to_numpy(dtype=float),
        champion_errors=errors[1].to_numpy(dtype=float),
        measures=None if unknown else _measure(theirs, baseline, actuals, fell_back, same),
        compared=len((compared | same) & living),
        living=len(living),
        same=len(same),
    )


def _errors(forecasts: pd.DataFrame, actuals: pd.DataFrame) -> pd.DataFrame:
    """Return absolute errors, a row a title and a column a week; NaN without a known volume."""
    known = _beside_actuals(forecasts, actuals)
    known["error"] = (known["mean"] - known["volume"]).abs()
    return known.pivot_table(index="isbn", columns="week", values="error", dropna=False)


def _beside_actuals(forecasts: pd.DataFrame, actuals: pd.DataFrame) -> pd.DataFrame:
    known = actuals.loc[actuals["volume"].notna(), ["isbn", "week", "volume"]]
    return forecasts.merge(known, on=["isbn", "week"], validate="many_to_one")


def _measure(
    forecasts: pd.DataFrame,
    baseline: pd.DataFrame,
    actuals: pd.DataFrame,
    fell_back: set[str],
    same: set[str],
) -> Measures:
    """Return the figures of one release's forecasts, a model a title.

    Titles with the same models in both releases have no forecasts; their fallbacks count.
    """
    isbns = set(forecasts["isbn"].unique())
    known = _beside_actuals(forecasts, actuals)
    naive = _beside_actuals(baseline[baseline["isbn"].isin(isbns)], actuals)
    coverage: dict[str, npt.NDArray[np.float64]] = {}
    for level in [
        n.removeprefix("lo-") for n in forecasts.columns.astype(str) if n.startswith("lo-")
    ]:
        bounds = known.dropna(subset=[f"lo-{level}", f"hi-{level}"])
        inside = bounds["volume"].between(bounds[f"lo-{level}"], bounds[f"hi-{level}"])
        by_title = inside.astype(float).groupby(bounds["isbn"]).mean()
        coverage[level] = np.asarray(by_title, dtype=np.float64)
    return Measures(
        wape=_wape(known),
        baseline_wape=_wape(naive),
        coverage=coverage,
        fallbacks=len((isbns | same) & fell_back) / len(isbns | same) if isbns | same else 1.0,
    )


def _wape(known: pd.DataFrame) -> float:
    sold = known["volume"].abs().sum()
    return float((known["mean"] - known["volume"]).abs().sum() / sold) if sold else np.nan


def _same_models(candidate: Payload, champion: Payload | None, own: pd.DataFrame) -> set[str]:
    """Return the titles that a candidate has from the champion, or fits with its specification."""
    if champion is None or candidate.manifest.get(REFRESH) is None:
        return set()
    both = set(candidate.titles["isbn"].to_pylist()) & set(champion.titles["isbn"].to_pylist())
    return both - set(own["isbn"])


def _fallbacks(release: Payload) -> set[str]:
    rows = release.titles.select(["isbn", "fallback_reason"]).to_pylist()
    return {row["isbn"] for row in rows if row["fallback_reason"] is not None}


def _titles_with(release: Payload, family: str) -> set[str]:
    rows = release.titles.select(["isbn", "model"]).to_pylist()
    return {row["isbn"] for row in rows if row["model"] == family}


def _living(champion: Payload, actuals: pd.DataFrame, left_out: pd.DataFrame) -> set[str]:
    """Return the champion's titles without those that have stopped selling.

    The latter are titles without a recent sale, and titles that the champion forecasts as zero if
    the sales do not have them any more. Other titles that are missing from the sales may be alive.
    """
    has_stopped = ~left_out["alive"] & left_out["last_sale"].notna()
    alive = set(actuals["isbn"].unique()) | set(left_out.loc[left_out["alive"], "isbn"])
    gone = _titles_with(champion, Zero.family) - alive
    return set(champion.titles["isbn"].to_pylist()) - set(left_out.loc[has_stopped, "isbn"]) - gone


def _refuse_another(champion: Payload, forecasts: pd.DataFrame) -> None:
    if others := sorted(set(forecasts["model"]) - {champion.release}):
        raise UserError(
            f"The champion is {champion.release} by now, but the candidate was compared with "
            f"{', '.join(others)}: run the evaluate pipeline again."
        )
