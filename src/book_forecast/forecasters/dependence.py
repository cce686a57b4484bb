"""Dependence between weeks ahead and between titles, from residuals at rolling origins.

Residuals become normal scores under their own forecast distributions. Products of the scores of one
title and origin show how weeks depend; products of those of two titles at the same origin, how
titles do. Origins are few, so that every estimate is a mean of what was seen and of what is
expected, weighted by the evidence: all titles are shrunk towards `USUAL`, classes towards all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls
from scipy.special import ndtr, ndtri

from book_forecast.payload.dependence import (
    UNKNOWN,
    ClassDependence,
    Dependence,
    Process,
    drift_correlation,
    walk_covariance,
)
from book_forecast.payload.manifest import PROBABILITIES
from book_forecast.series.history import FloatArray, IntArray

# What panels of other goods have in common, from which the first origins correct.
USUAL = Dependence(
    common=Process(walk=0.05),
    usual=ClassDependence(
        shared=Process(walk=0.1),
        own=Process(walk=0.15, drift=0.25, shock=0.45, persistence=0.7),
    ),
    classes={},
)
# Origins a horizon apart at which what was seen has half of the weight.
ORIGINS_OF_TITLES = 3.0
ORIGINS_OF_A_CLASS = 6.0
# The same for the weeks of single titles, which are many.
SPANS_OF_TITLES = 10.0
SPANS_OF_A_CLASS = 40.0
# Titles at which their number has half of the weight: few titles show little of what they share.
FEW_TITLES = 5.0
# Power of a title's expected copies in the products: the largest titles make up most of a sum.
SIZE = 0.5
PERSISTENCE = (0.0, 0.3, 0.5, 0.7, 0.8, 0.88, 0.94, 0.97)
# Share of the variance that titles have in common at most.
MOST_SHARED = 0.95
FURTHEST = 3.5


@dataclass(frozen=True, slots=True)
class FoldScores:
    """Normal scores of residuals, a fold per row.

    Attributes:
        scores: Shape (r, h); NaN where the week is missing.
        titles: Index of each row's title, shape (r,).
        origins: Week of each row's cutoff, in weeks from any start, shape (r,).
        sizes: Expected copies of a week by row, shape (r,).
        classes: Product class by title, shape (n,); empty where it has none.
    """

    scores: FloatArray
    titles: IntArray
    origins: IntArray
    sizes: FloatArray
    classes: npt.NDArray[np.str_]


def normal_scores(volumes: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Return the normal scores of sales under their forecast distributions.

    Args:
        volumes: Copies sold, shape (r, h); NaN where missing.
        quantiles: By `PROBABILITIES`, shape (r, 17, h), rising in the second.

    Returns:
        Shape (r, h). Sales that several quantiles equal, as zero often does, get the score of the
        middle of their probability.
    """
    knots = np.log1p(quantiles)
    sold = np.log1p(volumes)[:, None]
    below = _score(knots, sold, (knots < sold).sum(axis=1))
    upto = _score(knots, sold, (knots <= sold).sum(axis=1))
    # Nothing is below zero copies.
    least = np.where(volumes > 0.0, ndtr(below), 0.0)
    tied = (knots == sold).any(axis=1)
    middle = ndtri(np.where(tied, 0.5 * (least + ndtr(upto)), 0.5))
    found = np.where(tied, middle, below)
    return np.where(np.isfinite(volumes), np.clip(found, -FURTHEST, FURTHEST), np.nan)


def _score(knots: FloatArray, sold: FloatArray, n_below: IntArray) -> FloatArray:
    """Interpolate normal scores between the knot before and the one after, shape (r, h)."""
    scores = ndtri(PROBABILITIES)
    above = np.clip(n_below, 1, len(scores) - 1)[:, None]
    left = np.take_along_axis(knots, above - 1, axis=1)
    right = np.take_along_axis(knots, above, axis=1)
    gap = np.where(right > left, right - left, np.inf)
    share = np.where(np.isfinite(gap), (np.nan_to_num(sold) - left) / gap, 1.0)
    found = scores[above - 1] + share * (scores[above] - scores[above - 1])
    return np.asarray(found[:, 0])


@dataclass(frozen=True, slots=True)
class _Products:
    """Sums of products of scores h and k weeks ahead, and of their weights; shape (h, h) each."""

    values: FloatArray
    weights: FloatArray

    def without(self, other: _Products) -> _Products:
        """Return the sums without some of their terms."""
        return _Products(self.values - other.values, self.weights - other.weights)

    def with_(self, other: _Products) -> _Products:
        """Return the sums of both."""
        return _Products(self.values + other.values, self.weights + other.weights)


def estimate_dependence(found: FoldScores) -> Dependence:
    """Return the dependence of weeks and titles; `UNKNOWN` where no residual is known."""
    known = np.isfinite(found.scores)
    if not known.any():
        return UNKNOWN
    horizon = found.scores.shape[1]
    scores = np.where(known, found.scores, 0.0) / np.sqrt(np.mean(found.scores[known] ** 2))
    sizes = np.maximum(found.sizes, 1.0) ** SIZE
    of_row = found.classes[found.titles]
    names = [str(name) for name in np.unique(of_row)]

    def products(rows: npt.NDArray[np.bool_]) -> tuple[_Products, _Products]:
        within = _products(scores[rows], known[rows], np.arange(int(rows.sum())))
        origins = found.origins[rows]
        weights = sizes[rows, None] * known[rows]
        alone = _products(scores[rows] * weights, weights, np.arange(int(rows.sum())))
        return within, _products(scores[rows] * weights, weights, origins).without(alone)

    by_class = {name: products(of_row == name) for name in names}
    weeks, pairs = by_class[names[0]]
    for name in names[1:]:
        weeks, pairs = weeks.with_(by_class[name][0]), pairs.with_(by_class[name][1])
    spans = _spans(found.origins, horizon)
    common = Process()
    expected = USUAL.common.covariance(horizon) + USUAL.usual.shared.covariance(horizon)
    if len(names) > 1:
        across = products(np.ones(len(of_row), dtype=bool))[1].without(pairs)
        prior = USUAL.common.covariance(horizon)
        common = _process(_seen(across, prior, spans, len(names), ORIGINS_OF_TITLES))
    usual = _class_dependence(
        _seen(pairs, expected, spans, len(np.unique(found.titles)), ORIGINS_OF_TITLES),
        _blended(
            weeks,
            expected + USUAL.usual.own.covariance(horizon),
            _title_spans(found, np.ones(len(of_row), dtype=bool)) / SPANS_OF_TITLES,
        ),
        common,
    )
    alike = common.covariance(horizon) + usual.shared.covariance(horizon)
    classes = {}
    for name in names:
        rows = of_row == name
        n_titles = len(np.unique(found.titles[rows]))
        classes[name] = _class_dependence(
            _seen(by_class[name][1], alike, spans, n_titles, ORIGINS_OF_A_CLASS),
            _blended(
                by_class[name][0],
                alike + usual.own.covariance(horizon),
                _title_spans(found, rows) / SPANS_OF_A_CLASS,
            ),
            common,
        )
    return Dependence(common, usual, classes)


def _products(scores: FloatArray, weights: FloatArray, groups: IntArray) -> _Products:
    """Sum the products of all rows of a group with each other, over all groups."""
    _, group = np.unique(groups, return_inverse=True)
    shape = (int(group.max(initial=-1)) + 1, scores.shape[1])
    sums, totals = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, group, scores)
    np.add.at(totals, group, weights)
    return _Products(sums.T @ sums, totals.T @ totals)


def _seen(
    pairs: _Products, expected: FloatArray, spans: float, n_titles: int, half: float
) -> FloatArray:
    """Return the covariance between titles, shrunk towards the expected one.

    The calibration has removed what all residuals have in common over all origins. A share of one
    over their number is therefore missing.
    """
    seen = _blended(pairs, expected, np.inf)
    lost = max(float(np.mean(seen)), 0.0) / max(spans - 1.0, 1.0)
    evidence = max(spans - 1.0, 0.0) * n_titles / (n_titles + FEW_TITLES) / half
    share = evidence / (1.0 + evidence)
    return np.asarray(share * (seen + lost) + (1.0 - share) * expected)


def _blended(products: _Products, expected: FloatArray, evidence: float) -> FloatArray:
    """Return mean products, shrunk towards the expected ones, which stand in where none is seen."""
    there = products.weights > 1e-9
    seen = np.where(there, products.values / np.where(there, products.weights, 1.0), expected)
    share = 1.0 if np.isinf(evidence) else evidence / (1.0 + evidence)
    return np.asarray(share * seen + (1.0 - share) * expected)


def _spans(origins: IntArray, horizon: int) -> float:
    """Return the number of origins, counted as those that do not overlap."""
    return min(float(len(np.unique(origins))), 1.0 + float(np.ptp(origins)) / horizon)


def _title_spans(found: FoldScores, rows: npt.NDArray[np.bool_]) -> float:
    """Return the same number, added up over the titles of some rows."""
    titles, origins = found.titles[rows], found.origins[rows]
    n = int(titles.max()) + 1
    first, last = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
    np.minimum.at(first, titles, origins)
    np.maximum.at(last, titles, origins)
    counts = np.bincount(titles, minlength=n)
    there = counts > 0
    apart = (last[there] - first[there]) / found.scores.shape[1]
    return float(np.minimum(counts[there], 1.0 + apart).sum())


def _class_dependence(between: FloatArray, within: FloatArray, common: Process) -> ClassDependence:
    """Return the processes whose sum has these covariances between titles, and within one."""
    horizon = len(between)
    shared = _process(between - common.covariance(horizon))
    shared = _scaled(shared, MOST_SHARED - common.variance)
    left = 1.0 - common.variance - shared.variance
    rest = within - common.covariance(horizon) - shared.covariance(horizon)
    own = _scaled(_process(rest, with_shock=False), left)
    shock = max(left - own.variance, 0.0)
    return ClassDependence(shared, Process(own.walk, own.drift, shock, own.persistence))


def _scaled(process: Process, most: float) -> Process:
    """Return a process with at most a variance; below zero, with none."""
    most = max(most, 0.0)
    if process.variance <= most:
        return process
    shrink = most / process.variance
    return Process(
        process.walk * shrink,
        process.drift * shrink,
        process.shock * shrink,
        process.persistence,
    )


def _process(covariance: FloatArray, *, with_shock: bool = True) -> Process:
    """Return the process with the covariance nearest to one of shape (h, h)."""
    horizon = len(covariance)
    upper = np.triu_indices(horizon, 0 if with_shock else 1)
    if not len(upper[0]):
        return Process()
    best, found = np.inf, Process()
    walk = walk_covariance(horizon)[upper]
    # Near weeks are few, and most sums have them.
    nearness = 1.0 / (1.0 + upper[1])
    for persistence in PERSISTENCE:
        drift = drift_correlation(persistence, horizon)[upper]
        columns = [walk, drift, np.eye(horizon)[upper]][: 3 if with_shock else 2]
        parts, distance = nnls(
            np.column_stack(columns) * nearness[:, None], covariance[upper] * nearness
        )
        if distance < best - 1e-9:
            best = distance
            walking, drifting, shock = (float(part) for part in (*parts, 0.0)[:3])
            found = Process(walking, drifting, shock, persistence)
    return _scaled(found, 1.0)
