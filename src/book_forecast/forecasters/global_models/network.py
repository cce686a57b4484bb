"""A small neural network over all titles.

A year of weeks predicts the next quarter: a perceptron with two hidden layers, fitted to absolute
errors. It finds what a linear model cannot, where titles have long histories; short ones show too
little of it. Its gradients are written out here: the libraries for them weigh gigabytes, and
scikit-learn's perceptron fits squared errors, which single weeks dominate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.forecasters.global_models.weekly_paths import LAGS, WeeklyPaths, with_effects
from book_forecast.forecasters.global_models.windows import CHUNK, Float32Array, chunks
from book_forecast.options.models import NetworkOptions
from book_forecast.series.history import FloatArray, IntArray

Floats = npt.NDArray[np.floating[Any]]
AHEAD = 13
"""Weeks that are forecast directly."""
# Rows of a step, and how far a step goes at first; it ends with zero.
BATCH = 1_024
LEARNING_RATE = 2e-3
# Decays of the moments, and the term that bounds a step (Kingma and Ba, "Adam", 2015).
MEAN_DECAY, SQUARE_DECAY, TINY = 0.9, 0.999, 1e-8
# The last layer begins near zero, which forecasts the last week.
FIRST_GUESS = 0.1
# In units of noise: the size of a title's weeks is at least this.
SMALLEST_SIZE = 1.0


@dataclass(frozen=True, slots=True)
class Rows:
    """What a fit learns from.

    Attributes:
        inputs: Shape (rows, LAGS + 1).
        changes: After the origins, in units of the size of the weeks before, shape (rows, AHEAD).
        chances: Of each row in a draw, rising to one, shape (rows,).
    """

    inputs: Float32Array
    changes: Float32Array
    chances: FloatArray


@dataclass(frozen=True, slots=True)
class Layers:
    """Weights and biases of the layers, from the first to the last."""

    weights: tuple[FloatArray, ...]
    biases: tuple[FloatArray, ...]

    def predict(self, inputs: FloatArray) -> FloatArray:
        """Return changes, shape (rows, AHEAD); row by row, so that other rows change no digit."""
        values = inputs
        for number, (weights, biases) in enumerate(zip(self.weights, self.biases, strict=True)):
            values = np.maximum(values, 0.0) if number else values
            values = np.einsum("ij,jk->ik", values, weights) + biases
        return values


def why_absent(n_titles: int, n_weeks: int, options: NetworkOptions) -> str | None:
    """Return why titles with so many weeks together have no network; None if they may have one."""
    mean = n_weeks / n_titles
    if mean < options.fewest_weeks:
        return (
            f"titles have {mean:.0f} weeks in the mean, it needs {options.fewest_weeks} "
            "(models.network.fewest_weeks)"
        )
    if n_weeks < options.fewest_rows:
        return (
            f"titles have {n_weeks} weeks together, it needs {options.fewest_rows} "
            "(models.network.fewest_rows)"
        )
    return None


def forecast_panel(
    panel: Panel,
    titles: IntArray,
    horizon: int,
    options: NetworkOptions,
    *,
    seed: int,
    effects: bool,
) -> dict[str, FloatArray]:
    """Fit the network to all titles, and forecast the weeks of some after the cutoff.

    Args:
        panel: All titles.
        titles: Rows of those that are forecast, at least one.
        horizon: Weeks ahead.
        options: Size of the network.
        seed: Of everything that is drawn.
        effects: Whether to add the effects of promotions.

    Returns:
        See `weekly_paths.with_effects`; empty where histories are short or rows few.
    """
    lengths = panel.n_weeks - panel.first
    if why_absent(len(lengths), int(lengths.sum()), options):
        return {}
    rows = _rows(panel, options)
    if len(rows.inputs) < options.fewest_rows:
        return {}
    rngs = [np.random.default_rng([seed, number]) for number in range(options.fits)]
    with threadpool_limits(1, user_api="blas"):
        fits = [_fit(rows, options, rng) for rng in rngs]

    def changes(before: FloatArray) -> FloatArray:
        inputs, size = _inputs(before)
        return size * np.mean([fit.predict(inputs) for fit in fits], axis=0)

    logs = [WeeklyPaths.of(panel, chunk).forecast(changes, horizon) for chunk in chunks(titles)]
    return with_effects(panel, titles, np.concatenate(logs), effects=effects)


def _inputs(before: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weeks in units of their size with its logarithm, and the size, (rows, 1)."""
    size = np.abs(before).mean(axis=1, keepdims=True) + SMALLEST_SIZE
    return np.concatenate([before / size, np.log(size)], axis=1), size


def _rows(panel: Panel, options: NetworkOptions) -> Rows:
    """Return origins of all titles, or of some of a large catalogue.

    A title counts by the root of its number of origins. An error counts in units of noise, so that
    rows count by their size.
    """
    n = len(panel.isbns)
    some = np.unique(np.linspace(0, n - 1, min(n, options.rows)).astype(np.int64))
    most = max(options.rows // max(len(some), 1), 1)
    inputs, changes, weights = [], [], []
    for start in range(0, len(some), CHUNK):
        paths = WeeklyPaths.of(panel, some[start : start + CHUNK])
        for row in range(len(paths.logs)):
            before, after, weight = paths.origins(row, AHEAD, most)
            given, size = _inputs(before)
            inputs.append(given.astype(np.float32))
            changes.append((after / size).astype(np.float32))
            weights.append(weight * size[:, 0] / np.sqrt(max(len(weight), 1)))
    chances = np.cumsum(np.concatenate(weights))
    return Rows(
        np.concatenate(inputs),
        np.concatenate(changes),
        chances / (chances[-1] if len(chances) else 1.0),
    )


def _fit(rows: Rows, options: NetworkOptions, rng: np.random.Generator) -> Layers:
    """Fit the layers to absolute errors, by Adam with a step that shrinks to zero."""
    sizes = (LAGS + 1, options.width, max(options.width // 2, 1), AHEAD)
    layers = [
        (rng.normal(size=(a, b)) * np.sqrt(2.0 / a)).astype(np.float32) for a, b in pairwise(sizes)
    ]
    layers[-1] *= FIRST_GUESS
    values = layers + [np.zeros(size, dtype=np.float32) for size in sizes[1:]]
    moments = [np.zeros((2, *value.shape), dtype=np.float32) for value in values]
    n_steps = max(min(options.passes * len(rows.inputs) // BATCH, options.steps), 1)
    for step in range(n_steps):
        drawn = np.searchsorted(rows.chances, rng.random(BATCH), side="right")
        slopes = _slopes(values, rows.inputs[drawn], rows.changes[drawn])
        rate = LEARNING_RATE * (1.0 - step / n_steps)
        rate *= np.sqrt(1.0 - SQUARE_DECAY ** (step + 1)) / (1.0 - MEAN_DECAY ** (step + 1))
        for value, (mean, square), slope in zip(values, moments, slopes, strict=True):
            mean[...] += (1.0 - MEAN_DECAY) * (slope - mean)
            square[...] += (1.0 - SQUARE_DECAY) * (slope**2 - square)
            value[...] -= np.float32(rate) * mean / (np.sqrt(square) + TINY)
    doubles = [value.astype(np.float64) for value in values]
    return Layers(tuple(doubles[: len(layers)]), tuple(doubles[len(layers) :]))


def _slopes(values: Sequence[Floats], inputs: Floats, wanted: Floats) -> list[Floats]:
    """Return the derivatives of the mean absolute error of some rows, as `values`."""
    weights, biases = values[: len(values) // 2], values[len(values) // 2 :]
    hidden = [inputs]
    for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
        hidden.append(np.maximum(hidden[-1] @ weight + bias, 0.0))
    slope = np.sign(hidden[-1] @ weights[-1] + biases[-1] - wanted) / np.float32(len(inputs))
    of_weights, of_biases = [], []
    for layer in reversed(range(len(weights))):
        of_weights.append(hidden[layer].T @ slope)
        of_biases.append(slope.sum(axis=0))
        slope = (slope @ weights[layer].T) * (hidden[layer] > 0.0)
    return of_weights[::-1] + of_biases[::-1]
