"""The members of an ensemble that come from the models of all titles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from book_forecast.forecasters.base import Capabilities, Forecast
from book_forecast.forecasters.given_points import GivenPoints
from book_forecast.forecasters.promotion_effects import PromotionEffects
from book_forecast.series.covariates import PROMOTION_PLAN
from book_forecast.series.history import MODEL_HORIZON, PROMOTION, FloatArray, History


@dataclass(frozen=True)
class AcrossTitles(GivenPoints):
    """Point forecasts of one title by a model of all titles.

    In the points, promotions are unknown. Weeks of a promotion plan get the effect of their
    depth instead, and so do the weeks that were rolled in before them: otherwise the level would
    follow a promotion that the plan explains. Without a plan the points stay as they are.

    Attributes:
        effects: Of promotions on the points; None for models without them.
        plan: Depths from the first week after the training to the last week of the plan, of what
            happened and then of what is planned; empty without a plan. After the training, it is
            the plan of that time.
    """

    capabilities: ClassVar[Capabilities] = Capabilities(
        seasonal=True, covariates=True, missing=True, across_titles=True
    )
    effects: PromotionEffects | None = None
    plan: FloatArray = field(default_factory=lambda: np.empty(0))

    @classmethod
    def from_forecast(
        cls, history: History, copies: FloatArray, effects: PromotionEffects | None = None
    ) -> Self:
        """Return the member of one title, with the promotion plan of the history's covariates.

        Args:
            history: The title's weeks.
            copies: Forecast of the weeks after them; the last year repeats up to `MODEL_HORIZON`.
            effects: Of promotions on that forecast, over the same weeks.

        Raises:
            ValueError: If the history has no known week, or the forecast is not finite.
        """
        transform = cls._scale_of(history, copies)
        changes = np.diff(transform.apply(history.volumes[np.isfinite(history.volumes)]))
        deviation = float(np.sqrt(np.mean(changes**2))) if len(changes) else 1.0
        points = np.resize(transform.apply(copies), MODEL_HORIZON)
        if effects is not None:
            effects = replace(effects, none=np.resize(effects.none, MODEL_HORIZON))
        n = len(history.volumes)
        plan = np.empty(0) if history.covariates is None else history.covariates.plan(n)
        model = cls(points, cls.GAIN, deviation, transform, history.volumes, n, effects)
        return model.with_covariates({PROMOTION_PLAN: plan})

    def forecast(
        self,
        horizon: int,
        levels: Sequence[float],
        future: Mapping[str, FloatArray] | None = None,
    ) -> Forecast:
        """See `FittedForecaster.forecast`."""
        if future is None or PROMOTION not in future or self.effects is None:
            return super().forecast(horizon, levels)
        planned = np.asarray(future[PROMOTION], dtype=np.float64)
        if planned.shape != (horizon,) or not np.isfinite(planned).all():
            raise ValueError(
                f"{PROMOTION} must have a value for each of the {horizon} weeks ahead."
            )
        rolled = np.full(self._n_rolled, np.nan)
        rolled[: len(self.plan)] = self.plan[: self._n_rolled]
        return replace(self, plan=np.append(rolled, planned)).forecast(horizon, levels)

    def with_covariates(self, values: Mapping[str, FloatArray]) -> Self:
        """See `FittedForecaster.with_covariates`; the plan is the one covariate that is used.

        Where a plan has run out, its weeks that were rolled in keep the effects of what happened.
        """
        if self.effects is None or PROMOTION_PLAN not in values:
            return self
        plan = np.asarray(values[PROMOTION_PLAN], dtype=np.float64)
        if not len(plan) and PROMOTION in values:
            over = min(self._n_rolled, len(self.plan))
            plan = np.asarray(values[PROMOTION][:over], dtype=np.float64)
        return replace(self, plan=plan)

    def explain(self, horizon: int) -> dict[str, FloatArray]:
        """See `FittedForecaster.explain`; there are components only with a plan.

        "promotion" is the effect beside a week without promotion, "level" all the rest.
        """
        if self.effects is None or len(self.plan) <= self._n_rolled:
            return {}
        uplift = np.zeros(horizon)
        ahead = self.plan[self._n_rolled :][:horizon]
        uplift[: len(ahead)] = self.effects.uplift(ahead)
        return {
            "level": np.log1p(self.forecast(horizon, ()).mean) - uplift,
            "promotion": uplift,
        }

    @property
    def _n_rolled(self) -> int:
        """Weeks after the training."""
        return len(self.volumes) - self.n_trained

    def _path(self, n_weeks: int) -> FloatArray:
        """Return the points with the effects of the weeks whose promotion is known."""
        points = super()._path(n_weeks)
        if self.effects is None or not len(self.plan):
            return points
        plan = self.plan[:n_weeks]
        none = self.effects.none[self._places(n_weeks)[: len(plan)]]
        known = np.isfinite(plan)
        points[: len(plan)][known] += (none + self.effects.uplift(plan))[known]
        return points

    def to_state(self) -> dict[str, Any]:
        """See `FittedForecaster.to_state`."""
        state = super().to_state()
        if self.effects is not None:
            state |= {"promotions": self.effects.to_state(), "plan": self.plan.tolist()}
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """See `FittedForecaster.from_state`; older releases have no effects of promotions."""
        model = super().from_state(state)
        if "promotions" not in state:
            return model
        effects = PromotionEffects.from_state(state["promotions"])
        return replace(model, effects=effects, plan=np.array(state["plan"], dtype=np.float64))


class Boosting(AcrossTitles):
    """Gradient boosting over all titles; see `boosting`."""

    family: ClassVar[str] = "boosting"


class Autoregression(AcrossTitles):
    """A linear autoregression of all titles, shrunk title by title; see `autoregression`."""

    family: ClassVar[str] = "autoregression"
    # Fewer titles have too little in common: it lost on panels of four to seven.
    capabilities: ClassVar[Capabilities] = replace(AcrossTitles.capabilities, fewest_titles=20)


class Network(AcrossTitles):
    """A small neural network over all titles; see `network`."""

    family: ClassVar[str] = "network"
    capabilities: ClassVar[Capabilities] = Autoregression.capabilities
