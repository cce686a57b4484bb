"""What a title's forecast reacts to, measured on its models: promotions and other regressors.

Only the models that take covariates forecast again; the others' share of the mean stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.launches.launch import Launch
from book_forecast.forecasters.promotion_effects import DEPTHS
from book_forecast.forecasters.regression import BEYOND, Regression
from book_forecast.payload.what_if import DEEP, Effects, Regressor, Regressors
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import PROMOTION, FloatArray

DEEPEST = 1.0
LEAST = 1e-3
"""A smaller effect of the deepest promotion is none, as is one of a regressor's whole range."""
# Of a regressor's range: how far a value moves to measure its effect.
_STEP = 0.25


@dataclass(frozen=True)
class _Part:
    """A model that takes covariates.

    Attributes:
        weight: In the mean.
        model: The title's model: the ensemble, or the model itself.
        inner: The model.
        name: Of the member; None where the model itself is meant.
    """

    weight: float
    model: FittedForecaster
    inner: FittedForecaster
    name: str | None = None

    def log_mean(self, horizon: int, future: Mapping[str, FloatArray] | None = None) -> FloatArray:
        """Return the logarithm of one plus its mean, shape (horizon,)."""
        if isinstance(self.model, Ensemble) and self.name is not None:
            mean = self.model.member_means(horizon, future, (self.name,))[self.name]
        else:
            mean = self.model.forecast(horizon, (), future).mean
        return np.log1p(mean)

    def of(self, model: FittedForecaster) -> _Part:
        """Return the same part of the title's model in another state."""
        return replace(self, model=model)

    def knots(self) -> FloatArray:
        """Return depths between which its effect is linear; empty without an effect."""
        if not isinstance(self.inner, Regression):
            return np.array([0.0, *DEPTHS, DEEPEST])
        if PROMOTION not in self.inner.covariates:
            return np.empty(0)
        return np.array([0.0, _deepest(self.inner)])


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
    before = [part.log_mean(horizon) for part in parts]
    depths, promotion, after = _promotions(model, parts, before, mean, happened, planned)
    share, regressors = _regressors(parts, before, mean, known)
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
        share=share,
        regressors=regressors,
    )


def _parts(model: FittedForecaster) -> Iterator[_Part]:
    """Yield the models that take covariates."""
    if isinstance(model, Ensemble):
        for name, member in model.members.items():
            if member.capabilities.covariates:
                yield _Part(model.weights[name], model, member, name)
    elif model.capabilities.covariates or (isinstance(model, Launch) and model.guide is not None):
        yield _Part(1.0, model, model)


def _promotions(
    model: FittedForecaster,
    parts: list[_Part],
    before: list[FloatArray],
    mean: FloatArray,
    happened: FloatArray,
    planned: FloatArray,
) -> tuple[FloatArray | None, FloatArray, FloatArray]:
    """Return depths, their effects by week, and the effect after a plan."""
    horizon = len(mean)
    knots = [part.knots() for part in parts]
    grid = np.unique(np.concatenate([[0.0, DEEPEST], *knots]))
    total = np.tile(mean, (len(grid), 1))
    after = mean.copy()
    # A plan of the next week, in which there is no promotion.
    told = model.with_covariates({PROMOTION_PLAN: np.append(happened, 0.0)})
    for part, plain, depths in zip(parts, before, knots, strict=True):
        if not len(depths):
            continue
        in_plan = part if len(planned) else part.of(told)
        measured = np.array(
            [in_plan.log_mean(horizon, {PROMOTION: np.full(horizon, d)}) for d in depths]
        )
        every = np.array([np.interp(grid, depths, week) for week in measured.T]).T
        total += part.weight * (np.expm1(every) - np.expm1(plain))
        if not len(planned):
            after += part.weight * (np.expm1(in_plan.log_mean(horizon)) - np.expm1(plain))
    logs = np.log1p(np.maximum(total, 0.0)) - np.log1p(mean)
    after_plan = np.log1p(np.maximum(after, 0.0)) - np.log1p(mean)
    # In a plan of one week, the first week is known.
    after_plan[0] = 0.0
    if not np.max(np.abs(logs - logs[0])) > LEAST:
        return None, np.empty((0, horizon)), np.zeros(horizon)
    return grid, logs, after_plan


def _regressors(
    parts: list[_Part], before: list[FloatArray], mean: FloatArray, known: Mapping[str, bool]
) -> tuple[FloatArray, Regressors]:
    """Return the share of the models that take regressors, and how these react."""
    horizon = len(mean)
    for part, plain in zip(parts, before, strict=True):
        if not isinstance(part.inner, Regression):
            continue
        values = part.inner.covariates_ahead(horizon)
        others = {
            name: _regressor(part, plain, name, path, known.get(name, False))
            for name, path in values.items()
            if name != PROMOTION
        }
        reacting = {name: one for name, one in others.items() if one is not None}
        if not reacting:
            continue
        slope, deepest = 0.0, DEEPEST
        if PROMOTION in values:
            deepest = _deepest(part.inner)
            ends = [part.log_mean(horizon, {PROMOTION: np.full(horizon, d)}) for d in (0, deepest)]
            slope = float(np.median(ends[1] - ends[0])) / deepest
        share = part.weight * np.exp(plain) / (1.0 + mean)
        unused = tuple(sorted(set(known) - set(reacting)))
        return np.minimum(share, 1.0), Regressors(reacting, slope, deepest, unused)
    return np.zeros(horizon), Regressors(unused=tuple(sorted(known)))


def _regressor(
    part: _Part, plain: FloatArray, name: str, ahead: FloatArray, is_known: bool
) -> Regressor | None:
    """Return how a model reacts to a regressor; None where it does not."""
    assert isinstance(part.inner, Regression)  # noqa: S101 - the caller checks it
    low, high = part.inner.seen(name)
    step = _STEP * (high - low)
    # Towards the middle, where no value is clipped.
    moved = ahead + np.where(ahead > (low + high) / 2.0, -step, step)
    effect = (part.log_mean(len(ahead), {name: moved}) - plain) / (moved - ahead)
    slope = float(np.median(effect))
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
    return float(min(high + BEYOND * (high - low), DEEPEST))
