"""Stock over the coming weeks, given draws of weekly demand.

Sales beyond the stock are lost, not delivered later: a customer buys another book.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
LIKELY = 0.5
"""With this chance or a higher one, a title is expected to run out."""


@dataclass(frozen=True)
class StockPath:
    """The stock of one title week by week, if nothing is ordered.

    Attributes:
        left: Copies left at the end of each week, shape (weeks, draws).
        run_out: Chance that the stock has run out by the end of each week, shape (weeks,).
    """

    left: Floats
    run_out: Floats

    @property
    def first_likely(self) -> int | None:
        """The first week, from 1, by which the stock has run out more likely than not."""
        likely = np.flatnonzero(self.run_out >= LIKELY)
        return int(likely[0]) + 1 if len(likely) else None


def follow_stock(on_hand: float, arrivals: Floats, demand: Floats) -> StockPath:
    """Follow a title's stock through the coming weeks.

    Args:
        on_hand: Copies before the first week.
        arrivals: Copies that come at the beginning of each week, shape (weeks,).
        demand: Draws of what is asked for in each week, shape (weeks, draws).
    """
    left, run_out = np.empty(demand.shape, dtype=demand.dtype), np.empty(len(demand))
    before = np.full(demand.shape[1], on_hand, dtype=demand.dtype)
    is_out = np.zeros(demand.shape[1], dtype=bool)
    for week, asked in enumerate(demand):
        stock = np.subtract(before, asked, out=left[week])
        stock += demand.dtype.type(arrivals[week])
        is_out |= stock < 0
        before = np.maximum(stock, 0.0, out=stock)
        run_out[week] = np.count_nonzero(is_out)
    return StockPath(left, run_out / demand.shape[1])


def copies_short(
    path: StockPath, on_hand: float, arrivals: Floats, demand: Floats, served: range
) -> Floats:
    """Return how many more copies each draw needs in some weeks, shape (draws,).

    Args:
        path: The stock if nothing is ordered.
        on_hand: As for `follow_stock`.
        arrivals: As for `follow_stock`.
        demand: As for `follow_stock`.
        served: Positions of the weeks that an order serves: from its arrival on. It cannot save
            sales before.
    """
    before = path.left[served.start - 1] if served.start else np.float64(on_hand)
    weeks = slice(served.start, served.stop)
    asked = np.cumsum(demand[weeks] - arrivals[weeks, None].astype(demand.dtype), axis=0)
    return np.maximum((asked - before).max(axis=0), 0.0)
