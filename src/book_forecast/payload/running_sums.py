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
    """The distributions of the sums of weeks 1 to h, for some h, in copies.

    Attributes:
        mean: Sums of the means, shape (sums,).
        expected: Means of the distributions, shape (sums,); above `mean` where weeks are skewed.
        quantiles: Shape (probabilities, sums), in the order that was asked for.
    """

    mean: FloatArray
    expected: FloatArray
    quantiles: FloatArray


def running_sums(
    reader: SumReader,
    isbn: str,
    horizon: int,
    probabilities: Sequence[float],
    spans: Sequence[int] | None = None,
) -> RunningSums:
    """Return the distribution of what a title sells in the next week, the next two, and so on.

    Each one equals that of `SumReader.sum_of` over the same weeks.

    Args:
        reader: Of the release.
        isbn: The title.
        horizon: Weeks ahead, 1 to 104.
        probabilities: Of the quantiles, 0.005 to 0.995.
        spans: Numbers of weeks to add up, 1 to the horizon; every one if not given.

    Raises:
        KeyError: If the release lacks the title.
        ValueError: If horizon or probability are out of bounds; names the bounds.
    """
    mean, quantiles = reader.weeks_of(isbn, horizon)
    return running_sums_of(reader, isbn, mean, quantiles, probabilities, spans)


def running_sums_of(
    reader: SumReader,
    isbn: str,
    mean: FloatArray,
    quantiles: FloatArray,
    probabilities: Sequence[float],
    spans: Sequence[int] | None = None,
) -> RunningSums:
    """Return the same for other weekly distributions of a title than the release's.

    Args:
        reader: Of the release, which has the dependence of the weeks.
        isbn: The title.
        mean: Copies a week, shape (horizon,).
        quantiles: Shape (17, horizon).
        probabilities: Of the quantiles, 0.005 to 0.995.
        spans: As for `running_sums`.
    """
    check_probabilities(probabilities)
    last = np.arange(len(mean)) if spans is None else np.array(spans, dtype=np.int64) - 1
    draws = reader.draws_of(isbn, reader.next_weeks(len(mean), isbn), quantiles)
    totals = np.sort(np.cumsum(draws, axis=0, dtype=np.float64)[last], axis=1)
    places = np.clip(np.asarray(probabilities) * DRAWS - 0.5, 0.0, DRAWS - 1.0)
    below = np.minimum(places.astype(np.int64), DRAWS - 2)
    share = (places - below)[:, None]
    found = totals.T[below] * (1.0 - share) + totals.T[below + 1] * share
    # One week needs no draws: its quantiles are those of its forecast.
    found[:, last == 0] = np.interp(scores_of(probabilities), SCORES, quantiles[:, 0])[:, None]
    expected = np.cumsum(moments()[0] @ quantiles)
    return RunningSums(np.cumsum(mean)[last], expected[last], found)
