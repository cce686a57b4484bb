"""Weights of an ensemble's members, from errors at rolling origins.

Weights from a single title's few errors follow noise. The weights therefore come in two steps. A
stack over all titles of a group is the convex combination of members with the smallest error
(Breiman 1996). A tilt by the title's own errors follows; these are shrunk towards its class's, and
the class's towards none, by the number of folds. Cross-validation over the folds chooses the tilt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from book_forecast.series.history import FloatArray

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Folds at which a title's (a class's) own errors have half of the weight.
FOLDS_OF_A_TITLE = 2.0
FOLDS_OF_A_CLASS = 20.0
TILTS: tuple[float, ...] = (0.0, 1.0, 2.0, 4.0, 8.0)
# Kinks of the absolute error are smoothed below this share of a usual error.
ROUNDING = 0.03
# Members with smaller weights are left out, which also limits the size of a release.
SMALLEST = 0.05
# Relative errors below this count as equal.
FLOOR = 0.05


@dataclass(frozen=True, slots=True)
class FoldForecasts:
    """Out-of-fold forecasts of all members and titles, a fold per row.

    Attributes:
        members: Forecasts in copies, shape (r, m, h); NaN where a member has failed and beyond the
            horizon of a shorter fold.
        volumes: Copies sold, shape (r, h); NaN where missing.
        titles: Index of each row's title, shape (r,).
        fold_numbers: Index of each row's fold within the title, 0 for the latest; shape (r,).
        groups: By title; the titles of a group share a stack.
        classes: By title; the titles of a class are alike.
    """

    members: FloatArray
    volumes: FloatArray
    titles: IntArray
    fold_numbers: IntArray
    groups: IntArray
    classes: IntArray


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the members.

    Attributes:
        weights: By title, shape (n, m); each row adds up to one.
        out_of_fold: By fold, the weights from the other folds alone, shape (r, m).
        tilt: Strength of the tilt by the titles' own errors.
    """

    weights: FloatArray
    out_of_fold: FloatArray
    tilt: float


def fit_weights(folds: FoldForecasts, prior: FloatArray) -> Weights:
    """Fit the weights of the members for each title.

    Args:
        folds: Out-of-fold forecasts; a title may have no row.
        prior: By title, weights without any fold, shape (n, m).
    """
    members, volumes, usable = _scaled(folds)
    every = np.ones(len(volumes), dtype=bool)
    errors = _errors(members, volumes)
    n_folds = int(folds.fold_numbers.max(initial=-1)) + 1
    stacks = {
        fold: _stacks(folds, members, volumes, prior, every & (folds.fold_numbers != fold))
        for fold in range(n_folds)
    }

    def out_of_fold(tilt: float) -> FloatArray:
        found = np.empty(errors.shape)
        for fold, base in stacks.items():
            rows = folds.fold_numbers == fold
            weights = _tilted(folds, errors, usable, base, ~rows, tilt)
            found[rows] = weights[folds.titles[rows]]
        return _without_failed(found, usable)

    by_tilt = {tilt: out_of_fold(tilt) for tilt in TILTS} if n_folds > 1 else {}
    losses = {tilt: _loss(members, volumes, weights) for tilt, weights in by_tilt.items()}
    tilt = min(losses, key=lambda t: losses[t]) if losses else TILTS[1]
    base = _stacks(folds, members, volumes, prior, every)
    weights = _tilted(folds, errors, usable, base, every, tilt)
    held_out = by_tilt[tilt] if by_tilt else _without_failed(weights[folds.titles], usable)
    return Weights(_pruned(weights), held_out, tilt)


def _scaled(folds: FoldForecasts) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return forecasts and volumes in units of a title's usual error, and usable members."""
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
    """Return mean absolute errors, shape (r, m); NaN where a member has failed."""
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
    """Return, by title, the stack of its group over some of the rows."""
    found = prior.copy()
    group_of_row = folds.groups[folds.titles]
    for group in np.unique(folds.groups):
        own = rows & (group_of_row == group)
        titles = folds.groups == group
        found[titles] = _stack(members[own], volumes[own], prior[titles].mean(axis=0))
    return found


def _stack(members: FloatArray, volumes: FloatArray, prior: FloatArray) -> FloatArray:
    """Return the convex combination with the smallest error and a pull to the prior, (m,)."""
    if not len(members) or len(prior) == 1:
        return prior
    there = np.isfinite(members).sum(axis=1) > 0
    known = np.isfinite(volumes) & there
    typical = np.nanmedian(np.where(there[:, None], members, 0.0), axis=1, keepdims=True)
    filled = np.where(np.isfinite(members), members, typical)
    # Weeks have shares of their fold, so that all folds have the same weight.
    shares = (known / np.maximum(known.sum(axis=1, keepdims=True), 1)).ravel()
    matrix = np.moveaxis(filled, 1, 2).reshape(-1, len(prior))
    target = np.where(known, volumes, 0.0).ravel()
    used = shares > 0.0
    matrix, target, shares = matrix[used], target[used], shares[used] / len(members)
    # The fewer folds there are, the stronger is the prior.
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
    """Return, by title, weights tilted by the errors of the title and its class on `rows`."""
    n, m = base.shape
    logs = np.where(usable, np.log(np.maximum(errors, FLOOR)), np.nan)
    any_usable = usable.any(axis=1, keepdims=True)
    relative = logs - np.nanmean(np.where(any_usable, logs, 0.0), axis=1, keepdims=True)
    counted = rows[:, None] & usable
    relative = np.where(counted, relative, 0.0)
    own, n_own = _means(relative, counted, folds.titles, n)
    n_classes = int(folds.classes.max(initial=0)) + 1
    alike, n_alike = _means(relative, counted, folds.classes[folds.titles], n_classes)
    of_class = (alike * n_alike / (n_alike + FOLDS_OF_A_CLASS))[folds.classes]
    share = n_own / (n_own + FOLDS_OF_A_TITLE)
    expected = share * own + (1.0 - share) * of_class
    weights = base * np.exp(-tilt * expected)
    # A member that has failed at all of a title's folds gets no weight.
    tried = np.zeros((n, m))
    np.add.at(tried, folds.titles, np.broadcast_to(rows[:, None], usable.shape).astype(float))
    weights = np.where((tried > 0) & (n_own == 0), 0.0, weights)
    return _shares(weights, base)


def _means(
    values: FloatArray, counted: BoolArray, groups: IntArray, n: int
) -> tuple[FloatArray, FloatArray]:
    """Return means and counts by group, both of shape (n, m)."""
    sums, counts = np.zeros((n, values.shape[1])), np.zeros((n, values.shape[1]))
    np.add.at(sums, groups, values)
    np.add.at(counts, groups, counted.astype(np.float64))
    return sums / np.maximum(counts, 1.0), counts


def combine(members: FloatArray, weights: FloatArray) -> FloatArray:
    """Return weighted means of forecasts, shape (r, h), over the members that have not failed.

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
    return _shares(np.where(usable, weights, 0.0), weights)


def _pruned(weights: FloatArray) -> FloatArray:
    return _shares(np.where(weights < SMALLEST, 0.0, weights), weights)


def _shares(weights: FloatArray, otherwise: FloatArray) -> FloatArray:
    """Return rows scaled to a sum of one; rows of zeros are replaced."""
    total = weights.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, weights / np.where(total > 0.0, total, 1.0), otherwise)


def _softmax(logits: FloatArray) -> FloatArray:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), dtype=np.float64)
