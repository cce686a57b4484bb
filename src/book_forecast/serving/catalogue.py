"""The titles of a release, indexed once, so that search and sorting are quick."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.promotion_log import Promotion
from book_forecast.serving.comparison import Floats, ForecastChanges

SUMMED_WEEKS = 13
"""Weeks ahead whose sum stands for the size of a title."""

Sort = Literal["title", "volume", "change", "change_copies"]
Order = Literal["asc", "desc"]
ComparisonState = Literal["pending", "ready", "none", "failed"]

_COLUMNS = ("isbn", "title", "author", "product_class", "model", "specification", "fallback_reason")
_SCORES = ("wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase")
_SEPARATORS = re.compile(r"[^\w]+|_+")
_DROPPED = str.maketrans(dict.fromkeys("'\u2019`\u00b4.", ""))
# Letters without a decomposition, and how people type them whose keyboard lacks them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)


class Catalogue:
    """Finds titles of a release and describes them.

    Attributes:
        next_13_weeks: Copies expected in the weeks after the cutoff, by row.
        promotion: The release's last entry in the promotion log; None before it is looked up, and
            if there is none.
        comparison: State of the comparison with the previous champion.
        changes: Its result; None before it is ready.
    """

    def __init__(self, reader: ForecastReader) -> None:
        """Index the titles of a release."""
        payload = reader.payload
        self._columns: dict[str, list[str | None]] = {
            name: payload.titles[name].to_pylist() for name in _COLUMNS
        }
        self._cutoffs = payload.titles["cutoff"].to_pylist()
        # Copies, because a view would hold the shared memory of the whole release.
        self._scores = {
            name: None if payload.scores is None else np.array(payload.scores[name].to_numpy())
            for name in _SCORES
        }
        self.next_13_weeks: Floats = payload.mean[:, :SUMMED_WEEKS].sum(axis=1, dtype=np.float64)
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
        self.comparison: ComparisonState = "none"
        self.promotion: Promotion | None = None
        self.changes: ForecastChanges | None = None

    def __len__(self) -> int:
        """Return the number of titles."""
        return len(self._texts)

    def add_changes(self, changes: ForecastChanges) -> None:
        """Take the changes against the previous champion, by which titles can be sorted then."""
        self.changes = changes
        self._orders = {}
        self.comparison = "ready"

    def find(
        self, text: str, sort: Sort, order: Order | None, offset: int, limit: int
    ) -> tuple[int, list[int]]:
        """Search and sort.

        Args:
            text: Words that are parts of title, author or ISBN; case and accents do not matter.
            sort: Key. Unknown values come last in both orders. Changes are sorted by size,
                whether up or down.
            order: None for ascending titles and descending numbers.
            offset: Number of titles on earlier pages.
            limit: Number of titles on a page.

        Returns:
            How many titles match, and those of the page as rows of the payload.
        """
        rows = self._order(sort, order or ("asc" if sort == "title" else "desc"))
        words = words_of(text)
        if words:
            texts = self._texts
            rows = np.array(
                [row for row in rows.tolist() if all(word in texts[row] for word in words)], int
            )
        return len(rows), rows[offset : offset + limit].tolist()

    def book(self, row: int) -> dict[str, Any]:
        """Return what the API's `Book` has of a title, by its row in the payload."""
        book: dict[str, Any] = {name: column[row] for name, column in self._columns.items()}
        book["cutoff"] = self._cutoffs[row]
        book["next_13_weeks"] = rounded(self.next_13_weeks[row], 1)
        for name, scores in self._scores.items():
            book[name] = None if scores is None else rounded(scores[row], 4)
        changes = self.changes
        book["change"] = None if changes is None else rounded(changes.relative[row], 4)
        book["change_copies"] = None if changes is None else rounded(changes.copies[row], 1)
        book["change_weeks"] = None if changes is None else int(changes.weeks[row]) or None
        return book

    def _order(self, sort: Sort, order: Order) -> npt.NDArray[np.int64]:
        """Return the rows in an order, which is computed once."""
        # Taken before the values: `add_changes` replaces it in another thread.
        orders = self._orders
        if (sort, order) not in orders:
            values = self._values(sort)
            key = values if order == "asc" else -values
            # NaN sorts last in both orders; equal values stay alphabetical.
            orders[sort, order] = np.lexsort((self._alphabetical, key))
        return orders[sort, order]

    def _values(self, sort: Sort) -> Floats:
        if sort == "title":
            return self._alphabetical
        if sort == "volume":
            return self.next_13_weeks
        if self.changes is None:
            return np.full(len(self), np.nan)
        return np.abs(self.changes.relative if sort == "change" else self.changes.copies)


def folded(text: str) -> str:
    """Return a text without case, accents and punctuation."""
    decomposed = unicodedata.normalize("NFKD", text.translate(_DROPPED)).casefold()
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _SEPARATORS.sub(" ", letters.translate(_PLAIN)).strip()


def words_of(text: str) -> Sequence[str]:
    """Return the words of a search; digits with blanks and hyphens between them are one ISBN."""
    plain = folded(text)
    digits = plain.replace(" ", "")
    if digits.isdigit() and len(digits) > 4:
        return [digits]
    return plain.split()


def rounded(value: float, digits: int) -> float | None:
    """Return a number for JSON; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), digits)
