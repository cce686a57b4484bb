"""Draws of normal scores, and what the quantiles of a release make of a score; seeded by names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

import numpy as np

# Relative, as MLflow stores this folder beside each payload under another name.
from .arrays import FloatArray, Floats, IntArray
from .dependence import Dependence, Process
from .manifest import LONGEST_HORIZON, PROBABILITIES

DRAWS = 1024
"""Draws of a sum; latin hypercubes of them need a tenth of what plain draws need."""
_NORMAL = NormalDist()
SCORES = np.array([_NORMAL.inv_cdf(p) for p in PROBABILITIES])
"""Normal scores of the quantiles of a release."""
_CELLS_A_SCORE = 64
_CELLS = np.arange(int((SCORES[-1] - SCORES[0]) * _CELLS_A_SCORE) + 2)
# The last quantile that is not above a cell's lower end; a cell has at most one quantile in it.
_LAST = len(SCORES) - 2
_BELOW = np.searchsorted(SCORES, SCORES[0] + _CELLS / _CELLS_A_SCORE, side="right") - 1
_BELOW = np.minimum(_BELOW, _LAST).astype(np.int32)
_SLOPES = 1.0 / np.diff(SCORES)
_SINGLE = SCORES.astype(np.float32)
_GRID = np.linspace(-4.0, 4.0, 65)
"""Normal scores of shared processes for which conditional means are tabulated."""


def scores_of(probabilities: Sequence[float]) -> FloatArray:
    """Return the normal scores of probabilities."""
    return np.array([_NORMAL.inv_cdf(p) for p in probabilities])


def copies_of(scores: Floats, quantiles: FloatArray) -> Floats:
    """Return what quantiles make of normal scores, shape (weeks, draws), in single precision.

    It is `numpy.interp` week by week, in a third of the time.

    Args:
        scores: Shape (weeks, draws).
        quantiles: Shape (17, weeks); the first and the last bound the result.
    """
    inside = np.clip(scores, _SINGLE[0], _SINGLE[-1], dtype=np.float32)
    below = _BELOW[((inside - _SINGLE[0]) * np.float32(_CELLS_A_SCORE)).astype(np.int32)]
    below += inside >= _SINGLE[below + 1]
    np.minimum(below, _LAST, out=below)
    below += ((_LAST + 1) * np.arange(len(scores), dtype=np.int32))[:, None]
    slopes = np.diff(quantiles, axis=0).T * _SLOPES
    starts = quantiles[:-1].T - slopes * SCORES[:-1]
    found: Floats = slopes.astype(np.float32).ravel()[below]
    found *= inside
    found += starts.astype(np.float32).ravel()[below]
    return found


def quantiles_of(draws: Floats | FloatArray, probabilities: Sequence[float]) -> FloatArray:
    """Return quantiles of equally likely draws, each in the middle of its share.

    Args:
        draws: Shape (draws,).
        probabilities: In any order.
    """
    places = (np.arange(len(draws)) + 0.5) / len(draws)
    found: FloatArray = np.interp(probabilities, places, np.sort(draws))
    return found


@lru_cache(maxsize=64)
def drawn(process: Process, name: str) -> Floats:
    """Return draws of a process, shape (104, draws): stratified along its main directions."""
    if not process.variance:
        return np.zeros((LONGEST_HORIZON, DRAWS), dtype=np.float32)
    return _drawn(process.covariance(LONGEST_HORIZON), name)


@lru_cache(maxsize=64)
def drawn_of_class(dependence: Dependence, product_class: str) -> Floats:
    """Return draws of what the titles of a class share, shape (104, draws)."""
    shared = dependence.of(product_class).shared
    return drawn(dependence.common, "all titles") + drawn(shared, f"class {product_class}")


@lru_cache(maxsize=64)
def _own_draws(dependence: Dependence, product_class: str, is_launch: bool) -> Floats:
    covariance = dependence.own_covariance(product_class, LONGEST_HORIZON, is_launch=is_launch)
    return _drawn(covariance, "a title")


def drawn_of_title(
    dependence: Dependence, product_class: str, is_launch: bool, isbn: str, ahead: IntArray
) -> Floats:
    """Return one title's own draws: those of its class in an order that its ISBN decides."""
    order = _generator(isbn).permutation(DRAWS)
    return _own_draws(dependence, product_class, is_launch)[ahead].take(order, axis=1)


def _drawn(covariance: FloatArray, name: str) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    spread = np.sqrt(np.maximum(values, 0.0)) * vectors
    return np.asarray(spread @ stratified(len(covariance), name), dtype=np.float32)


def stratified(dimensions: int, name: str) -> FloatArray:
    """Return a latin hypercube of standard normal draws, shape (dimensions, draws)."""
    generator = _generator(name)
    return np.stack([generator.permutation(_midpoints()) for _ in range(dimensions)])


@lru_cache(maxsize=1)
def _midpoints() -> FloatArray:
    return np.array([_NORMAL.inv_cdf((k + 0.5) / DRAWS) for k in range(DRAWS)])


def _generator(name: str) -> np.random.Generator:
    digest = hashlib.sha256(name.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def conditional_mean(shared: Floats, own: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Return the mean of a sum given the shared processes, shape (draws,).

    Args:
        shared: Their draws, shape (weeks, draws).
        own: Variances of the titles' own process, shape (weeks,).
        quantiles: Sums over the titles, shape (17, weeks); means are linear in them.
    """
    means = np.stack(
        [_given_shared(round(float(v), 2)) @ quantiles[:, week] for week, v in enumerate(own)]
    )
    # As `numpy.interp` week by week, in a fifth of the time: the grid is even.
    places = (np.clip(shared, _GRID[0], _GRID[-1]) - _GRID[0]) / (_GRID[1] - _GRID[0])
    below = np.minimum(places.astype(np.intp), len(_GRID) - 2)
    steps = np.diff(means, axis=1)
    weeks = np.arange(len(means))[:, None]
    found: FloatArray = (means[weeks, below] + steps[weeks, below] * (places - below)).sum(axis=0)
    return found


@lru_cache(maxsize=128)
def _given_shared(own_variance: float) -> FloatArray:
    """Return weights of the quantiles in the mean given a shared score, shape (grid, 17)."""
    nodes, weights = _nodes()
    scores = _GRID[:, None] + np.sqrt(own_variance) * nodes
    return np.einsum("n,gnq->gq", weights, _hats(scores))


@lru_cache(maxsize=1)
def moments() -> FloatArray:
    """Return weights of the quantiles in the mean and in three Hermite coefficients, (4, 17)."""
    nodes, weights = _nodes()
    polynomials = np.stack(
        [
            np.ones_like(nodes),
            nodes,
            (nodes**2 - 1.0) / np.sqrt(2.0),
            (nodes**3 - 3.0 * nodes) / np.sqrt(6.0),
        ]
    )
    return np.asarray((polynomials * weights) @ _hats(nodes))


def _nodes() -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights of a sum that stands for the integral over a normal score."""
    nodes = np.linspace(-5.0, 5.0, 201)
    weights = np.exp(-0.5 * nodes**2)
    return nodes, weights / weights.sum()


def _hats(scores: FloatArray) -> FloatArray:
    """Return the share of each stored quantile at normal scores, shape (..., 17)."""
    within = np.clip(scores, SCORES[0], SCORES[-1])
    above = np.clip(np.searchsorted(SCORES, within), 1, len(SCORES) - 1)
    share = (within - SCORES[above - 1]) / (SCORES[above] - SCORES[above - 1])
    hats = np.zeros((*scores.shape, len(SCORES)))
    np.put_along_axis(hats, above[..., None], share[..., None], axis=-1)
    np.put_along_axis(hats, (above - 1)[..., None], (1.0 - share)[..., None], axis=-1)
    return hats
