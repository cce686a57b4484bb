"""Volumes and ISBNs that are well formed but cannot be true.

A volume is implausible above `SUSPECT` copies where it is `EXPORT_GAP` times as large as every
other volume of the exports, or `TITLE_GAP` times as large as every other one of its title. An ISBN
that ends in zeros and has several titles is one that a spreadsheet has rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

SUSPECT = 100_000
"""Copies of a title in a week; smaller volumes are never implausible."""

EXPORT_GAP = 100
"""Ratio of implausible volumes to the largest other one of the exports."""

TITLE_GAP = 1000
"""Ratio of an implausible volume to the largest other one of its title."""

ROUNDED = "several titles have it: a spreadsheet has rounded it"
"""The reason why a row with such an ISBN is rejected."""

_ENOUGH_WEEKS = 26
_MOST_AT_ONCE = 0.01
_FEW = 3


def implausible_volumes(rows: pd.DataFrame) -> np.ndarray:
    """Find volumes that cannot be true.

    Args:
        rows: isbn, volume of every usable row.

    Returns:
        One bool a row.
    """
    volumes = np.abs(rows["volume"].to_numpy())
    found = np.zeros(len(rows), dtype=bool)
    suspects = np.flatnonzero(volumes > SUSPECT)
    if not len(suspects):
        return found
    found[suspects] = volumes[suspects] > _largest_plausible(volumes, suspects)
    titles = rows["isbn"].iloc[suspects].unique()
    of_titles = rows["isbn"].isin(titles).to_numpy()
    for positions in rows[of_titles].groupby("isbn").indices.values():
        own = np.flatnonzero(of_titles)[positions]
        others = own[volumes[own] <= SUSPECT]
        if len(others) >= _ENOUGH_WEEKS:
            large = own[volumes[own] > SUSPECT]
            highest = max(float(volumes[others].max()), 1.0)
            found[large[volumes[large] >= TITLE_GAP * highest]] = True
    return found


def _largest_plausible(volumes: np.ndarray, suspects: np.ndarray) -> float:
    """Return the volume below the gap that a few very large ones leave; infinity without a gap."""
    most = max(_FEW, int(_MOST_AT_ONCE * len(volumes)))
    largest = np.sort(volumes[suspects])[::-1]
    rest = volumes[volumes <= SUSPECT]
    below = np.append(largest[1:], rest.max() if len(rest) else 0.0)
    gaps = np.flatnonzero(largest >= EXPORT_GAP * np.maximum(below, 1.0))
    gaps = gaps[gaps < most]
    return float(below[gaps[-1]]) if len(gaps) and below[gaps[-1]] > 0 else np.inf


def rounded_isbns(found: Sequence[Mapping[str, frozenset[str]]]) -> list[str]:
    """Return ISBNs that stand for several titles.

    Args:
        found: The distinct titles of each ISBN that ends in zeros, by part of an export.
    """
    titles: dict[str, set[str]] = {}
    for part in found:
        for isbn, texts in part.items():
            titles.setdefault(isbn, set()).update(_words(text) for text in texts)
    return [isbn for isbn, texts in titles.items() if len(texts) > 1]


def _words(title: str) -> str:
    """Return the words of a title in a form in which ``Alchemist, The`` is ``The Alchemist``."""
    return " ".join(sorted("".join(c if c.isalnum() else " " for c in title).split()))
