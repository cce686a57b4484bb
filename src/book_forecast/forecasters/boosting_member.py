"""The member of an ensemble that comes from the global model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from book_forecast.forecasters.base import Capabilities
from book_forecast.forecasters.statistical import FixedPoints, PointFit
from book_forecast.forecasters.transforms import Transform
from book_forecast.series.history import MODEL_HORIZON, FloatArray, History


@dataclass(frozen=True)
class Boosting(FixedPoints):
    """Point forecasts of one title by gradient boosting over all titles; see `boosting`."""

    family: ClassVar[str] = "boosting"
    capabilities: ClassVar[Capabilities] = Capabilities(
        seasonal=True, covariates=True, missing=True, across_titles=True
    )
    # Smoothing finds about this gain for most titles.
    GAIN: ClassVar[float] = 0.3

    @classmethod
    def from_forecast(cls, history: History, copies: FloatArray) -> Self:
        """Return the member of one title.

        Args:
            history: The title's weeks.
            copies: Forecast of the weeks after them; the last year repeats up to `MODEL_HORIZON`.

        Raises:
            ValueError: If the history has no known week, or the forecast is not finite.
        """
        known = history.volumes[np.isfinite(history.volumes)]
        if not len(known):
            raise ValueError(f"{history.isbn} has no week with a known volume.")
        if not np.isfinite(copies).all():
            raise ValueError(f"The global model's forecast of {history.isbn} is not finite.")
        transform = Transform.fit(cls.scale, history.volumes)
        changes = np.diff(transform.apply(known))
        deviation = float(np.sqrt(np.mean(changes**2))) if len(changes) else 1.0
        points = np.resize(transform.apply(copies), MODEL_HORIZON)
        return cls(points, cls.GAIN, deviation, transform, history.volumes, len(history.volumes))

    @classmethod
    def _fit_points(cls, values: FloatArray, season: int) -> PointFit:  # noqa: ARG003 - no fit
        raise ValueError("The global model is not fitted to one title.")
