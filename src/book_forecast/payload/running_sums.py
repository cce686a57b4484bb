"""Running sums of a title's weeks ahead: of the first, the first two, and so on, all jointly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Relative, as MLflow stores this folder beside each payload under another name.
from .arrays import FloatArray
from .draws import DRAWS, SCORES, moments, scores_of
from .limits import check_probabilities
from .sums import SumReader


@dataclass(frozen=True)
class RunningSums:
    """The distributions of the sums of weeks 1 to h, for each h up to the horizon, in copies.

    Attributes:
        mean: Sums of the means, shape (horizon,).
        expected: Means of the distributions, shape (horizon,); above `mean` where weeks are skewed.
        quantiles: Shape (probabilities, horizon), in the order that was asked for.
    """

    mean: FloatArray
    expected: FloatArray
    quantiles: FloatArray


def running_sums(
    reader: SumReader, isbn: str, horizon: int, probabilities: Sequence[float]
) -> RunningSums:
    """Return the distribution of what a title sells in the next week, the next two, and so on.

    Each one equals that of `SumReader.sum_of` over the same weeks.

    Args:
        reader: Of the release.
        isbn: The title.
        horizon: Weeks ahead, 1 to 104.
        probabilities: Of the quantiles, 0.005 to 0.995.

    Raises:
        KeyError: If the release lacks the title.
        ValueError: If horizon or probability are out of bounds; names the bounds.
    """
    mean, quantiles = reader.weeks_of(isbn, horizon)
    return running_sums_of(reader, isbn, mean, quantiles, probabilities)


def running_sums_of(
    reader: SumReader,
    isbn: str,
    mean: FloatArray,
    quantiles: FloatArray,
    probabilities: Sequence[float],
) -> RunningSums:
    """Return the same for other weekly distributions of a title than the release's.

    Args:
        reader: Of the release, which has the dependence of the weeks.
        isbn: The title.
        mean: Copies a week, shape (horizon,).
        quantiles: Shape (17, horizon).
        probabilities: Of the quantiles, 0.005 to 0.995.
    """
    check_probabilities(probabilities)
    weeks = reader.next_weeks(len(mean), isbn)
    draws = reader.draws_of(isbn, weeks, quantiles)
    totals = np.sort(np.cumsum(draws, axis=0, dtype=np.float64), axis=1)
    places = np.clip(np.asarray(probabilities) * DRAWS - 0.5, 0.0, DRAWS - 1.0)
    below = np.minimum(places.astype(np.int64), DRAWS - 2)
    share = (places - below)[:, None]
    found = totals.T[below] * (1.0 - share) + totals.T[below + 1] * share
    # One week needs no draws: its quantiles are those of its forecast.
    found[:, 0] = np.interp(scores_of(probabilities), SCORES, quantiles[:, 0])
    return RunningSums(np.cumsum(mean), np.cumsum(moments()[0] @ quantiles), found)
