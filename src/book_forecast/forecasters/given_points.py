"""Point forecasts from a model of many titles: nothing is fitted to one of them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from book_forecast.forecasters.statistical import FixedPoints, PointFit
from book_forecast.forecasters.transforms import Transform
from book_forecast.series.history import FloatArray, History


class GivenPoints(FixedPoints):
    """Points that are given; their level follows the weeks rolled in, as with all fixed points."""

    # Smoothing finds about this gain for most titles.
    GAIN: ClassVar[float] = 0.3

    @classmethod
    def _scale_of(cls, history: History, copies: FloatArray) -> Transform:
        """Return the scale of a title's weeks, for forecasts in copies.

        Raises:
            ValueError: If the history has no known week, or the forecasts are not finite.
        """
        if not np.isfinite(history.volumes).any():
            raise ValueError(f"{history.isbn} has no week with a known volume.")
        if not np.isfinite(copies).all():
            raise ValueError(f"{cls.family} finds no finite forecast for {history.isbn}.")
        return Transform.fit(cls.scale, history.volumes)

    @classmethod
    def _fit_points(cls, values: FloatArray, season: int) -> PointFit:  # noqa: ARG003 - no fit
        raise ValueError(f"{cls.family} is not fitted to one title.")
