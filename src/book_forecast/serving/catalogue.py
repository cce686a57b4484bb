"""The titles of a release, to be searched and sorted: indexed once, so that a request is quick."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.promotion_log import Promotion
from book_forecast.serving.release_changes import Changes

AHEAD = 13
"""Weeks of the sum that stands for a title's size: a quarter."""

Sort = Literal["title", "volume", "change", "change_copies"]
Order = Literal["asc", "desc"]
Comparison = Literal["pending", "ready", "none", "failed"]
Floats = npt.NDArray[np.float64]

NATURAL_ORDERS: dict[Sort, Order] = {
    "title": "asc",
    "volume": "desc",
    "change": "desc",
    "change_copies": "desc",
}
"""What is meant where only the key is given."""

_TITLE_COLUMNS = ("isbn", "title", "author", "product_class", "model", "specification")
_SCORES = ("wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase")
_SEPARATORS = re.compile(r"[^\w]+|_+")
_DROPPED = str.maketrans(dict.fromkeys("'\u2019`\u00b4.", ""))
# Letters that have no decomposition, as people type them who do not have them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)


@dataclass(frozen=True)
class Found:
    """A page of titles.

    Attributes:
        total: How many titles match.
        rows: Those of the page, as rows of the payload.
    """

    total: int
    rows: list[int]


class Catalogue:
    """Finds titles of a release and tells what is known of them.

    Attributes:
        ahead: Copies expected in the next quarter, by row.
        promotion: How the release became champion; None until it is known, or if nobody knows.
        comparison: How far the comparison with the champion before has come.
    """

    def __init__(self, answers: ForecastReader) -> None:
        """Index the titles.

        Args:
            answers: Of the release.
        """
        payload = answers.payload
        self._columns: dict[str, list[str | None]] = {
            name: payload.titles[name].to_pylist() for name in (*_TITLE_COLUMNS, "fallback_reason")
        }
        self._cutoffs = payload.titles["cutoff"].to_pylist()
        # Copies: a view would keep the memory of a release that is no longer served.
        self._scores = {
            name: None if payload.scores is None else np.array(payload.scores[name].to_numpy())
            for name in _SCORES
        }
        self.ahead: Floats = payload.mean[:, :AHEAD].sum(axis=1, dtype=np.float64)
        names = [
            folded(title or isbn or "")
            for title, isbn in zip(self._columns["title"], self._columns["isbn"], strict=True)
        ]
        self._texts = [
            f"{name} {folded(author or '')} {isbn}"
            for name, author, isbn in zip(
                names, self._columns["author"], self._columns["isbn"], strict=True
            )
        ]
        order = sorted(range(len(names)), key=names.__getitem__)
        self._alphabetical: Floats = np.empty(len(names))
        self._alphabetical[order] = np.arange(len(names))
        self._orders: dict[tuple[Sort, Order], npt.NDArray[np.int64]] = {}
        self._changes: Changes | None = None
        self.comparison: Comparison = "none"
        self.promotion: Promotion | None = None

    def __len__(self) -> int:
        """How many titles there are."""
        return len(self._texts)

    @property
    def changes(self) -> Changes | None:
        """Against the release before; None until they are known."""
        return self._changes

    @changes.setter
    def changes(self, changes: Changes | None) -> None:
        self._orders = {}
        self._changes = changes

    def find(self, text: str, sort: Sort, order: Order | None, offset: int, limit: int) -> Found:
        """Search and sort.

        Args:
            text: Every word of it is part of title, author or ISBN; case and accents do not count.
            sort: What to sort by; unknown values come last, whatever the order. Changes are sorted
                by their size, downward or upward.
            order: None for the natural one of `sort`.
            offset: Titles of earlier pages.
            limit: Titles of a page.

        Returns:
            The page.
        """
        rows = self._order(sort, order or NATURAL_ORDERS[sort])
        words = words_of(text)
        if words:
            texts = self._texts
            rows = np.array(
                [row for row in rows.tolist() if all(word in texts[row] for word in words)], int
            )
        return Found(len(rows), rows[offset : offset + limit].tolist())

    def book(self, row: int) -> dict[str, Any]:
        """What is known of a title.

        Args:
            row: Of the payload.
        """
        known: dict[str, Any] = {name: column[row] for name, column in self._columns.items()}
        known["cutoff"] = self._cutoffs[row]
        known["next_13_weeks"] = rounded(self.ahead[row], 1)
        for name, scores in self._scores.items():
            known[name] = None if scores is None else rounded(scores[row], 4)
        changes = self._changes
        known["change"] = None if changes is None else rounded(changes.relative[row], 4)
        known["change_copies"] = None if changes is None else rounded(changes.copies[row], 1)
        known["change_weeks"] = None if changes is None else int(changes.weeks[row]) or None
        return known

    def _order(self, sort: Sort, order: Order) -> npt.NDArray[np.int64]:
        """Rows in an order that is kept once it was asked for."""
        if (sort, order) not in self._orders:
            values = self._values(sort)
            key = values if order == "asc" else -values
            # NaN sorts last both ways; what is equal stays alphabetical.
            self._orders[sort, order] = np.lexsort((self._alphabetical, key))
        return self._orders[sort, order]

    def _values(self, sort: Sort) -> Floats:
        if sort == "title":
            return self._alphabetical
        if sort == "volume":
            return self.ahead
        if self._changes is None:
            return np.full(len(self), np.nan)
        return np.abs(self._changes.relative if sort == "change" else self._changes.copies)


def folded(text: str) -> str:
    """A text without case, accents and punctuation."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_DROPPED)).casefold()
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", letters.translate(_PLAIN)).strip()


def words_of(text: str) -> Sequence[str]:
    """What a search looks for; digits with blanks and hyphens between them are one ISBN."""
    plain = folded(text)
    digits = plain.replace(" ", "")
    if digits.isdigit() and len(digits) > 4:
        return [digits]
    return plain.split()


def rounded(value: float, digits: int) -> float | None:
    """A number as it is told; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), digits)
