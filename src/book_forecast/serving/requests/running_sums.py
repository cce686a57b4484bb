"""Running sums of a title's weeks ahead, ready for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from book_forecast.payload.running_sums import running_sums
from book_forecast.payload.sums import SumReader

DECIMALS = 3
"""Of copies in a response."""


def sum_title(
    sums: SumReader, isbn: str, horizon: int, levels: tuple[float, ...]
) -> dict[str, Any]:
    """Return the sums of a title's first week, its first two weeks and so on.

    Args:
        sums: Of a release that has the title.
        isbn: 13 digits.
        horizon: Weeks ahead, 1 to 104.
        levels: Of intervals, in percent.
    """
    tails = [0.5 - level / 200.0 for level in levels]
    found = running_sums(sums, isbn, horizon, [p for tail in tails for p in (tail, 1.0 - tail)])
    bounds = np.round(found.quantiles, DECIMALS).tolist()
    return {
        "mean": np.round(found.mean, DECIMALS).tolist(),
        "expected": np.round(found.expected, DECIMALS).tolist(),
        "intervals": [
            {"level": level, "lower": bounds[2 * place], "upper": bounds[2 * place + 1]}
            for place, level in enumerate(levels)
        ],
    }
