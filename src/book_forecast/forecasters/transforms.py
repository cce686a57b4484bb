"""Transforms of volumes, and their inverse for normal distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from scipy.special import boxcox1p, inv_boxcox1p
from scipy.stats import boxcox_llf, norm

from book_forecast.forecasters.base import Forecast
from book_forecast.series.history import FloatArray

TransformName = Literal["none", "log", "box_cox"]

# Quadrature for means: the trapezoidal rule over standard deviations. The kinks at zero and at the
# ceiling harm it less than Gauss's rules, and its nodes reach into the tail.
NODES = np.linspace(-6.0, 6.0, 97)
WEIGHTS = norm.pdf(NODES) / norm.pdf(NODES).sum()
# Forecasts end at this multiple of the largest known week: the mean of a log-normal distribution
# would otherwise follow a tail without data.
CEILING = 3.0
POWERS = np.linspace(0.0, 1.0, 11)


@dataclass(frozen=True, slots=True)
class Transform:
    """Box and Cox's (1964) power transform of one plus the volume, which allows zeros.

    Attributes:
        name: How the power was chosen.
        power: 0 is the logarithm, 1 leaves the scale as it is.
        ceiling: Largest volume of a forecast.
    """

    name: TransformName
    power: float
    ceiling: float

    @classmethod
    def fit(cls, name: TransformName, volumes: FloatArray) -> Self:
        """Choose the power ("box_cox": by maximum likelihood over a grid) and the ceiling."""
        seen = volumes[np.isfinite(volumes)]
        ceiling = CEILING * float(np.max(seen, initial=1.0))
        if name == "box_cox" and len(np.unique(seen)) > 1:
            heights = [boxcox_llf(power, seen + 1.0) for power in POWERS]
            return cls(name, float(POWERS[int(np.argmax(heights))]), ceiling)
        return cls(name, 1.0 if name == "none" else 0.0, ceiling)

    def apply(self, volumes: FloatArray) -> FloatArray:
        """Return volumes on the model's scale; NaN stays NaN."""
        return np.asarray(boxcox1p(volumes, self.power), dtype=np.float64)

    def invert(self, values: FloatArray) -> FloatArray:
        """Return copies, at least zero and at most the ceiling."""
        top = boxcox1p(self.ceiling, self.power)
        return np.asarray(inv_boxcox1p(np.clip(values, 0.0, top), self.power), dtype=np.float64)

    def to_copies(
        self, mean: FloatArray, deviation: FloatArray, levels: Sequence[float]
    ) -> Forecast:
        """Return distributions of copies for normal distributions on the model's scale.

        The mean is that of the transformed distribution, by quadrature; bounds are transformed
        quantiles.

        Args:
            mean: Shape (horizon,), on the model's scale.
            deviation: Shape (horizon,).
            levels: Interval levels in percent.
        """
        copies = WEIGHTS @ self.invert(mean + deviation * NODES[:, None])
        return self.around(copies, mean, deviation, levels)

    def around(
        self,
        copies: FloatArray,
        mean: FloatArray,
        deviation: FloatArray,
        levels: Sequence[float],
    ) -> Forecast:
        """Return a point forecast of copies with the bounds of normal distributions."""
        lower, upper = {}, {}
        for level in levels:
            reach = norm.ppf(0.5 + level / 200.0) * deviation
            lower[level] = self.invert(mean - reach)
            upper[level] = self.invert(mean + reach)
        return Forecast(copies, lower, upper)

    def to_state(self) -> dict[str, Any]:
        """Return the transform as plain data."""
        return {"name": self.name, "power": self.power, "ceiling": self.ceiling}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the transform from the result of `to_state`."""
        return cls(state["name"], float(state["power"]), float(state["ceiling"]))
