"""The launches of a panel, aligned by the weeks since publication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from book_forecast.forecasters.launches.paths import count_variance
from book_forecast.forecasters.launches.seasons import place_of
from book_forecast.series.history import WEEK, FloatArray, weeks_between

GRID = np.array(
    [*range(13), *range(14, 26, 2), *range(26, 53, 4), *range(60, 105, 8), 120, 136, 156]
)
"""Weeks since publication that curves are learned from: every week at first, then fewer."""
LEAD_WEEKS = 12
"""Weeks before publication in which sales are those of copies that left early."""
# Weeks before publication that sell less than this share of those after it are no launch yet.
_EARLY_SHARE = 0.25
_AROUND = np.array([0.25, 0.5, 1.0, 0.5, 0.25])


@dataclass(frozen=True)
class Facts:
    """What is known of a title beside its sales.

    Attributes:
        group: Its product class; empty if unknown.
        author: Empty if unknown, like the others.
        imprint: The imprint.
        binding: The binding.
        price: The recommended price; NaN if unknown.
        comparable: ISBNs of titles that it is compared with.
    """

    group: str = ""
    author: str = ""
    imprint: str = ""
    binding: str = ""
    price: float = np.nan
    comparable: tuple[str, ...] = ()


@dataclass(frozen=True)
class PastLaunch:
    """A title whose first weeks are in the panel.

    Attributes:
        isbn: The title.
        first_week: Saturday of its first week.
        volumes: Copies from that week on, shape (n,); NaN where the week is missing.
        facts: What else is known of it.
    """

    isbn: str
    first_week: np.datetime64
    volumes: FloatArray
    facts: Facts = field(default_factory=Facts)

    def values(self, season: FloatArray) -> FloatArray:
        """Return log(1 + copies) without the season, shape (n,)."""
        return np.asarray(np.log1p(self.volumes) - season[self.places(len(self.volumes))])

    def places(self, n: int, start: int = 0) -> npt.NDArray[np.int64]:
        """Return the places in the year of n weeks from the start-th on."""
        return place_of(self.first_week + WEEK * np.arange(start, start + n))


def launch_week(
    volumes: FloatArray,
    first_week: np.datetime64,
    publication: np.datetime64 | None,
    usual: float = np.inf,
) -> int:
    """Return the index of the week of publication: that of the first sale, unless more is known.

    A publication date counts where it is earlier than the first sale by more than `LEAD_WEEKS`: the
    title is older than its sales. It also counts where few copies leave in the `LEAD_WEEKS` before
    it. A title that has not sold is published on its date, or after these weeks if that has passed.

    Args:
        volumes: Copies a week, shape (n,); NaN where the week is missing.
        first_week: Saturday of the first of them.
        publication: Saturday of the week of publication; None if unknown.
        usual: Copies of the first weeks after publication, while none is known.
    """
    sold = np.flatnonzero(volumes > 0.0)
    planned = None if publication is None else weeks_between(first_week, publication)
    if not len(sold):
        return len(volumes) if planned is None else max(len(volumes), planned)
    first = int(sold[0])
    if planned is None or first - LEAD_WEEKS <= planned <= first or planned > first + LEAD_WEEKS:
        return first
    if planned < first:
        return planned
    later = volumes[planned:]
    known = later[np.isfinite(later)]
    after = float(np.max(known)) if len(known) else usual
    return planned if float(np.nanmax(volumes[first:planned])) < _EARLY_SHARE * after else first


def evenly(n: int, most: int) -> slice:
    """Return a slice of at most `most` of n rows, evenly spaced."""
    return slice(None, None, max(1, -(-n // most)))


def counting(volumes: FloatArray) -> FloatArray:
    """Return the variance of counting of each week, from the weeks around."""
    known = np.isfinite(volumes)
    if not len(volumes):
        return np.empty(0)
    total = np.convolve(np.where(known, volumes, 0.0), _AROUND, mode="full")[2:-2]
    weight = np.convolve(known.astype(np.float64), _AROUND, mode="full")[2:-2]
    return count_variance(total / np.maximum(weight, 1e-9))


@dataclass(frozen=True, slots=True)
class Matrix:
    """Launches on the grid.

    Attributes:
        values: Log scale without the season, shape (n, grid); NaN where unknown.
        counts: Variance of counting, shape (n, grid).
    """

    values: FloatArray
    counts: FloatArray

    @classmethod
    def of(cls, launches: Sequence[PastLaunch], seasons: Sequence[FloatArray]) -> Matrix:
        """Lay out launches, each with the season of its class."""
        values = np.full((len(launches), len(GRID)), np.nan)
        counts = np.ones_like(values)
        for row, (launch, season) in enumerate(zip(launches, seasons, strict=True)):
            here = GRID[len(launch.volumes) > GRID]
            values[row, : len(here)] = launch.values(season)[here]
            counts[row, : len(here)] = counting(launch.volumes)[here]
        return cls(values, counts)
