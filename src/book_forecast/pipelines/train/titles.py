"""One title's fit: its specification, with a simpler model where that cannot be fitted."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.calibration import Calibration
from book_forecast.forecasters.ceilings import KEY, own_ceiling
from book_forecast.forecasters.ensemble import COMPARED_WEEKS, POWER, Ensemble
from book_forecast.forecasters.families import Recipe, fit_families
from book_forecast.forecasters.family_choice import used_families
from book_forecast.forecasters.global_models.members import Boosting
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.launches.prior import LaunchPrior
from book_forecast.forecasters.level_shifts import find_shift
from book_forecast.forecasters.naive import Naive, SeasonalNaive, Zero
from book_forecast.forecasters.promotion_effects import PromotionEffects
from book_forecast.forecasters.sarima import Candidate, Sarima
from book_forecast.forecasters.week_kinds import WeeksAhead
from book_forecast.forecasters.week_widths import WIDTH, relative_widths
from book_forecast.options.models import ModelOptions
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.weight import Weight, among, weights_from_json
from book_forecast.releases.distributions import distribution_of
from book_forecast.sarima import ORDERS, Specification
from book_forecast.series.history import FloatArray, History

logger = logging.getLogger(__name__)

FIT_FAILED = "fitting failed: "
NOT_TUNED = "tune has not seen the title"
# Why a family that tune chose without a search does not fit any more.
SINCE_TUNED = {
    Zero.family: "dead when it was tuned, sold again since",
    Naive.family: "sold the same every week when it was tuned, varied since",
}


@dataclass(frozen=True)
class TitleSpecification:
    """The model that was chosen for a title.

    Attributes:
        family: The single model; None where tune has not seen the title.
        candidate: Its orders, for SARIMA.
        reason: The reason of a fallback, if it is one.
        weights: Of an ensemble's members; none without an ensemble.
        season: Weeks in the ensemble's season.
        spread: The title's own scale of errors.
        spread_power: Power of the week ahead by which it grows.
        calibration: Of the ensemble's intervals, as plain data.
        ceiling: Largest week of the titles like it; None where tune has not seen them.
        launch: What is known of a launch before its own weeks, as plain data; None for others.
        families: Those that were compared for it; None for all.
        start: SARIMA coefficients of a former fit to begin from; None without one.
    """

    family: str | None = None
    candidate: Candidate | None = None
    reason: str | None = NOT_TUNED
    weights: Mapping[str, Weight] = field(default_factory=dict)
    season: int = 1
    spread: float = 1.0
    spread_power: float = 0.0
    calibration: Mapping[str, Any] = field(default_factory=dict)
    ceiling: float | None = None
    launch: Mapping[str, Any] | None = None
    families: tuple[str, ...] | None = None
    start: tuple[float, ...] | None = None


def specification_of(
    row: Mapping[str, Any] | None, calibration: Mapping[str, Any]
) -> TitleSpecification:
    """Read the specification in a row that tune has written.

    Args:
        row: The row; None where tune has not seen the title.
        calibration: Of all ensembles.
    """
    if row is None:
        return TitleSpecification()
    if isinstance(launch := row.get("launch"), str):
        return TitleSpecification(Launch.family, reason=None, launch=json.loads(launch))
    candidate = None
    if row["model"] == Sarima.family:
        orders = {name: int(row[name]) for name in ORDERS}
        sarima = Specification(**orders, s=int(row["s"]), trend=row["trend"])
        candidate = Candidate(sarima, row["transform"])
    reason = None if pd.isna(row["fallback_reason"]) else str(row["fallback_reason"])
    # Specifications of older releases have no ceiling and no power.
    power = row.get(POWER)
    ceiling = None if pd.isna(row.get(KEY)) else float(row[KEY])
    begun = row.get("start")
    start = tuple(json.loads(begun)) if candidate and isinstance(begun, str) else None
    single = TitleSpecification(row["model"], candidate, reason, ceiling=ceiling, start=start)
    if pd.isna(row["weights"]):
        return single
    last = row.get(COMPARED_WEEKS)
    return TitleSpecification(
        single.family,
        candidate,
        reason,
        weights=weights_from_json(row["weights"], None if pd.isna(last) else int(last)),
        season=int(row["season"]),
        spread=float(row["spread"]),
        spread_power=0.0 if pd.isna(power) else float(power),
        families=used_families(row["families"]) if isinstance(row.get("families"), str) else None,
        calibration=calibration,
        ceiling=ceiling,
        start=start,
    )


@dataclass(frozen=True)
class TitleFit:
    """One title's fit, complete for another process.

    Attributes:
        history: All weeks to fit.
        specification: The model to fit.
        models: The families to choose from.
        levels: Interval levels of the distribution that is made; a model counts as fitted only if
            it has all of them.
        every_family: Whether families without a weight are fitted too.
        global_forecasts: Forecasts of models of all titles by family, each of shape (156,).
        promotion_effects: Of promotions on these by family, where they use the promotion plan.
        widths: Logarithms of the widths of the weeks ahead, shape (156,); None without any.
    """

    history: History
    specification: TitleSpecification
    models: ModelOptions
    levels: tuple[float, ...]
    every_family: bool = False
    global_forecasts: Mapping[str, FloatArray] = field(default_factory=dict)
    promotion_effects: Mapping[str, PromotionEffects] = field(default_factory=dict)
    widths: FloatArray | None = None

    @property
    def isbn(self) -> str:
        """The title."""
        return self.history.isbn


def fit_title(task: TitleFit) -> dict[str, Any]:
    """Fit one title, with a simpler model where the specified one cannot be fitted.

    Returns:
        The title's row: model, state as JSON, reason of a fallback, distribution.
    """
    history, specification = task.history, task.specification
    if (launch := specification.launch) is not None and not np.any(history.volumes > 0.0):
        return _row(task, fit_launch(task, launch), None)
    if history.is_dead(task.models.alive_weeks):
        return _row(task, Zero(), None)
    if specification.family == Naive.family and history.is_constant():
        return _row(task, Naive.fit(history), None)
    reasons = [specification.reason] if specification.reason else []
    attempts: list[tuple[str, Callable[[], FittedForecaster]]] = []
    if launch is not None:
        attempts.append((Launch.family, lambda: fit_launch(task, launch)))
    if specification.weights:
        attempts.append(("ensemble", lambda: fit_ensemble(task)))
    if (candidate := specification.candidate) is not None:
        attempts.append(
            (
                str(candidate.specification),
                lambda: Sarima.fit(
                    history, candidate, _start(specification), shift=find_shift(history.volumes)
                ),
            )
        )
    for name, fit in attempts:
        try:
            return _row(task, fit(), "; ".join(reasons) or None)
        except Exception as error:  # noqa: BLE001
            # Whatever goes wrong with one title must not cost the others.
            logger.warning("%s: %s; a simpler model stands in", history.isbn, error)
            known = isinstance(error, ValueError | ArithmeticError)
            reasons.append(f"{'' if known else FIT_FAILED}{name}: {error}")
    if specification.family in SINCE_TUNED and not reasons:
        reasons.append(SINCE_TUNED[specification.family])
    family = SeasonalNaive if history.n_weeks >= SeasonalNaive.SEASON else Naive
    return _row(task, family.fit(_on_present_level(history)), "; ".join(reasons) or None)


def _start(specification: TitleSpecification) -> FloatArray | None:
    """Return the coefficients to begin from, if they are of the same orders."""
    start, candidate = specification.start, specification.candidate
    if start is None or candidate is None or len(start) != candidate.specification.n_arma:
        return None
    return np.array(start)


def _on_present_level(history: History) -> History:
    """Return a history with the weeks before a recent level shift on its present level."""
    shift = find_shift(history.volumes)
    return history if shift is None else replace(history, volumes=shift.moved(history.volumes))


def fit_launch(task: TitleFit, launch: Mapping[str, Any]) -> Launch:
    """Fit a launch by what is known of it before its own weeks, and by the global model."""
    published, guide = launch["publication"], None
    path = task.global_forecasts.get(Boosting.family)
    if path is not None and np.isfinite(task.history.volumes).any():
        effects = task.promotion_effects.get(Boosting.family)
        guide = Boosting.from_forecast(task.history, path, effects)
    return Launch.fit(
        task.history,
        LaunchPrior.from_state(launch["prior"]),
        None if published is None else np.datetime64(published, "D"),
        guide,
    )


def fit_ensemble(task: TitleFit) -> Ensemble:
    """Fit the members; the weight of a member that cannot be fitted goes to the others.

    Raises:
        ValueError: If no member with a weight can be fitted; says why.
    """
    specification, models = task.specification, task.models
    recipe = Recipe(
        season=specification.season,
        candidate=specification.candidate,
        calendar=models.calendar,
        global_forecasts=task.global_forecasts,
        promotion_effects=task.promotion_effects,
        start=_start(specification),
        pretrained=models.pretrained,
    )
    compared = models.families if specification.families is None else specification.families
    others = compared if task.every_family else ()
    wanted = [n for n in models.families if n in specification.weights or n in others]
    fits = fit_families(task.history, recipe, wanted)
    weights = among(specification.weights, fits.models)
    if not weights:
        reasons = [f"{name}: {reason}" for name, reason in fits.failures.items()]
        raise ValueError(f"no member of its ensemble can be fitted ({'; '.join(reasons)})")
    scale, shift = specification.spread, fits.shift
    calibration = Calibration.from_state(specification.calibration)
    widths = None
    if task.widths is not None and WIDTH in calibration.factors:
        widths = np.trim_zeros(relative_widths(task.widths[None], calibration.longest)[0], "b")
    ahead = WeeksAhead.of(task.history, calendar=models.calendar, widths=widths)
    return Ensemble(
        members=fits.models,
        weights=weights,
        calibration=calibration,
        scale=scale if shift is None else shift.widened(scale),
        volumes=task.history.volumes,
        power=specification.spread_power,
        outliers=fits.outliers,
        shift=shift,
        weeks_ahead=ahead if calibration.factors else None,
    )


def is_repeatable(row: Mapping[str, Any]) -> bool:
    """Whether another run would find the same: not where memory or a process has failed."""
    return FIT_FAILED not in (row["fallback_reason"] or "")


def after_death(task: TitleFit) -> dict[str, Any]:
    """Return the row of a title whose process died twice."""
    return _row(task, SeasonalNaive.fit(task.history), f"{FIT_FAILED}its process died twice")


def _row(task: TitleFit, model: FittedForecaster, reason: str | None) -> dict[str, Any]:
    """One title's row; a model whose forecast is not finite is refused."""
    ceiling = task.specification.ceiling
    own = own_ceiling(task.history.volumes)
    model = model.with_ceiling(own if ceiling is None else ceiling)
    forecast = model.forecast(LONGEST_HORIZON, task.levels)
    if not all(np.isfinite(column).all() for column in forecast.columns().values()):
        raise ValueError("its forecast is not finite")
    sarima = model.members.get(Sarima.family) if isinstance(model, Ensemble) else model
    fit = sarima.model if isinstance(sarima, Sarima) else None
    return {
        "isbn": task.isbn,
        "model": model.family,
        "specification": _text(model),
        "cutoff": task.history.cutoff,
        "fallback_reason": reason,
        "log_likelihood": fit.log_likelihood if fit else np.nan,
        "aicc": fit.aicc if fit else np.nan,
        "state": json.dumps(model.to_state(), separators=(",", ":"), allow_nan=False),
        "distribution": distribution_of(forecast).ravel() if len(task.levels) > 1 else None,
    }


def _text(model: FittedForecaster) -> str:
    """The specification in a few words; empty where the family's name is enough."""
    if not isinstance(model, Ensemble):
        return str(model.model.specification) if isinstance(model, Sarima) else ""
    weights = {name: weight.mean for name, weight in model.weights.items()}
    shares = sorted(weights.items(), key=lambda item: -item[1])
    return " + ".join(f"{np.round(share, 2):g} {name}" for name, share in shares if share >= 0.005)
