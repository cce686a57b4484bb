"""What a title's forecast reacts to, measured on its models: promotions and other regressors.

Only the models that take covariates forecast again; the others' share of the mean stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.level_shifts import LevelShift
from book_forecast.forecasters.promotion_effects import DEPTHS
from book_forecast.forecasters.regression import BEYOND, Regression
from book_forecast.payload.weight import Weight
from book_forecast.payload.what_if import DEEP, Effects, Regressor, Regressors
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import PROMOTION, FloatArray

GRID = tuple(np.round(np.arange(0.0, 0.501, 0.05), 2).tolist())
"""Depths that are measured, beside the one from which on the effect stays the same."""
LEAST = 1e-3
"""A smaller effect of the deepest promotion is none, as is one of a regressor's whole range."""


@dataclass(frozen=True)
class _Part:
    """A model that takes covariates.

    Attributes:
        weight: In the mean.
        model: As it forecasts.
        shift: That its forecast gets afterwards; None without one.
    """

    weight: Weight
    model: FittedForecaster
    shift: LevelShift | None = None

    def means(self, horizon: int, futures: Sequence[Mapping[str, FloatArray] | None]) -> FloatArray:
        """Return its share in the mean for different covariates, shape (futures, horizon)."""
        if isinstance(self.model, Regression | Launch):
            found = self.model.means(horizon, futures)
        else:
            found = [self.model.forecast(horizon, (), future).mean for future in futures]
        if self.shift is not None:
            found = [self.shift.applied(mean) for mean in found]
        return self.weight.ahead(horizon) * np.array(found)

    def in_a_plan(self, happened: FloatArray) -> _Part:
        """Return the model with a promotion plan of the next week, in which there is none."""
        plan = {PROMOTION_PLAN: np.append(happened, 0.0)}
        return replace(self, model=self.model.with_covariates(plan))

    def deepest(self) -> float:
        """Return the depth from which on its effect stays the same."""
        if not isinstance(self.model, Regression):
            return DEPTHS[-1]
        return _deepest(self.model) if PROMOTION in self.model.covariates else 0.0


def measure(
    model: FittedForecaster,
    mean: FloatArray,
    happened: FloatArray,
    planned: FloatArray,
    known: Mapping[str, bool],
) -> Effects | None:
    """Measure what a model's forecast reacts to.

    Args:
        model: Of one title, with the present plan.
        mean: Its forecast, shape (horizon,).
        happened: Depths of promotions in the weeks after its training, shape (n,).
        planned: Depths of the weeks ahead up to the end of the promotion plan, shape (m,).
        known: By regressor, whether a forecast may use values ahead from the table.

    Returns:
        None where the forecast reacts to nothing, and there is no regressor.
    """
    horizon, parts = len(mean), list(_parts(model))
    depths, promotion, after = _promotions(parts, mean, happened, planned)
    regression = next((part for part in parts if isinstance(part.model, Regression)), None)
    regressors = Regressors(unused=tuple(sorted(known)))
    log_mean, deviation = np.zeros(horizon), np.zeros(horizon)
    if regression is not None:
        regressors = _regressors(regression, horizon, known)
        if regressors.others and isinstance(regression.model, Regression):
            log_mean, deviation = regression.model.log_forecast(horizon)
    if depths is None and not regressors.names:
        return None
    ceiling = np.inf
    if isinstance(model, Ensemble | Launch):
        ceiling = model.top if isinstance(model, Ensemble) else model.ceiling
    return Effects(
        depths=depths,
        promotion=promotion,
        after_plan=after,
        planned=planned[:horizon],
        spread=_spread(model, horizon, depths is not None),
        ceiling=ceiling,
        log_mean=log_mean,
        deviation=deviation,
        regressors=regressors,
    )


def _parts(model: FittedForecaster) -> Iterator[_Part]:
    """Yield the models that take covariates."""
    if isinstance(model, Ensemble):
        members, shift = model.forecasting()
        for name, member in members.items():
            if member.capabilities.covariates:
                yield _Part(model.weights[name], member, shift)
    elif model.capabilities.covariates or (isinstance(model, Launch) and model.guide is not None):
        yield _Part(Weight.steady(1.0), model)


def _promotions(
    parts: list[_Part], mean: FloatArray, happened: FloatArray, planned: FloatArray
) -> tuple[FloatArray | None, FloatArray, FloatArray]:
    """Return depths, their effects by week, and the effect after a plan."""
    horizon = len(mean)
    grid = np.unique([*GRID, *(part.deepest() for part in parts)])
    probes = [{PROMOTION: np.full(horizon, depth)} for depth in grid]
    total, after = np.tile(mean, (len(grid), 1)), mean.copy()
    for part in parts:
        (plain,) = part.means(horizon, [None])
        in_plan = part if len(planned) else part.in_a_plan(happened)
        total += in_plan.means(horizon, probes) - plain
        if not len(planned):
            after += in_plan.means(horizon, [None])[0] - plain
    logs = np.log1p(np.maximum(total, 0.0)) - np.log1p(mean)
    after_plan = np.log1p(np.maximum(after, 0.0)) - np.log1p(mean)
    # In a plan of one week, the first week is known.
    after_plan[0] = 0.0
    if not np.max(np.abs(logs - logs[0])) > LEAST:
        return None, np.empty((0, horizon)), np.zeros(horizon)
    return grid, logs, after_plan


def _regressors(part: _Part, horizon: int, known: Mapping[str, bool]) -> Regressors:
    """Return how the model that takes regressors reacts to them."""
    model = part.model
    assert isinstance(model, Regression)  # noqa: S101 - the caller checks it
    found = {
        name: _regressor(model, name, path, known.get(name, False))
        for name, path in model.covariates_ahead(horizon).items()
        if name != PROMOTION
    }
    reacting = {name: one for name, one in found.items() if one is not None}
    is_promoted = PROMOTION in model.covariates
    return Regressors(
        others=reacting,
        depth_slope=model.slope(PROMOTION) if is_promoted else 0.0,
        deepest=_deepest(model) if is_promoted else 1.0,
        weight=part.weight,
        top=float(np.log1p(model.transform.ceiling)),
        shift=0.0 if part.shift is None else part.shift.size,
        unused=tuple(sorted(set(known) - set(reacting))),
    )


def _regressor(model: Regression, name: str, ahead: FloatArray, is_known: bool) -> Regressor | None:
    """Return how a model reacts to a regressor; None where it does not."""
    low, high = model.seen(name)
    slope = model.slope(name)
    if abs(slope) * (high - low) < LEAST:
        return None
    last = int(np.flatnonzero(ahead != ahead[-1]).max(initial=-1)) + 1
    # Six digits are enough, and more would fill the releases.
    path = tuple(float(f"{value:.6g}") for value in ahead[: last + 1])
    return Regressor(name, slope, low, high, is_known, path)


def _spread(model: FittedForecaster, horizon: int, reacts: bool) -> FloatArray:
    """Return factors of the interval's reach without and with a deep promotion, (2, horizon)."""
    if not reacts or not isinstance(model, Ensemble):
        return np.ones((2, horizon))
    # Of a mean at which no bound ends at zero.
    mean = np.full(horizon, 1e6)
    level = 90.0
    none, deep = np.zeros(horizon), np.full(horizon, DEEP + 0.1)
    reaches = [
        np.log1p(model.around(mean, [level], depths).upper[level]) - np.log1p(mean)
        for depths in (None, none, deep)
    ]
    usual = np.where(reaches[0] > 0.0, reaches[0], 1.0)
    return np.stack([np.where(reaches[0] > 0.0, each / usual, 1.0) for each in reaches[1:]])


def _deepest(model: Regression) -> float:
    """Return the depth from which on the effect of a promotion stays the same."""
    low, high = model.seen(PROMOTION)
    return float(min(high + BEYOND * (high - low), 1.0))
