"""What a plan makes of a title's forecast: promotions, regressors, and a level of one's own.

The table `effects` of a release holds how its models react, so that no model is needed. All is on
the scale of log(1 + copies). Its columns, of 104 weeks where they are by week:

    depths      depths of promotions, rising from 0
    promotion   effect on the mean by depth and week, flattened, in a plan that reaches the week
    after_plan  effect on the mean by week of a plan that ends before it; null for none
    planned     depths that are planned up to the last week of the plan, of whatever title
    spread      by week: factor of the interval's reach without a promotion, then with a deep one
    ceiling     the end of upper bounds, in copies
    log_mean    by week: of the model that takes regressors
    deviation   by week: the same
    regressors  JSON: how this model reacts; see `Regressors`

Null means that the forecast does not react.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

# Relative, as MLflow stores this folder beside each payload under another name.
from .arrays import FloatArray
from .contents import Payload
from .manifest import LONGEST_HORIZON, PROBABILITIES
from .weight import Weight

EFFECTS = "effects"
"""Name of the table in `Payload.planning`."""
DEEP = 0.1
"""Depth beyond which a week is one of promotion, with intervals of their own."""
MARGIN = 0.5
"""Share of the range of a regressor in the past by which a plan may lie outside of it."""
NODES = np.linspace(-6.0, 6.0, 97)
WEIGHTS = np.exp(-0.5 * NODES**2) / np.exp(-0.5 * NODES**2).sum()
"""Of means of log-normal distributions that end at zero and at a ceiling: trapezoidal rule."""
NO_WEIGHT = Weight.steady(0.0)
_UPPER = np.array([p > 0.5 for p in PROBABILITIES])


@dataclass(frozen=True, slots=True)
class Regressor:
    """How a title's forecast reacts to a regressor.

    Attributes:
        name: As in the table of covariates.
        slope: Effect of one unit on the models that take it.
        low: Smallest value in the past.
        high: Largest one.
        is_known: Whether a forecast uses values of the weeks ahead from the table of covariates.
        ahead: Values that the forecast uses, by week ahead; the last one holds on.
    """

    name: str
    slope: float
    low: float
    high: float
    is_known: bool
    ahead: tuple[float, ...]

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value of a plan."""
        beyond = MARGIN * (self.high - self.low)
        return self.low - beyond, self.high + beyond

    def to_json(self) -> dict[str, Any]:
        """Return the regressor as JSON holds it."""
        return {
            "name": self.name,
            "slope": self.slope,
            "range": [self.low, self.high],
            "known": self.is_known,
            "ahead": list(self.ahead),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Return the regressor from the result of `to_json`."""
        low, high = content["range"]
        ahead = tuple(map(float, content["ahead"]))
        known = bool(content["known"])
        return cls(str(content["name"]), float(content["slope"]), low, high, known, ahead)

    def values(self, horizon: int) -> FloatArray:
        """Return the values of the weeks ahead, shape (horizon,)."""
        places = np.minimum(np.arange(horizon), len(self.ahead) - 1)
        return np.array(self.ahead)[places]


@dataclass(frozen=True, slots=True)
class Regressors:
    """How the model that takes regressors reacts to these and to promotions.

    Attributes:
        others: By name.
        depth_slope: Effect of a promotion, by depth.
        deepest: Depth from which on the effect stays the same.
        weight: Of the model in the mean.
        top: Where its distributions end, on its scale.
        shift: Of the level, which its mean gets afterwards.
        unused: Names of regressors that make no difference to this title.
    """

    others: Mapping[str, Regressor] = field(default_factory=dict)
    depth_slope: float = 0.0
    deepest: float = 1.0
    weight: Weight = NO_WEIGHT
    top: float = 0.0
    shift: float = 0.0
    unused: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """All regressors that the release knows of."""
        return sorted({*self.others, *self.unused})

    def to_json(self) -> str:
        """Return the text of the table."""
        others = [regressor.to_json() for regressor in self.others.values()]
        content = {
            "promotion": [self.depth_slope, self.deepest],
            "model": [self.weight.near, self.top, self.shift],
            "far": [self.weight.far, self.weight.last],
            "others": others,
            "unused": list(self.unused),
        }
        return json.dumps(content, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Return the inverse of `to_json`; without regressors for None."""
        if text is None:
            return cls()
        content = json.loads(text)
        found = [Regressor.from_json(one) for one in content["others"]]
        slope, deepest = content["promotion"]
        others = {one.name: one for one in found}
        near, top, shift = map(float, content["model"])
        # In releases made before it moved, the weight is the same in all weeks.
        far, last = content.get("far", (near, 1))
        unused = tuple(map(str, content["unused"]))
        weight = Weight(near, float(far), int(last))
        return cls(others, float(slope), float(deepest), weight, top, shift, unused)

    def of_promotion(self, depths: FloatArray) -> FloatArray:
        """Return the effect of depths."""
        return np.asarray(self.depth_slope * np.minimum(depths, self.deepest))

    def copies(self, log_mean: FloatArray, deviation: FloatArray) -> FloatArray:
        """Return the share of the model in the mean, for mean and deviation on its scale.

        Args:
            log_mean: By week ahead, shape (horizon,).
            deviation: The same.
        """
        values = np.clip(log_mean + deviation * NODES[:, None], 0.0, self.top)
        mean = WEIGHTS @ np.expm1(values)
        if self.shift:
            mean = np.expm1(np.maximum(np.log1p(mean) + self.shift, 0.0))
        return np.asarray(self.weight.ahead(len(mean)) * mean)


@dataclass(frozen=True, slots=True)
class Effects:
    """What a title's forecast reacts to, as read from the table; see the module.

    Attributes:
        depths: Shape (d,); None where it does not react to promotions.
        promotion: Shape (d, 104).
        after_plan: Shape (104,).
        planned: Shape (weeks of the plan,).
        spread: Shape (2, 104).
        ceiling: Copies.
        log_mean: Shape (104,).
        deviation: Shape (104,).
        regressors: Of the model that takes them.
    """

    depths: FloatArray | None
    promotion: FloatArray
    after_plan: FloatArray
    planned: FloatArray
    spread: FloatArray
    ceiling: float
    log_mean: FloatArray
    deviation: FloatArray
    regressors: Regressors

    def to_row(self) -> dict[str, Any]:
        """Return the row of the table, by column."""

        def short(values: FloatArray, usual: float) -> Any:
            return None if np.all(values == usual) else values.ravel().astype(np.float16)

        reacts = self.depths is not None
        return {
            "depths": self.depths,
            "promotion": self.promotion.ravel().astype(np.float16) if reacts else None,
            "after_plan": short(self.after_plan, 0.0),
            "planned": self.planned if len(self.planned) else None,
            "spread": short(self.spread, 1.0),
            "ceiling": self.ceiling if np.isfinite(self.ceiling) else None,
            "log_mean": self.log_mean if self.regressors.others else None,
            "deviation": self.deviation if self.regressors.others else None,
            "regressors": self.regressors.to_json() if self.regressors.names else None,
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Return the inverse of `to_row`."""

        def long(name: str, usual: float, *shape: int) -> FloatArray:
            values = row[name]
            if values is None:
                return np.full((*shape, LONGEST_HORIZON), usual)
            return np.asarray(values, dtype=np.float64).reshape(*shape, LONGEST_HORIZON)

        depths = row["depths"]
        return cls(
            None if depths is None else np.asarray(depths, dtype=np.float64),
            long("promotion", 0.0, 0 if depths is None else len(depths)),
            long("after_plan", 0.0),
            np.asarray([] if row["planned"] is None else row["planned"], dtype=np.float64),
            long("spread", 1.0, 2),
            np.inf if row["ceiling"] is None else float(row["ceiling"]),
            long("log_mean", 0.0),
            long("deviation", 0.0),
            Regressors.from_json(row["regressors"]),
        )


def effects_of(payload: Payload, row: int) -> Effects | None:
    """Return what a title's forecast reacts to; None where the release does not say."""
    table = payload.planning.get(EFFECTS)
    if table is None:
        return None
    found: dict[str, Any] = {}
    for name in table.column_names:
        cell = table[name][row]
        is_list = cell.is_valid and hasattr(cell, "values")
        found[name] = cell.values.to_numpy(zero_copy_only=False) if is_list else cell.as_py()
    return Effects.from_row(found)


@dataclass(frozen=True)
class Plan:
    """What is to be tried on a title, by week ahead.

    Attributes:
        depths: Of promotions, shape (horizon,); NaN in weeks that stay as they are planned.
        regressors: Values by name, shape (horizon,) each; NaN where they stay as they are.
        level: Factors of copies, shape (horizon,).
    """

    depths: FloatArray
    regressors: Mapping[str, FloatArray]
    level: FloatArray


def changed(
    effects: Effects, plan: Plan, mean: FloatArray, quantiles: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return mean and quantiles of a title's weeks under a plan.

    Args:
        effects: What its forecast reacts to.
        plan: What is to be tried; its regressors are among those of the effects.
        mean: Of the release, shape (horizon,).
        quantiles: Of the release, shape (17, horizon).
    """
    planned, depths, is_known = _depths(effects, plan)
    promotion, spread = np.zeros(len(mean)), np.ones(len(mean))
    if np.isfinite(plan.depths).any() and effects.depths is not None:
        # Weeks that stay as they are planned stay as they are forecast.
        is_new = np.isfinite(plan.depths) | (np.arange(len(mean)) >= len(effects.planned))
        promotion = np.where(is_new, _of_promotion(effects, depths, is_known), 0.0)
        deep = (depths > DEEP).astype(int)
        reaches = effects.spread[deep, np.arange(len(mean))]
        spread = np.where(is_new & is_known, reaches, 1.0)
    new_mean = (1.0 + mean) * np.exp(promotion) - 1.0
    if plan.regressors:
        new_mean += _of_regressors(effects, plan.regressors, planned, depths)
    new_mean = np.maximum(new_mean, 0.0)
    reach = spread * (np.log1p(quantiles) - np.log1p(mean))
    new = np.maximum(np.expm1(np.log1p(new_mean) + reach), 0.0)
    # Bounds that ended at the ceiling end there again.
    top = np.maximum(effects.ceiling, new_mean)
    new[_UPPER] = np.minimum(new[_UPPER], top)
    return new_mean * plan.level, new * plan.level


def _of_regressors(
    effects: Effects,
    tried: Mapping[str, FloatArray],
    planned: FloatArray,
    depths: FloatArray,
) -> FloatArray:
    """Return what regressors add to the mean by week, beside the depths to be tried."""
    model, horizon = effects.regressors, len(depths)
    pushed = np.zeros(horizon)
    for name, values in tried.items():
        ahead = model.others[name].values(horizon)
        pushed += model.others[name].slope * np.where(np.isfinite(values), values - ahead, 0.0)
    deviation = effects.deviation[:horizon]
    promoted = model.of_promotion(depths) - model.of_promotion(planned)
    before = effects.log_mean[:horizon] + promoted
    return model.copies(before + pushed, deviation) - model.copies(before, deviation)


def _depths(effects: Effects, plan: Plan) -> tuple[FloatArray, FloatArray, Any]:
    """Return planned depths, those to be tried, and whether a plan reaches each week."""
    horizon = len(plan.depths)
    planned = np.zeros(horizon)
    known = effects.planned[:horizon]
    planned[: len(known)] = known
    tried = np.isfinite(plan.depths)
    last = max(len(effects.planned), int(np.flatnonzero(tried)[-1]) + 1 if tried.any() else 0)
    return planned, np.where(tried, plan.depths, planned), np.arange(horizon) < last


def _of_promotion(effects: Effects, depths: FloatArray, is_known: Any) -> FloatArray:
    """Return the effect of depths on the mean by week."""
    assert effects.depths is not None  # noqa: S101 - the caller checks it
    weeks = np.arange(len(depths))
    knots = effects.depths
    above = np.clip(np.searchsorted(knots, depths), 1, len(knots) - 1)
    width = knots[above] - knots[above - 1]
    share = np.clip((depths - knots[above - 1]) / width, 0.0, 1.0)
    low, high = effects.promotion[above - 1, weeks], effects.promotion[above, weeks]
    return np.where(is_known, (1.0 - share) * low + share * high, effects.after_plan[weeks])


def level_path(factor: float, first: int, half_life: float | None, horizon: int) -> FloatArray:
    """Return a level of one's own by week ahead.

    Args:
        factor: Of copies in its first week.
        first: Position of that week; negative where it is past.
        half_life: Weeks in which half of the difference from one is gone; None if it stays.
        horizon: Weeks ahead.
    """
    since = np.arange(horizon) - float(first)
    left = np.ones(horizon) if half_life is None else 0.5 ** (np.maximum(since, 0.0) / half_life)
    return np.where(since >= 0.0, 1.0 + (factor - 1.0) * left, 1.0)
