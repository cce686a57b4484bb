"""Notes of a training in its release, and the facts that they give for a retraining plan.

The specification of a title, as JSON, has an entry `NOTES`: the last week of all when its orders
were chosen, its errors beside seasonal naive's at the rolling origins then, a digest of its
supplied covariates in the training, and its promotion plan by week.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.execution.fingerprints import code_fingerprint, fingerprint
from book_forecast.monitoring.degradation import RATIO_TYPES, error_ratios, weekly_errors
from book_forecast.monitoring.errors import known_weeks
from book_forecast.options.groups import BacktestOptions
from book_forecast.options.models import ModelOptions
from book_forecast.payload.contents import Payload
from book_forecast.releases.corrections import corrected_copies, trained_weeks
from book_forecast.releases.retraining import FACT_TYPES
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import ALL_TITLES, PROMOTION, title_histories

NOTES = "training"
"""Key of the notes in a specification, and of options and code in a manifest."""
TUNED, ERRORS, COVARIATES, PLAN = "tuned", "errors", "covariates", "plan"
OF_TUNING = (TUNED, ERRORS)
"""Those that belong to a title's tuning: a title that is merely fitted again retains them."""
START, TUNING = "start", "tuning"
"""Columns of planned specifications, as JSON: SARIMA coefficients of the former fit, and the notes
of the former tuning; None in a new one."""


def identify_training(models: ModelOptions, backtest: BacktestOptions) -> dict[str, str]:
    """Return fingerprints of options and code, with which a release is trained.

    Args:
        models: The families and the search.
        backtest: Test set and rolling origins.
    """
    code = [
        code_fingerprint("book_forecast.pipelines.tune.nodes"),
        code_fingerprint("book_forecast.pipelines.train.fits"),
    ]
    return {"options": fingerprint(models, backtest), "code": fingerprint(code)}


class CovariateNotes:
    """Digests of covariates and promotion plans of all titles at once."""

    def __init__(self, covariates: pd.DataFrame | None) -> None:
        """Read the covariates.

        Args:
            covariates: isbn, week, name, value; None without any.
        """
        empty = pd.DataFrame({name: [] for name in ("isbn", "week", "name", "value")})
        rows = empty if covariates is None else covariates
        is_plan = rows["name"] == PROMOTION_PLAN
        # Promotions come from prices, which later weeks correct: small changes are usual.
        self._known = rows[~is_plan & (rows["name"] != PROMOTION)]
        hashed = pd.util.hash_pandas_object(self._known[["week", "name", "value"]], index=False)
        self._hashes = hashed.to_numpy("uint64")
        self._weeks = pd.to_datetime(self._known["week"]).to_numpy(dtype="datetime64[D]")
        self._of = self._known.groupby("isbn").indices
        self._plans = {str(isbn): plan for isbn, plan in rows[is_plan].groupby("isbn")}

    def digest(self, isbn: str, until: np.datetime64) -> str:
        """Return a digest of a title's covariates up to a week, those of all titles among them."""
        total = np.uint64(0)
        for key in (isbn, ALL_TITLES):
            rows = self._of.get(key, np.empty(0, dtype=np.intp))
            inside = rows[self._weeks[rows] <= until]
            total += np.sum(self._hashes[inside], dtype=np.uint64)
        return f"{int(total):016x}"

    def plan(self, isbn: str) -> dict[str, float]:
        """Return the depths of a title's planned promotions by week, as JSON has them."""
        plan = self._plans.get(isbn)
        if plan is None:
            return {}
        return {
            f"{week:%Y-%m-%d}": round(float(depth), 6)
            for week, depth in zip(plan["week"], plan["value"], strict=True)
        }

    def notes(self, isbn: str, until: np.datetime64, tuned: str) -> dict[str, Any]:
        """Return the notes of a title that is trained up to a week."""
        return {TUNED: tuned, **self.covariates(isbn, until)}

    def covariates(self, isbn: str, until: np.datetime64) -> dict[str, Any]:
        """Return the notes of a title's covariates up to a week, and of its promotion plan."""
        digest, plan = self.digest(isbn, until), self.plan(isbn)
        return {COVARIATES: digest, **({PLAN: plan} if plan else {})}


def noted_errors(forecasts: pd.DataFrame, sales: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the errors of forecasts at rolling origins as the notes of each title have them.

    Args:
        forecasts: isbn, cutoff, week, mean of the specification that is noted.
        sales: isbn, week, volume; NaN where the week is missing.

    Returns:
        `RATIO_TYPES` by ISBN, of the titles whose errors vary.
    """
    ratios = error_ratios(weekly_errors(forecasts, known_weeks(sales))).dropna()
    return {
        str(isbn): {name: float(f"{row[name]:.6g}") for name in RATIO_TYPES}
        for isbn, row in ratios.iterrows()
    }


def notes_of(champion: Payload) -> dict[str, dict[str, Any]]:
    """Return the notes of each title of a release; none in releases of older versions."""
    if champion.specifications is None:
        return {}
    rows = champion.specifications.to_pylist()
    found = {row["isbn"]: json.loads(row["specification"]).get(NOTES) for row in rows}
    return {isbn: notes or {} for isbn, notes in found.items()}


def facts_of(
    champion: Payload | None,
    model_input: pd.DataFrame,
    training_weeks: pd.DataFrame,
    covariates: pd.DataFrame | None,
    made_by: Mapping[str, str],
    has_folds: bool = True,
) -> pd.DataFrame:
    """Return the facts of each title of the champion and of the sales.

    Args:
        champion: The release; None where there is none.
        model_input: isbn, week, volume of the titles in use.
        training_weeks: The same of the titles that tune can see, before the test weeks.
        covariates: isbn, week, name, value; None without any.
        made_by: Fingerprints of options and code, as the manifest of a release has them.
        has_folds: Whether the former tuning has compared the families of today.

    Returns:
        `FACT_TYPES`, a row per title.
    """
    histories = {history.isbn: history for history in title_histories(model_input)}
    newest = np.datetime64(model_input["week"].max(), "D")
    tunable = set(training_weeks["isbn"].unique())
    known = CovariateNotes(covariates)
    released, notes = _released(champion), {} if champion is None else notes_of(champion)
    is_same_code = champion is not None and champion.manifest.get(NOTES) == dict(made_by)
    made = fingerprint(dict(made_by))
    rows = []
    for isbn in sorted({*histories, *released}):
        fact: dict[str, Any] = {
            "isbn": isbn,
            "is_released": isbn in released,
            "is_sold": isbn in histories,
            "can_tune": isbn in tunable,
            "is_tuned": isbn in notes,
            "is_same_code": is_same_code,
            "is_same_plan": True,
            "has_folds": has_folds,
            "made_by": made,
        }
        if champion is not None and isbn in released:
            row, trained = released[isbn]
            own = notes.get(isbn, {})
            copies = trained_weeks(champion, row)
            fact |= {"trained_until": trained, "age_days": _days(newest, trained)}
            if isbn in notes:
                tuned = np.datetime64(own.get(TUNED, trained), "D")
                fact |= {"tuned_until": tuned, "tuning_age_days": _days(newest, tuned)}
                fact |= own.get(ERRORS, {})
            if isbn in histories:
                moved = corrected_copies(copies, histories[isbn], trained)
                sold = float(np.nansum(copies))
                fact["corrected"] = moved / sold if sold else float(moved > 0.0)
            now = known.covariates(isbn, trained)
            fact["covariates"] = json.dumps(now)
            if own:
                fact["is_same_plan"] = is_same_plan(own, now, str(newest))
        rows.append(fact)
    facts = pd.DataFrame(rows, columns=list(FACT_TYPES))
    return facts.astype(FACT_TYPES)


def _released(champion: Payload | None) -> dict[str, tuple[int, np.datetime64]]:
    """Return row and last week of training of each title."""
    if champion is None:
        return {}
    trained = champion.titles["trained_until"].to_numpy().astype("datetime64[D]")
    isbns = champion.titles["isbn"].to_pylist()
    return {isbn: (row, trained[row]) for row, isbn in enumerate(isbns)}


def _days(newest: np.datetime64, since: np.datetime64) -> float:
    return float((newest - since) / np.timedelta64(1, "D"))


def is_same_plan(then: Mapping[str, Any], now: Mapping[str, Any], newest: str) -> bool:
    """Return whether notes of a title have the same covariates, and plans the same promotions.

    Plans are compared in the weeks after the newest that the former one covers.

    Args:
        then: Former notes of covariates.
        now: Present ones.
        newest: Last week of the sales.
    """
    former, present = then.get(PLAN, {}), now.get(PLAN, {})
    last = max(former, default="")
    return then[COVARIATES] == now[COVARIATES] and (
        {week: depth for week, depth in former.items() if week > newest}
        == {week: depth for week, depth in present.items() if newest < week <= last}
    )
