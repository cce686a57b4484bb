"""How the errors of weeks ahead, and those of titles, depend on each other.

The normal score of a week's sales under its forecast distribution is the sum of three independent
processes: one that all titles share, one that a product class shares, and the title's own. Each is
a random walk from the cutoff on, an autoregression and shocks of single weeks. Walks reach their
share in the course of weeks; until then, the title's own shocks have it. So the variances of every
week add up to one, and the distribution of a single week is the release's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Self

import numpy as np

# Relative, as MLflow stores this folder beside each payload under another name.
from .arrays import FloatArray

KEY = "dependence"
"""Of the calibration in the manifest of a release."""
_ROUNDING = 1e-2
LEVEL_OF_A_LAUNCH = 0.85
"""Share of the level in the variance of a title with few weeks of sales, or none."""
HALF_OF_A_WALK = 8.0
"""Weeks ahead at which a walk has half of its share: next week's errors are mostly shocks."""


@dataclass(frozen=True, slots=True)
class Process:
    """Variances of a process of normal scores over the weeks ahead.

    Attributes:
        walk: Of the error of a random walk since the cutoff, far ahead, where weeks err alike.
        drift: Of the error of an autoregression since the cutoff.
        shock: Of single weeks.
        persistence: Of the autoregression from week to week, 0 to 1.
    """

    walk: float = 0.0
    drift: float = 0.0
    shock: float = 0.0
    persistence: float = 0.0

    @property
    def variance(self) -> float:
        """Of the score of a week far ahead."""
        return self.walk + self.drift + self.shock

    def covariance(self, n_weeks: int) -> FloatArray:
        """Return the covariance of the weeks 1 to n ahead, shape (n, n)."""
        drift = drift_correlation(self.persistence, n_weeks)
        return (
            self.walk * walk_covariance(n_weeks) + self.drift * drift + self.shock * np.eye(n_weeks)
        )

    def to_state(self) -> dict[str, float]:
        """Return the process as plain data."""
        return {part.name: round(getattr(self, part.name), 4) for part in fields(self)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """Return the process from the result of `to_state`.

        Raises:
            ValueError: If a number is missing, or is not between 0 and 1.
        """
        numbers = {part.name: float(state[part.name]) for part in fields(cls)}
        is_stationary = numbers["persistence"] < 1.0
        if not is_stationary or not all(0.0 <= number <= 1.0 for number in numbers.values()):
            raise ValueError(f"the dependence {numbers} is not between 0 and 1")
        return cls(**numbers)


@dataclass(frozen=True, slots=True)
class ClassDependence:
    """The processes of a product class.

    Attributes:
        shared: Of all its titles, beside the process of all titles.
        own: Of each title alone.
    """

    shared: Process
    own: Process


@dataclass(frozen=True)
class Dependence:
    """The dependence between all weeks and titles of a release.

    Attributes:
        common: The process of all titles.
        usual: The processes of classes without their own.
        classes: The processes by class.
    """

    common: Process
    usual: ClassDependence
    classes: Mapping[str, ClassDependence] = field(hash=False)

    def of(self, product_class: str | None) -> ClassDependence:
        """Return the processes of a class; the usual ones where it has none of its own."""
        return self.classes.get(product_class or "", self.usual)

    def own_covariance(
        self, product_class: str | None, n_weeks: int, *, is_launch: bool = False
    ) -> FloatArray:
        """Return the covariance of a title's own process, shape (n, n).

        Its shocks have what the walks of all three processes have not taken yet. The weeks of a
        launch err alike instead, because its level is unknown.
        """
        found = self.of(product_class)
        walks = self.common.walk + found.shared.walk + found.own.walk
        left = walks * (1.0 - np.diag(walk_covariance(n_weeks)))
        covariance = found.own.covariance(n_weeks) + np.diag(left)
        if not is_launch:
            return covariance
        size = np.sqrt(np.diag(covariance))
        level = LEVEL_OF_A_LAUNCH * np.outer(size, size)
        return np.asarray(level + (1.0 - LEVEL_OF_A_LAUNCH) * np.diag(size**2))

    def to_state(self) -> dict[str, Any]:
        """Return the dependence as plain data."""
        return {
            "common": self.common.to_state(),
            "usual": _class_state(self.usual),
            "classes": {name: _class_state(found) for name, found in self.classes.items()},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any] | None) -> Self:
        """Return the dependence from the result of `to_state`.

        Args:
            state: Plain data; None in releases of older versions, which get `UNKNOWN`.

        Raises:
            ValueError: If it is not the dependence that `to_state` returns.
        """
        if state is None:
            return cls(**vars(UNKNOWN))
        try:
            common = Process.from_state(state["common"])
            usual = _class_of(state["usual"], common)
            classes = {
                str(name): _class_of(found, common) for name, found in state["classes"].items()
            }
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the dependence lacks {error}") from None
        return cls(common, usual, classes)


# A total over titles of many classes needs these matrices hundreds of times.
@lru_cache(maxsize=64)
def walk_covariance(n_weeks: int) -> FloatArray:
    """Return the covariance of a walk whose share rises to one, shape (n, n)."""
    ahead = np.arange(1, n_weeks + 1, dtype=np.float64)
    size = np.sqrt(ahead + HALF_OF_A_WALK)
    return _read_only(np.minimum.outer(ahead, ahead) / np.outer(size, size))


@lru_cache(maxsize=64)
def drift_correlation(persistence: float, n_weeks: int) -> FloatArray:
    """Return the correlation of an autoregression's errors 1 to n weeks ahead, shape (n, n).

    The error starts with nothing at the cutoff, so that the weeks of the near future are less
    alike than those far ahead.
    """
    ahead = np.arange(1, n_weeks + 1, dtype=np.float64)
    grown = 1.0 - persistence ** (2.0 * ahead)
    decay = persistence ** np.abs(ahead[:, None] - ahead)
    ratio = np.sqrt(np.minimum.outer(grown, grown) / np.maximum.outer(grown, grown))
    return _read_only(decay * ratio)


def _read_only(matrix: FloatArray) -> FloatArray:
    matrix.setflags(write=False)
    return matrix


def _class_state(found: ClassDependence) -> dict[str, Any]:
    return {"shared": found.shared.to_state(), "own": found.own.to_state()}


def _class_of(state: Mapping[str, Any], common: Process) -> ClassDependence:
    """Return the processes of a class, whose variances add up to one with the common ones."""
    found = ClassDependence(Process.from_state(state["shared"]), Process.from_state(state["own"]))
    whole = common.variance + found.shared.variance + found.own.variance
    if not math.isclose(whole, 1.0, abs_tol=_ROUNDING):
        raise ValueError(f"the variances of the dependence add up to {whole:g}, not to 1")
    return found


UNKNOWN = Dependence(
    common=Process(walk=0.05, drift=0.05, persistence=0.9),
    usual=ClassDependence(
        shared=Process(walk=0.05, drift=0.1, shock=0.05, persistence=0.8),
        own=Process(walk=0.15, drift=0.35, shock=0.2, persistence=0.8),
    ),
    classes={},
)
"""For releases without an estimate: more dependence than most catalogues have."""
