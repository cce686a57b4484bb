"""One title's fit: what was chosen for it, with a simpler model where that cannot be fitted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.pipelines.train.ensembles import (
    EnsembleChoice,
    fit_ensemble,
    specification_text,
)
from book_forecast.releases.distributions import distribution_of
from book_forecast.sarima import ORDERS, Specification
from book_forecast.series.history import History

logger = logging.getLogger(__name__)

FAILED = "fitting failed: "
# A model is kept only if its forecast is a number, as far ahead as a release answers.
CHECKED_LEVELS = (95.0,)
# Why a family that tune chose without a search no longer does.
SINCE_TUNED = {
    Zero.family: "dead when it was tuned, sold again since",
    Naive.family: "sold the same every week when it was tuned, varied since",
}


@dataclass(frozen=True)
class TitleFit:
    """One title's fit, complete for another process.

    Attributes:
        history: All weeks to fit.
        chosen: The model family that tune chose, None where tune has not seen the title.
        candidate: Its orders, for "sarima".
        reason: Why tune fell back, if it did.
        alive_weeks: A title without a sale in as many weeks forecasts zero.
        levels: Interval levels of the distribution that is kept with the model.
        ensemble: What was chosen for its ensemble; None without one.
    """

    history: History
    chosen: str | None
    candidate: Candidate | None
    reason: str | None
    alive_weeks: int
    levels: tuple[float, ...]
    ensemble: EnsembleChoice | None = None

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn


Fit = Callable[[TitleFit], dict[str, Any]]


def chosen_candidate(row: Mapping[str, Any]) -> Candidate | None:
    """The candidate in a row of the specifications; None where tune chose another family."""
    if row["model"] != Sarima.family:
        return None
    orders = {name: int(row[name]) for name in ORDERS}
    specification = Specification(**orders, s=int(row["s"]), trend=row["trend"])
    return Candidate(specification, row["transform"])


def fit_title(task: TitleFit) -> dict[str, Any]:
    """Fits one title, with a simpler model where the chosen one cannot be fitted."""
    history = task.history
    if history.is_dead(task.alive_weeks):
        return _row(task, Zero(), None)
    if task.chosen == Naive.family and history.is_constant():
        return _row(task, Naive.fit(history), None)
    reasons = [task.reason] if task.reason else []
    if task.ensemble is not None:
        try:
            return _row(task, fit_ensemble(history, task.ensemble), None)
        except Exception as error:  # noqa: BLE001
            # Whatever goes wrong with one title must not cost the others.
            logger.warning("%s: %s; a single model stands in", history.isbn, error)
            known = isinstance(error, ValueError | ArithmeticError)
            reasons.append(f"{'' if known else FAILED}ensemble: {error}")
    if task.candidate is not None:
        try:
            return _row(task, Sarima.fit(history, task.candidate), "; ".join(reasons) or None)
        except Exception as error:  # noqa: BLE001
            # Whatever goes wrong with one title must not cost the others.
            logger.warning("%s: %s; seasonal naive stands in", history.isbn, error)
            known = isinstance(error, ValueError | ArithmeticError)
            reasons.append(f"{'' if known else FAILED}{task.candidate.specification}: {error}")
    if task.chosen in SINCE_TUNED and not reasons:
        reasons.append(SINCE_TUNED[task.chosen])
    if history.n_weeks >= SeasonalNaive.SEASON:
        return _row(task, SeasonalNaive.fit(history), "; ".join(reasons))
    return _row(task, Naive.fit(history), "; ".join(reasons))


def fit_to_score(task: TitleFit, by: Fit = fit_title) -> dict[str, Any]:
    """One title's row."""
    row = by(task)
    del row["forecast"]
    return row


def fit_to_release(task: TitleFit, by: Fit = fit_title) -> dict[str, Any]:
    """One title's row, with what a release keeps of its forecast."""
    row = by(task)
    row["distribution"] = distribution_of(row.pop("forecast"))
    return row


def is_repeatable(row: Mapping[str, Any]) -> bool:
    """Whether another run would find the same: not where memory or a process has failed."""
    return FAILED not in (row["fallback_reason"] or "")


def after_death(task: TitleFit) -> dict[str, Any]:
    """The row of a title whose process died twice."""
    reason = f"{FAILED}its process died twice"
    model = SeasonalNaive.fit(task.history)
    return _row(task, model, reason)


def _row(task: TitleFit, model: FittedForecaster, reason: str | None) -> dict[str, Any]:
    """One title's row, and its forecast, which no release is worth anything without."""
    forecast = model.forecast(LONGEST_HORIZON, task.levels)
    if not all(np.isfinite(column).all() for column in forecast.columns().values()):
        raise ValueError("its forecast is not finite")
    history = task.history
    sarima = model.members.get(Sarima.family) if isinstance(model, Ensemble) else model
    fit = sarima.model if isinstance(sarima, Sarima) else None
    return {
        "isbn": history.isbn,
        "model": model.family,
        "specification": _specification(model),
        "cutoff": history.cutoff,
        "fallback_reason": reason,
        "log_likelihood": fit.log_likelihood if fit else np.nan,
        "aicc": fit.aicc if fit else np.nan,
        "state": json.dumps(model.to_state(), separators=(",", ":"), allow_nan=False),
        "forecast": forecast,
    }


def _specification(model: FittedForecaster) -> str:
    """What the model is, in a few words; nothing where its family's name says all."""
    if isinstance(model, Ensemble):
        return specification_text(model)
    return str(model.model.specification) if isinstance(model, Sarima) else ""
