"""Rolling-origin folds over a weekly history."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


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


def rolling_origins(
    n_weeks: int, horizon: int, folds: int, step: int, min_train: int
) -> list[Fold]:
    """Place folds at the end of a history of ``n_weeks`` weeks.

    The first fold ends with the last week of the history, each further one ``step`` weeks
    earlier: latest first, so that the k-th fold means the same weeks for a short history as for
    a long one, and a pruner sees the most recent weeks first.

    A history too short for everything asked gives up folds first, then weeks of the horizon
    (one fold with what remains after ``min_train`` weeks), and in the end everything: the list
    is empty where fewer than ``min_train + 1`` weeks exist. All folds of a list share one horizon.

    Args:
        n_weeks: Weeks in the history; no fold looks beyond them.
        horizon: Weeks to score in each fold.
        folds: The most folds to return.
        step: Weeks between two origins.
        min_train: The fewest training weeks of a fold.

    Returns:
        At most ``folds`` folds with strictly falling origins.

    Raises:
        ValueError: If ``n_weeks`` is negative or another argument is below one.
    """
    if n_weeks < 0:
        raise ValueError(f"n_weeks must not be negative, got {n_weeks}")
    at_least_one = {"horizon": horizon, "folds": folds, "step": step, "min_train": min_train}
    for name, value in at_least_one.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    weeks_to_score = min(horizon, n_weeks - min_train)
    if weeks_to_score < 1:
        return []
    latest = n_weeks - weeks_to_score
    origins = range(latest, min_train - 1, -step)[:folds]
    return [Fold(origin, weeks_to_score) for origin in origins]


def folds_of(
    volumes: npt.NDArray[np.float64], horizon: int, folds: int, step: int, min_train: int
) -> list[Fold]:
    """Rolling origins inside one title's weeks, in each of which a week to score is known.

    Args:
        volumes: Copies a week, shape (n,); NaN where the week is missing.
        horizon: Weeks to score in each fold.
        folds: The most folds to return; none is fine.
        step: Weeks between two origins.
        min_train: The fewest training weeks of a fold; two thirds of a short history.

    Returns:
        The latest fold first.
    """
    if not folds:
        return []
    enough = max(2, min(min_train, 2 * len(volumes) // 3))
    origins = rolling_origins(len(volumes), horizon, folds, step, enough)
    return [fold for fold in origins if np.isfinite(volumes[fold.target]).any()]
