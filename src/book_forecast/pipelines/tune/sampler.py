# ruff: noqa: ARG002 - Optuna's signatures
"""The sampler of the search for SARIMA orders: points at random, then neighbours of the best."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from book_forecast.pipelines.tune.space import Parameters, Space, key

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
# So many of the best trials are searched around at the same time.
SIDE_BY_SIDE = 3


class NeighbourSampler(BaseSampler):
    """Draws points that were not tried: some at random, then neighbours of the best.

    A neighbour differs in one order or in the transform. The neighbours of a few best trials are
    drawn from together, as those of the best alone may all lie in one hollow. On a space as small
    as this they lead to errors as low as those of a tree-structured Parzen estimator, which repeats
    points and takes as long as the fits.

    Args:
        space: The points to choose from.
        randomness: Seeds the draws, together with the number of the trial.
        random_trials: Number of the first trial that is drawn from neighbours.
    """

    def __init__(self, space: Space, randomness: str, random_trials: int) -> None:
        self.space, self.randomness, self.random_trials = space, randomness, random_trials

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the whole space: a point is drawn at once."""
        return self.space.distributions()

    def sample_relative(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        search_space: Mapping[str, BaseDistribution],
    ) -> Parameters:
        """Draw a point that was not tried; none where all were."""
        trials = study.get_trials(deepcopy=False, states=FINISHED)
        left = self.untried(trials)
        if not len(left):
            return {}
        text = f"{self.randomness}/{trial.number}"
        draw = random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311
        near = self._neighbours(trials, left) if trial.number >= self.random_trials else left
        return self.space.points[draw.choice(near if len(near) else left)]

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Refuse: a point that was drawn or enqueued has every parameter.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"the space has no point left to draw {param_name} from")

    def untried(self, trials: Sequence[FrozenTrial]) -> np.ndarray:
        """Return the positions of points that no trial has tried."""
        tried = {key(trial.params) for trial in trials}
        points = enumerate(self.space.points)
        return np.array([index for index, point in points if key(point) not in tried])

    def _neighbours(self, trials: Sequence[FrozenTrial], left: np.ndarray) -> np.ndarray:
        complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
        ranked = sorted(complete, key=lambda trial: (trial.value, trial.number))
        for first in range(0, len(ranked), SIDE_BY_SIDE):
            together = ranked[first : first + SIDE_BY_SIDE]
            apart = np.array([self.space.differences(t.params)[left] for t in together])
            near: np.ndarray = left[(apart == 1).any(axis=0)]
            if len(near):
                return near
        return left[:0]
