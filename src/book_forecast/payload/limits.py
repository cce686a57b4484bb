"""The horizons and interval levels that a payload holds, and checks of both."""

from __future__ import annotations

from collections.abc import Sequence

from .manifest import LONGEST_HORIZON, PROBABILITIES

LOWEST_LEVEL, HIGHEST_LEVEL = 1.0, 99.0
"""Bounds of interval levels, in percent."""


def check_horizon(horizon: int) -> None:
    """Raise a `ValueError` that names the bounds if no payload holds a horizon."""
    if not 1 <= horizon <= LONGEST_HORIZON:
        raise ValueError(f"horizon is {horizon}: it must be 1 to {LONGEST_HORIZON} weeks.")


def check_level(level: float) -> None:
    """Raise a `ValueError` that names the bounds if no payload holds an interval level."""
    if not LOWEST_LEVEL <= level <= HIGHEST_LEVEL:
        raise ValueError(
            f"level is {level}: it must be {LOWEST_LEVEL:g} to {HIGHEST_LEVEL:g} percent."
        )


def check_probabilities(probabilities: Sequence[float]) -> None:
    """Raise a `ValueError` that names the bounds if no payload holds one of these quantiles."""
    for probability in probabilities:
        if not PROBABILITIES[0] <= probability <= PROBABILITIES[-1]:
            raise ValueError(
                f"probability is {probability}: it must be {PROBABILITIES[0]} to "
                f"{PROBABILITIES[-1]}."
            )
