"""Weights of an ensemble's members, from errors at rolling origins.

Weights that follow a single title's few errors chase noise. So they come in two steps: a stack over
all titles of a group, which is the convex combination of members that would have erred least
(Breiman 1996), and from there a tilt by the title's own errors, shrunk towards its class's and
these towards none by how many there are. How strong the tilt is, is decided by leaving each fold
out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from book_forecast.series.history import FloatArray

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# A title's (a class's) own errors count half once there are as many folds.
FOLDS_OF_A_TITLE = 2.0
FOLDS_OF_A_CLASS = 20.0
TILTS: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0)
# Kinks of the absolute error are rounded off below this, beside an error of one.
ROUNDING = 0.03
# A member with less is left out, which also keeps a release small.
SMALLEST = 0.05
# Smaller errors, beside the title's usual one, say nothing more.
FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class FoldForecasts:
    """What all members said at the rolling origins of all titles, a fold a row.

    Attributes:
        members: Forecasts in copies, shape (r, m, h); NaN throughout where a member has failed and
            beyond the horizon of a shorter fold.
        volumes: What happened, shape (r, h); NaN where it is not known.
        titles: Which title each row is of, from 0; shape (r,).
        places: Which of the title's folds, from 0, the latest first; shape (r,).
        groups: By title, titles that share a stack.
        classes: By title, titles that are alike.
    """

    members: FloatArray
    volumes: FloatArray
    titles: IntArray
    places: IntArray
    groups: IntArray
    classes: IntArray

    @property
    def n_members(self) -> int:
        """How many members there are."""
        return int(self.members.shape[1])


@dataclass(frozen=True, slots=True)
class Weights:
    """What members count for.

    Attributes:
        weights: By title, shape (n, m); each row adds up to one.
        held_out: By fold, those that the other folds alone would have led to, shape (r, m).
        tilt: How strongly they follow the titles' own errors.
    """

    weights: FloatArray
    held_out: FloatArray
    tilt: float


def weigh(folds: FoldForecasts, prior: FloatArray) -> Weights:
    """Weights of the members for each title.

    Args:
        folds: Forecasts of known weeks; a title may have no row.
        prior: By title, what the members count for before anything is known, shape (n, m).
    """
    members, volumes, usable = _scaled(folds)
    every = np.ones(len(volumes), dtype=bool)
    errors = _errors(members, volumes)
    n_places = int(folds.places.max(initial=-1)) + 1
    stacks = {
        place: _stacks(folds, members, volumes, prior, every & (folds.places != place))
        for place in range(n_places)
    }

    def held_out(tilt: float) -> FloatArray:
        found = np.empty(errors.shape)
        for place, base in stacks.items():
            weights = _tilted(folds, errors, usable, base, folds.places != place, tilt)
            rows = folds.places == place
            found[rows] = weights[folds.titles[rows]]
        return _without_failed(found, usable)

    by_tilt = {tilt: held_out(tilt) for tilt in TILTS} if n_places > 1 else {}
    losses = {tilt: _loss(members, volumes, weights) for tilt, weights in by_tilt.items()}
    tilt = min(losses, key=lambda t: losses[t]) if losses else TILTS[1]
    base = _stacks(folds, members, volumes, prior, every)
    weights = _tilted(folds, errors, usable, base, every, tilt)
    apart = by_tilt[tilt] if by_tilt else _without_failed(weights[folds.titles], usable)
    return Weights(_pruned(weights), apart, tilt)


def _scaled(folds: FoldForecasts) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Forecasts and volumes in units of a title's usual error, and who has not failed where."""
    known = np.isfinite(folds.volumes)
    usable = np.isfinite(np.where(known[:, None], folds.members, 0.0)).all(axis=2)
    usable &= (known.sum(axis=1) > 0)[:, None]
    errors = np.where(usable, _errors(folds.members, folds.volumes), 0.0)
    means, counts = _means(errors, usable, folds.titles, len(folds.groups))
    scale = np.ones(len(means))
    there = (counts > 0).any(axis=1)
    scale[there] = np.nanmedian(np.where(counts > 0, means, np.nan)[there], axis=1)
    unit = np.maximum(scale, 1e-9)[folds.titles]
    return folds.members / unit[:, None, None], folds.volumes / unit[:, None], usable


def _errors(members: FloatArray, volumes: FloatArray) -> FloatArray:
    """Mean absolute errors, shape (r, m); NaN where a member has failed."""
    known = np.isfinite(volumes)
    wrong = np.where(known[:, None], np.abs(members - volumes[:, None]), 0.0).sum(axis=2)
    return np.asarray(wrong / np.maximum(known.sum(axis=1), 1)[:, None], dtype=np.float64)


def _stacks(
    folds: FoldForecasts,
    members: FloatArray,
    volumes: FloatArray,
    prior: FloatArray,
    rows: BoolArray,
) -> FloatArray:
    """By title, the stack of its group over some of the rows."""
    found = prior.copy()
    group_of_row = folds.groups[folds.titles]
    for group in np.unique(folds.groups):
        own = rows & (group_of_row == group)
        titles = folds.groups == group
        found[titles] = _stack(members[own], volumes[own], prior[titles].mean(axis=0))
    return found


def _stack(members: FloatArray, volumes: FloatArray, prior: FloatArray) -> FloatArray:
    """The convex combination that errs least, drawn to the prior; weights of shape (m,)."""
    if not len(members) or len(prior) == 1:
        return prior
    there = np.isfinite(members).sum(axis=1) > 0
    known = np.isfinite(volumes) & there
    typical = np.nanmedian(np.where(there[:, None], members, 0.0), axis=1, keepdims=True)
    filled = np.where(np.isfinite(members), members, typical)
    # A week's share of its fold, so that each fold counts alike.
    shares = (known / np.maximum(known.sum(axis=1, keepdims=True), 1)).ravel()
    matrix = np.moveaxis(filled, 1, 2).reshape(-1, len(prior))
    target = np.where(known, volumes, 0.0).ravel()
    used = shares > 0.0
    matrix, target, shares = matrix[used], target[used], shares[used] / len(members)
    # Few folds are no reason to leave the prior.
    pull = 1.0 / (1.0 + len(members))
    start = np.log(np.maximum(prior, 1e-6))

    def objective(logits: FloatArray) -> tuple[float, FloatArray]:
        weights = _softmax(logits)
        wrong = matrix @ weights - target
        rounded = np.sqrt(wrong**2 + ROUNDING**2)
        surprise = np.log(weights + 1e-12) - start
        value = shares @ rounded + pull * (weights @ surprise)
        slope = (shares * wrong / rounded) @ matrix + pull * (surprise + 1.0)
        return float(value), weights * (slope - weights @ slope)

    return _softmax(minimize(objective, start, jac=True, method="L-BFGS-B").x)


def _tilted(
    folds: FoldForecasts,
    errors: FloatArray,
    usable: BoolArray,
    base: FloatArray,
    rows: BoolArray,
    tilt: float,
) -> FloatArray:
    """By title, weights that follow its own errors and those of its class, where rows count."""
    n, m = base.shape
    logs = np.log(np.maximum(errors, FLOOR))
    logs = np.where(usable, logs, np.nan)
    relative = (
        logs - np.nanmean(np.where((usable.sum(axis=1) > 0)[:, None], logs, 0.0), axis=1)[:, None]
    )
    counted = rows[:, None] & usable
    own, n_own = _means(np.where(counted, relative, 0.0), counted, folds.titles, n)
    n_classes = int(folds.classes.max(initial=0)) + 1
    alike, n_alike = _means(
        np.where(counted, relative, 0.0), counted, folds.classes[folds.titles], n_classes
    )
    of_class = (alike * n_alike / (n_alike + FOLDS_OF_A_CLASS))[folds.classes]
    share = n_own / (n_own + FOLDS_OF_A_TITLE)
    expected = share * own + (1.0 - share) * of_class
    weights = base * np.exp(-tilt * expected)
    # Who has failed at all of a title's folds would fail again.
    tried = np.zeros((n, m))
    np.add.at(tried, folds.titles, np.broadcast_to(rows[:, None], usable.shape).astype(float))
    weights = np.where((tried > 0) & (n_own == 0), 0.0, weights)
    total = weights.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, weights / np.where(total > 0.0, total, 1.0), base)


def _means(
    values: FloatArray, counted: BoolArray, groups: IntArray, n: int
) -> tuple[FloatArray, FloatArray]:
    """Means by group and how many values each is of, both of shape (n, m)."""
    sums, counts = np.zeros((n, values.shape[1])), np.zeros((n, values.shape[1]))
    np.add.at(sums, groups, values)
    np.add.at(counts, groups, counted.astype(np.float64))
    return sums / np.maximum(counts, 1.0), counts


def combine(members: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted means of forecasts, shape (r, h), over those members that have not failed.

    Args:
        members: Shape (r, m, h); NaN where a member has failed.
        weights: Shape (r, m).
    """
    there = np.isfinite(members)
    weighted = np.where(there, weights[:, :, None], 0.0)
    total = weighted.sum(axis=1)
    sums = (np.where(there, members, 0.0) * weighted).sum(axis=1)
    return np.where(total > 0.0, sums / np.where(total > 0.0, total, 1.0), np.nan)


def _loss(members: FloatArray, volumes: FloatArray, weights: FloatArray) -> float:
    wrong = np.abs(combine(members, weights) - volumes)
    known = np.isfinite(wrong)
    rows = np.where(known, wrong, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return float(rows[known.any(axis=1)].mean())


def _without_failed(weights: FloatArray, usable: BoolArray) -> FloatArray:
    left = np.where(usable, weights, 0.0)
    total = left.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, left / np.where(total > 0.0, total, 1.0), weights)


def _pruned(weights: FloatArray) -> FloatArray:
    left = np.where(weights < SMALLEST, 0.0, weights)
    return np.asarray(left / left.sum(axis=1, keepdims=True), dtype=np.float64)


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), dtype=np.float64)
