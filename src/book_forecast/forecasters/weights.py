"""Weights of an ensemble's members, from errors at rolling origins.

Weights from a single title's few errors follow noise. The weights therefore come in two steps. A
stack over all titles of a group is the combination of members with the smallest error, as far as
the evidence goes (`stacking`). A tilt by the title's own errors beside those of its group follows;
these are shrunk towards its class's, and the class's towards none, by the number of folds.

All weights are there twice: of the first week ahead and of the last one that the folds compare. The
stack has both ends, and the tilt is the same in all weeks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from book_forecast.backtesting.rolling_origins import share_of_a_fold
from book_forecast.forecasters.empirical_bayes import observations_of_half_weight
from book_forecast.forecasters.stacking import ScaledFolds, bagged_stack
from book_forecast.payload.weight import share_of_far
from book_forecast.series.history import BoolArray, FloatArray, IntArray

# Folds without common weeks at which a title's (a class's) own errors have half of the weight: for
# titles a default without an estimate, and the limits of the estimate.
FOLDS_OF_A_TITLE = 8.0
LIMITS = (1.0, 16.0)
FOLDS_OF_A_CLASS = 20.0
# Titles that an estimate of the variance between titles needs.
FEWEST_TITLES = 10
# Power of a title's relative errors in its weights.
TILT = 4.0
# Resamples behind the weights, and behind each set of weights that leaves folds out.
BAGS, BAGS_OUT_OF_FOLD = 12, 4
# Sets of origins that are left out together for the out-of-fold weights.
SETS_LEFT_OUT = 4
# Members with smaller weights, in the mean of both ends, are left out, which also limits the size
# of a release.
SMALLEST = 0.05
# Relative errors below this count as equal.
FLOOR = 0.05
# Members with a smaller mean error, in copies, hit the weeks of a title out of print. They have no
# part in its usual error: in units of none, other members would outweigh all titles.
EXACT = 1e-3


@dataclass(frozen=True, slots=True)
class FoldForecasts:
    """Out-of-fold forecasts of all members and titles, a fold per row.

    Attributes:
        members: Forecasts in copies, shape (r, m, h); NaN where a member has failed and beyond the
            horizon of a shorter fold.
        volumes: Copies sold, shape (r, h); NaN where missing.
        titles: Index of each row's title, shape (r,).
        origins: Weeks from each row's cutoff to the latest one of all, shape (r,).
        groups: By title; the titles of a group share a stack.
        classes: By title; the titles of a class are alike.
    """

    members: FloatArray
    volumes: FloatArray
    titles: IntArray
    origins: IntArray
    groups: IntArray
    classes: IntArray


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the members.

    Attributes:
        ends: By title, of the first week ahead and of the last one, shape (2, n, m); each row adds
            up to one.
        out_of_fold: By fold and week ahead, weights from folds that share no week with it, shape
            (r, m, h).
    """

    ends: FloatArray
    out_of_fold: FloatArray

    @property
    def mean(self) -> FloatArray:
        """By title, over the weeks ahead, shape (n, m)."""
        return np.asarray(self.ends.mean(axis=0), dtype=np.float64)


def fit_weights(
    folds: FoldForecasts, prior: FloatArray, seed: int = 0, excused: BoolArray | None = None
) -> Weights:
    """Fit the weights of the members for each title.

    Args:
        folds: Out-of-fold forecasts; a title may have no row.
        prior: By title, weights of a robust combination, shape (n, m).
        seed: Of the resamples.
        excused: By title, members that have not failed where they have no forecast, shape (n, m):
            without own errors, the stack of the group alone decides them. None for no member.
    """
    usable = _usable(folds)
    spared = np.zeros(prior.shape, dtype=np.bool_) if excused is None else excused

    def weights(rows: BoolArray, bags: int) -> FloatArray:
        scaled = _scaled(folds, usable & rows[:, None])
        base = _stacks(folds, scaled, prior, rows, bags, seed)
        return _tilted(folds, scaled, usable, base, rows, spared)

    out_of_fold = np.empty((2, *usable.shape))
    for inside, apart in _left_out(folds):
        out_of_fold[:, inside] = weights(apart, BAGS_OUT_OF_FOLD)[:, folds.titles[inside]]
    every: BoolArray = np.ones(len(usable), dtype=np.bool_)
    found = _shares(np.where(usable, out_of_fold, 0.0), out_of_fold)
    return Weights(_pruned(weights(every, BAGS)), _by_week(found, folds.volumes.shape[1]))


def _by_week(ends: FloatArray, horizon: int) -> FloatArray:
    """Return weights by week ahead, shape (r, m, h), from those of both ends, shape (2, r, m)."""
    near, far = ends[:, :, :, None]
    return np.asarray(near + (far - near) * share_of_far(horizon, horizon), dtype=np.float64)


def _left_out(folds: FoldForecasts) -> Iterator[tuple[BoolArray, BoolArray]]:
    """Yield rows of neighbouring origins, and the rows that share no week with any of them."""
    horizon = folds.volumes.shape[1]
    origins = np.unique(folds.origins)
    for part in np.array_split(origins, min(SETS_LEFT_OUT, max(len(origins), 1))):
        if len(part):
            inside: BoolArray = np.isin(folds.origins, part)
            newer = folds.origins <= part.min() - horizon
            older = folds.origins >= part.max() + horizon
            yield inside, np.asarray(newer | older, dtype=bool)


def _usable(folds: FoldForecasts) -> BoolArray:
    """Return which members have forecast all known weeks of a fold, shape (r, m)."""
    known = np.isfinite(folds.volumes)
    usable = np.isfinite(np.where(known[:, None], folds.members, 0.0)).all(axis=2)
    return np.asarray(usable & known.any(axis=1, keepdims=True), dtype=bool)


def _scaled(folds: FoldForecasts, counted: BoolArray) -> ScaledFolds:
    """Return forecasts and volumes in units of a title's usual error where `counted`, (r, m)."""
    errors = np.where(counted, _errors(folds.members, folds.volumes), 0.0)
    means, counts = _means(errors, counted, folds.titles, len(folds.groups))
    scale = np.ones(len(means))
    missed = (counts > 0) & (means > EXACT)
    there = missed.any(axis=1)
    scale[there] = np.nanmedian(np.where(missed, means, np.nan)[there], axis=1)
    unit = scale[folds.titles]
    members = np.where(counted[:, :, None], folds.members, np.nan) / unit[:, None, None]
    volumes = folds.volumes / unit[:, None]
    return ScaledFolds(members, volumes, folds.titles, folds.origins, unit)


def _errors(members: FloatArray, volumes: FloatArray) -> FloatArray:
    """Return mean absolute errors, shape (r, m); NaN where a member has failed."""
    known = np.isfinite(volumes)
    wrong = np.where(known[:, None], np.abs(members - volumes[:, None]), 0.0).sum(axis=2)
    return np.asarray(wrong / np.maximum(known.sum(axis=1), 1)[:, None], dtype=np.float64)


def _stacks(
    folds: FoldForecasts,
    scaled: ScaledFolds,
    prior: FloatArray,
    rows: BoolArray,
    bags: int,
    seed: int,
) -> FloatArray:
    """Return, by title, the stack of its group over some of the rows, shape (2, n, m)."""
    found = np.stack([prior, prior])
    group_of_row = folds.groups[folds.titles]
    for group in np.unique(folds.groups):
        own = scaled.take(rows & (group_of_row == group))
        titles = folds.groups == group
        stack = bagged_stack(own, prior[titles].mean(axis=0), bags, seed)
        found[:, titles] = stack[:, None]
    return found


def _tilted(
    folds: FoldForecasts,
    scaled: ScaledFolds,
    usable: BoolArray,
    base: FloatArray,
    rows: BoolArray,
    excused: BoolArray,
) -> FloatArray:
    """Return weights tilted by the errors of title and class on `rows`, shape (2, n, m)."""
    _, n, m = base.shape
    counted = rows[:, None] & usable
    errors = np.where(counted, _errors(scaled.members, scaled.volumes), 1.0)
    logs = np.log(np.maximum(errors, FLOOR))
    n_members = np.maximum(counted.sum(axis=1, keepdims=True), 1)
    typical = np.where(counted, logs, 0.0).sum(axis=1, keepdims=True) / n_members
    relative = np.where(counted, logs - typical, 0.0)
    # A stack knows the mean errors of its group: only what is beyond them tilts.
    of_group = folds.groups[folds.titles]
    n_groups = int(folds.groups.max(initial=0)) + 1
    relative, n_usual = _apart(relative, counted, of_group, n_groups)
    # Without an excused member, the others only show how they do beside each other. Where many
    # titles are without it, this moves the means of the group.
    partial = (excused[folds.titles] & ~usable).any(axis=1, keepdims=True)
    centre = relative.sum(axis=1, keepdims=True) / n_members
    relative = np.where(counted & partial, relative - centre, relative)
    relative, _ = _apart(relative, counted, of_group, n_groups)
    part = share_of_a_fold(folds.origins, folds.volumes.shape[1])
    own, n_own = _means(relative, counted, folds.titles, n)
    half = _folds_of_a_title(relative - own[folds.titles], counted, own, n_own, part)
    n_classes = int(folds.classes.max(initial=0)) + 1
    alike, n_alike = _means(relative, counted, folds.classes[folds.titles], n_classes)
    n_alike = n_alike * part
    of_class = (alike * n_alike / (n_alike + FOLDS_OF_A_CLASS))[folds.classes]
    share = n_own * part / (n_own * part + half)
    weights = base * np.exp(-TILT * (share * own + (1.0 - share) * of_class))
    # A member that has failed at all of a title's folds, or of its group's, gets no weight.
    tried = np.zeros((n, m))
    np.add.at(tried, folds.titles, np.broadcast_to(rows[:, None], usable.shape).astype(float))
    failed = (n_own == 0) & ~(excused & (n_usual > 0)[folds.groups])
    weights = np.where((tried > 0) & failed, 0.0, weights)
    return _shares(weights, base)


def _apart(
    values: FloatArray, counted: BoolArray, groups: IntArray, n: int
) -> tuple[FloatArray, FloatArray]:
    """Return values less their group's mean, zero where not counted, and the counts of groups."""
    means, counts = _means(values, counted, groups, n)
    return np.where(counted, values - means[groups], 0.0), counts


def _folds_of_a_title(
    residuals: FloatArray,
    counted: BoolArray,
    own: FloatArray,
    n_own: FloatArray,
    part: float,
) -> float:
    """Return the folds at which a title's own errors have half of the weight.

    Args:
        residuals: Relative errors beside their title's mean, shape (r, m).
        counted: Which of them are known.
        own: Means of the titles, shape (n, m).
        n_own: Number of errors behind each mean.
        part: Share of its weeks that a fold does not have in common with the one before.
    """
    there = n_own > 0
    freedom = float(counted.sum() - there.sum())
    if there.any(axis=1).sum() < FEWEST_TITLES or freedom < 1.0:
        return FOLDS_OF_A_TITLE
    within = float((np.where(counted, residuals, 0.0) ** 2).sum()) / freedom
    return observations_of_half_weight(own[there], n_own[there] * part, within, LIMITS)


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
        weights: Of the same shape.
    """
    there = np.isfinite(members)
    weighted = np.where(there, weights, 0.0)
    total = weighted.sum(axis=1)
    sums = (np.where(there, members, 0.0) * weighted).sum(axis=1)
    return np.where(total > 0.0, sums / np.where(total > 0.0, total, 1.0), np.nan)


def _pruned(ends: FloatArray) -> FloatArray:
    """Return weights of both ends without members that hardly count, shape (2, n, m)."""
    return _shares(np.where(ends.mean(axis=0) < SMALLEST, 0.0, ends), ends)


def _shares(weights: FloatArray, otherwise: FloatArray) -> FloatArray:
    """Return rows scaled to a sum of one along the last axis; rows of zeros are replaced."""
    total = weights.sum(axis=-1, keepdims=True)
    return np.where(total > 0.0, weights / np.where(total > 0.0, total, 1.0), otherwise)
