"""Rolling-origin folds over a weekly history."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True, order=True)
class Fold:
    """One origin of a rolling-origin evaluation.

    Attributes:
        origin: Number of leading weeks that a model may see.
        horizon: Number of weeks after the origin that it is scored on.
    """

    origin: int
    horizon: int

    @property
    def training(self) -> slice:
        """The weeks a model may see, as a slice of the history."""
        return slice(0, self.origin)

    @property
    def target(self) -> slice:
        """The weeks the forecast is scored on, as a slice of the history."""
        return slice(self.origin, self.origin + self.horizon)


@dataclass(frozen=True)
class RollingOrigins:
    """Where folds lie in a history: the k-th origin is `horizon + step * k` weeks before its end.

    The latest fold comes first, so that the k-th fold covers the same weeks in a short history as
    in a long one, and a pruner sees the most recent weeks first.

    Attributes:
        horizon: Weeks to score in each fold, at least 1.
        folds: The most folds; 0 for none.
        step: Weeks between two origins, at least 1.
        min_train: The fewest training weeks of a fold, at least 1.
        overlap: Origins a step, at least 1: with more than one there are others between these.
    """

    horizon: int
    folds: int
    step: int
    min_train: int = 1
    overlap: int = 1

    def __post_init__(self) -> None:
        lowest = {"horizon": 1, "folds": 0, "step": 1, "min_train": 1, "overlap": 1}
        for name, least in lowest.items():
            if (value := getattr(self, name)) < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")

    def of_title(self, volumes: npt.NDArray[np.float64]) -> list[Fold]:
        """Place folds in one title's weeks; each has a week with a known volume to score.

        A history that is too short for `min_train` weeks and a horizon trains on two thirds of its
        weeks. See `within` for what else gives way.

        Args:
            volumes: Copies a week, shape (n,); NaN where the week is missing.
        """
        min_train = max(2, min(self.min_train, 2 * len(volumes) // 3))
        found = self.within(len(volumes), min_train)
        return [fold for fold in found if np.isfinite(volumes[fold.target]).any()]

    def within(self, n_weeks: int, min_train: int | None = None) -> list[Fold]:
        """Place folds that end with the history's last week.

        A history that is too short gives up folds first, then weeks of the horizon: one fold with
        what remains after `min_train` weeks. With `min_train` weeks or fewer there is no fold.

        Args:
            n_weeks: Weeks in the history.
            min_train: In place of the attribute.

        Raises:
            ValueError: If `n_weeks` is negative.
        """
        if n_weeks < 0:
            raise ValueError(f"n_weeks must not be negative, got {n_weeks}")
        min_train = self.min_train if min_train is None else min_train
        horizon = min(self.horizon, n_weeks - min_train)
        return self._folds(n_weeks, horizon, min_train) if horizon > 0 else []

    def at_common_weeks(self, n_weeks: int, min_train: int) -> list[Fold]:
        """Place folds at the same calendar weeks for all titles with the same last week.

        Args:
            n_weeks: Weeks in the title's history.
            min_train: The fewest weeks before an origin; folds with fewer are left out.
        """
        return self._folds(n_weeks, self.horizon, min_train)

    def cutoffs(self, last_week: pd.Timestamp) -> list[pd.Timestamp]:
        """Return the last training week of each fold at common weeks, the latest first."""
        return [last_week + pd.Timedelta(weeks=back) for back in self._origins(0, self.horizon)]

    def _folds(self, n_weeks: int, horizon: int, fewest: int) -> list[Fold]:
        origins = self._origins(n_weeks, horizon)
        return [Fold(origin, horizon) for origin in origins if origin >= fewest]

    def _origins(self, end: int, horizon: int) -> list[int]:
        n_origins = max(self.folds - 1, 0) * self.overlap + min(self.folds, 1)
        back = sorted({self.step * k // self.overlap for k in range(n_origins)})
        return [end - horizon - weeks for weeks in back]


def share_of_a_fold(origins: npt.NDArray[np.int64], horizon: int) -> float:
    """Return the share of its weeks that a fold does not have in common with the one before.

    Overlapping folds count for this share of one without common weeks.

    Args:
        origins: Weeks of the origins from any week on, in any order, also repeated.
        horizon: Weeks of a fold.
    """
    apart = np.diff(np.unique(origins))
    return min(float(np.median(apart)) / max(horizon, 1), 1.0) if len(apart) else 1.0
