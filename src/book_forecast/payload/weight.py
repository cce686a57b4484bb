"""Weights of a model in a mean, by week ahead."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

# Relative, as MLflow stores this folder beside each payload under another name.
from .arrays import FloatArray


def share_of_far(horizon: int, last: int) -> FloatArray:
    """Return, by week ahead, the share of the last compared week's weights, shape (horizon,).

    Args:
        horizon: Weeks ahead.
        last: The last week ahead that the folds compare; its weights hold on after it.
    """
    return np.clip(np.arange(horizon) / max(last - 1, 1), 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Weight:
    """A model's weight in a mean; it moves on a line between two weeks ahead.

    Attributes:
        near: In the first week ahead.
        far: In the last week ahead that the folds compare, and after it.
        last: Number of that week.
    """

    near: float
    far: float
    last: int = 1

    @classmethod
    def steady(cls, weight: float) -> Weight:
        """Return a weight that is the same in all weeks."""
        return cls(weight, weight)

    @property
    def mean(self) -> float:
        """Over the compared weeks."""
        return 0.5 * (self.near + self.far)

    def ahead(self, horizon: int) -> FloatArray:
        """Return the weight by week ahead, shape (horizon,)."""
        return self.near + (self.far - self.near) * share_of_far(horizon, self.last)


def among(weights: Mapping[str, Weight], names: Iterable[str]) -> dict[str, Weight]:
    """Return the weights of some models, which add up to one again in every week.

    Args:
        weights: By model, on the same weeks; others have none.
        names: The models that are there.

    Returns:
        By name; empty if none of them has a weight.
    """
    nothing = Weight(0.0, 0.0, max((weight.last for weight in weights.values()), default=1))
    found = {name: weights.get(name, nothing) for name in names}
    near, far = (sum(getattr(each, end) for each in found.values()) for end in ("near", "far"))
    if not near + far > 0.0:
        return {}
    # Where all models of one end are missing, those of the other end stand in.
    return {
        name: replace(
            each,
            near=each.near / near if near > 0.0 else each.far / far,
            far=each.far / far if far > 0.0 else each.near / near,
        )
        for name, each in found.items()
    }


def weights_to_json(weights: Mapping[str, Weight]) -> str:
    """Return weights by model as text, both ends of each, the largest first."""
    by_size = sorted(weights.items(), key=lambda item: -item[1].mean)
    return json.dumps({name: [round(each.near, 4), round(each.far, 4)] for name, each in by_size})


def weights_from_json(text: str, last: int | None) -> dict[str, Weight]:
    """Return the inverse of `weights_to_json`.

    Args:
        text: In texts made before weights moved, a model has one number.
        last: The last week that the folds compare; None beside such texts.

    Raises:
        ValueError: If there are two ends, and no last week.
    """
    found: dict[str, float | list[float]] = json.loads(text, parse_int=float)
    weights = {}
    for name, each in found.items():
        if not isinstance(each, list):
            weights[name] = Weight.steady(each)
        elif last is None:
            raise ValueError(f"weights {text} move, but their last week is missing")
        else:
            weights[name] = Weight(each[0], each[1], last)
    return weights
