"""What the model of all titles says of one: a path, whose level follows the weeks rolled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from book_forecast.forecasters.base import Capabilities
from book_forecast.forecasters.paths import PATH_WEEKS, Course, Path
from book_forecast.forecasters.transforms import Transform
from book_forecast.series.history import FloatArray, History


@dataclass(frozen=True)
class Boosting(Path):
    """A path that was forecast by gradient boosting over all titles; see `boosting`."""

    family: ClassVar[str] = "boosting"
    capabilities: ClassVar[Capabilities] = Capabilities(
        seasonal=True, regressors=True, missing=True, across_titles=True
    )
    # Of the level's error after a few weeks, about what smoothing finds for most titles.
    GAIN: ClassVar[float] = 0.3

    @classmethod
    def from_path(cls, history: History, path: FloatArray) -> Self:
        """The member of one title.

        Args:
            history: The title's weeks.
            path: Copies in the weeks after them, as many as are known; the last year repeats.

        Raises:
            ValueError: If no week of the history was seen, or the path is not finite.
        """
        known = history.volumes[np.isfinite(history.volumes)]
        if not len(known):
            raise ValueError(f"{history.isbn} has no week with a known volume.")
        if not np.isfinite(path).all():
            raise ValueError(f"The path of {history.isbn} is not finite.")
        transform = Transform.fit(cls.scale, history.volumes)
        changes = np.diff(transform.apply(known))
        deviation = float(np.sqrt(np.mean(changes**2))) if len(changes) else 1.0
        whole = np.resize(transform.apply(path), PATH_WEEKS)
        return cls(whole, cls.GAIN, deviation, transform, history.volumes, len(history.volumes))

    @classmethod
    def _course(cls, values: FloatArray, season: int) -> Course:  # noqa: ARG003 - has no fit
        raise ValueError("One title alone has no model of all titles.")
