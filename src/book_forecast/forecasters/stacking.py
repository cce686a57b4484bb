"""Stacks: convex combinations of forecasts with the smallest error, as far as evidence goes.

A stack of many members on a few folds follows noise. Two things hold it back. It is the mean of
stacks on resampled folds (bagging, Breiman 1996), where neighbouring origins and all folds of a
title are drawn together (block bootstrap, Künsch 1989). And it is pulled towards a robust
combination, the more strongly the fewer independent folds there are (`independent_folds`).

Some members follow the level and are best next week, others know the season and are best in months.
A stack therefore has weights of the first week ahead and of the last one, and a line between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from book_forecast.backtesting.rolling_origins import share_of_a_fold
from book_forecast.payload.weight import share_of_far
from book_forecast.series.history import BoolArray, FloatArray, IntArray

# Kinks of the absolute error are smoothed below this share of a usual error.
ROUNDING = 0.03
# Pull to the prior, in units of a usual error, with one independent fold of many titles; with so
# many titles it is twice as strong, as they may not be like each other.
PULL = 0.3
TITLES_OF_TWICE_THE_PULL = 8.0
# Members without a prior weight may still earn one.
SMALLEST_PRIOR = 1e-4
# Power of a title's usual error in its weight: between equal titles (0) and equal copies (1).
POWER_OF_SIZE = 0.5
# A stack is one of a mean, so that few digits are enough.
ENOUGH = {"ftol": 1e-6, "maxiter": 100}
# More titles in one resample change little and take long.
MOST_TITLES = 300


@dataclass(frozen=True, slots=True)
class ScaledFolds:
    """Out-of-fold forecasts in units of their title's usual error, a fold per row.

    Attributes:
        members: Shape (r, m, h); NaN where a member has failed.
        volumes: Shape (r, h); NaN where missing.
        titles: Index of each row's title, shape (r,).
        origins: Weeks from each row's cutoff to the latest one, shape (r,).
        sizes: Usual error of the row's title in copies, shape (r,).
    """

    members: FloatArray
    volumes: FloatArray
    titles: IntArray
    origins: IntArray
    sizes: FloatArray

    def take(self, rows: BoolArray) -> ScaledFolds:
        """Return some of the rows."""
        names = ("members", "volumes", "titles", "origins", "sizes")
        return ScaledFolds(*(getattr(self, name)[rows] for name in names))

    @property
    def horizon(self) -> int:
        """Weeks ahead."""
        return self.volumes.shape[1]


def bagged_stack(folds: ScaledFolds, prior: FloatArray, bags: int, seed: int) -> FloatArray:
    """Return the mean of the stacks on resampled folds, of the first and last week, shape (2, m).

    Args:
        folds: The evidence; without any row the prior remains.
        prior: Weights of a robust combination, shape (m,).
        bags: Number of resamples.
        seed: Of the resamples.
    """
    usable = np.isfinite(folds.members).any(axis=(1, 2)) & np.isfinite(folds.volumes).any(axis=1)
    folds = folds.take(np.asarray(usable, dtype=bool))
    if not len(folds.titles) or len(prior) == 1:
        return np.stack([prior, prior])
    n_titles = len(np.unique(folds.titles))
    pull = PULL * (1.0 + TITLES_OF_TWICE_THE_PULL / n_titles) / independent_folds(folds)
    rng = np.random.default_rng(seed)
    found = [_stack(folds, prior, _resample(folds, rng), pull) for _ in range(bags)]
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)


def independent_folds(folds: ScaledFolds) -> float:
    """Return how many independent folds are worth as much as these.

    Folds that share weeks count once: n origins at `step` weeks cover 1 + (n - 1) step / horizon
    horizons. Titles share the shocks of their weeks: the correlation of their families' relative
    errors at the same origin gives Kish's design effect, 1 + (titles - 1) correlation.
    """
    origins = np.unique(folds.origins)
    blocks = 1.0 + (len(origins) - 1) * share_of_a_fold(origins, folds.horizon)
    per_origin = len(folds.titles) / len(origins)
    return blocks * per_origin / (1.0 + (per_origin - 1.0) * _correlation(folds))


def _correlation(folds: ScaledFolds) -> float:
    """Return the correlation of relative errors of different titles at the same origin."""
    known = np.isfinite(folds.volumes)[:, None]
    wrong = np.where(known, np.abs(folds.members - folds.volumes[:, None]), np.nan)
    errors = mean_of_known(wrong, axis=2)
    errors = np.nan_to_num(errors - mean_of_known(errors, axis=1)[:, None])
    errors = errors - errors.mean(axis=0)
    _, at = np.unique(folds.origins, return_inverse=True)
    counts = np.bincount(at).astype(np.float64)
    pairs = float((counts * (counts - 1.0)).sum())
    variance = float((errors**2).mean(axis=0).sum())
    if not pairs or not variance:
        return 0.0
    sums = np.zeros((len(counts), errors.shape[1]))
    np.add.at(sums, at, errors)
    shared = float((sums**2).sum() - (errors**2).sum()) / pairs
    return float(np.clip(shared / variance, 0.0, 1.0))


def mean_of_known(values: FloatArray, axis: int) -> FloatArray:
    """Return means of known values; NaN where none is known."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _resample(folds: ScaledFolds, rng: np.random.Generator) -> FloatArray:
    """Return how often each row is drawn: blocks of neighbouring origins, and whole titles."""
    origins, at = np.unique(folds.origins, return_inverse=True)
    titles, of = np.unique(folds.titles, return_inverse=True)
    length = round(1.0 / max(share_of_a_fold(origins, folds.horizon), 1.0 / len(origins)))
    starts = rng.integers(0, len(origins), size=-(-len(origins) // length))
    drawn = (starts[:, None] + np.arange(length)).ravel() % len(origins)
    of_titles = rng.integers(0, len(titles), size=min(len(titles), MOST_TITLES))
    counts = np.bincount(drawn, minlength=len(origins))[at]
    both = counts * np.bincount(of_titles, minlength=len(titles))[of]
    # Titles that are drawn may have no fold at the origins that are drawn.
    return np.asarray(both if both.any() else counts, dtype=np.float64)


def _stack(folds: ScaledFolds, prior: FloatArray, counts: FloatArray, pull: float) -> FloatArray:
    """Return the convex combinations of both ends with the smallest error and a pull, (2, m)."""
    used = counts > 0.0
    members, volumes = folds.members[used], folds.volumes[used]
    weight = counts[used] * folds.sizes[used] ** POWER_OF_SIZE
    typical = np.nan_to_num(np.nanmedian(members, axis=1, keepdims=True))
    filled = np.where(np.isfinite(members), members, typical)
    known = np.isfinite(volumes)
    # Weeks have shares of their fold, so that all folds of a title have the same weight.
    shares = known / known.sum(axis=1, keepdims=True) * (weight / weight.sum())[:, None]
    inside = known.ravel()
    matrix = np.moveaxis(filled, 1, 2).reshape(-1, len(prior))[inside]
    target, share = volumes.ravel()[inside], shares.ravel()[inside]
    far = np.broadcast_to(share_of_far(folds.horizon, folds.horizon), known.shape).ravel()[inside]
    parts = np.stack([1.0 - far, far])
    # Both ends share the pull: where they are the same, it is that of one combination. A single
    # week is the first one alone.
    pull = pull if folds.horizon == 1 else 0.5 * pull
    start = np.log(np.maximum(prior, SMALLEST_PRIOR))

    def objective(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = _softmax(flat.reshape(2, -1))
        wrong = ((matrix @ weights.T).T * parts).sum(axis=0) - target
        rounded = np.sqrt(wrong**2 + ROUNDING**2)
        surprise = np.log(weights + 1e-12) - start
        value = share @ rounded + pull * (weights * surprise).sum()
        slope = (share * wrong / rounded * parts) @ matrix + pull * (surprise + 1.0)
        centred = slope - (weights * slope).sum(axis=1, keepdims=True)
        return float(value), (weights * centred).ravel()

    begin = np.concatenate([start, start])
    found = minimize(objective, begin, jac=True, method="L-BFGS-B", options=ENOUGH)
    ends = _softmax(found.x.reshape(2, -1))
    return ends if folds.horizon > 1 else ends[[0, 0]]


def _softmax(logits: FloatArray) -> FloatArray:
    """Return shares along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float64)
