"""Titles that were delivered, but that a release does not forecast."""

from __future__ import annotations

from typing import Any

import numpy as np

from book_forecast.payload.contents import Payload
from book_forecast.serving.titles.search import WordIndex
from book_forecast.serving.titles.words import folded, words_of


class LeftOut:
    """Titles that the release lacks, and why.

    Attributes:
        reasons: By ISBN.
    """

    def __init__(self, payload: Payload) -> None:
        """Read the table of a release, which may lack it."""
        table = payload.planning.get("left_out")
        self._titles: list[dict[str, Any]] = [] if table is None else table.to_pylist()
        self.reasons = {title["isbn"]: title["reason"] for title in self._titles}
        self._words = WordIndex([f"{folded(t['title'] or '')} {t['isbn']}" for t in self._titles])

    def find(self, text: str, most: int) -> tuple[int, list[dict[str, Any]]]:
        """Return how many titles match a text, and the closest of them."""
        if not words_of(text):
            return len(self._titles), self._titles[:most]
        matches = self._words.find(text)
        rows = np.flatnonzero(matches.found)
        closest = rows[np.argsort(matches.distance[rows], kind="stable")][:most]
        return len(rows), [self._titles[row] for row in closest]
