"""The titles of a release, indexed once, so that search, filters and sorting are quick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.promotion_log import Promotion
from book_forecast.serving.loading.comparison import Floats, ForecastChanges
from book_forecast.serving.titles.facts import TitleFacts
from book_forecast.serving.titles.groups import Field, Groups, Mask, Rows, groups_of
from book_forecast.serving.titles.left_out import LeftOut
from book_forecast.serving.titles.search import Matches, WordIndex
from book_forecast.serving.titles.stock import StockAdvice
from book_forecast.serving.titles.views import ASCENDING, Order, Sort, ViewName
from book_forecast.serving.titles.words import folded

ComparisonState = Literal["pending", "ready", "none", "failed"]

_COLUMNS = ("isbn", "title", "author", "product_class", "model", "specification", "fallback_reason")
_SCORES = ("wape", "mase", "seasonal_naive_wape", "seasonal_naive_mase")


@dataclass(frozen=True)
class Selection:
    """Which titles are asked for.

    Attributes:
        text: Words of title, author or ISBN; all titles if there is none.
        filters: Names by field; a title has one of them; all titles if there is none.
        rows: Of titles that are named; None for all.
        view: The list that they are on.
    """

    text: str = ""
    filters: Mapping[Field, Sequence[str]] = field(default_factory=dict)
    rows: Sequence[int] | None = None
    view: ViewName = "all"


@dataclass(frozen=True)
class Found:
    """The titles of a selection.

    Attributes:
        mask: Whether each title is among them, shape (titles,).
        matches: Of the words.
        without: The same as `mask` without the filter of one field, for fields with a filter.
    """

    mask: Mask
    matches: Matches
    without: Mapping[Field, Mask]


class Catalogue:
    """Finds titles of a release and describes them.

    Attributes:
        facts: What the list tells of each title.
        groups: The titles by names that they share, as far as the release has them.
        promotion: The release's last entry in the promotion log; None before it is looked up, and
            if there is none.
        comparison: State of the comparison with the previous champion.
        changes: Its result; None before it is ready.
        stock: Advice on stock.
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
        self.facts = TitleFacts(payload)
        self.groups = groups_of(payload)
        self._isbns = reader.isbns
        names = [
            folded(title or isbn)
            for title, isbn in zip(self._columns["title"], self._isbns, strict=True)
        ]
        self._words = WordIndex(
            [
                f"{name} {folded(author or '')} {isbn}"
                for name, author, isbn in zip(
                    names, self._columns["author"], self._isbns, strict=True
                )
            ]
        )
        order = sorted(range(len(names)), key=names.__getitem__)
        self._alphabetical: Floats = np.empty(len(names))
        self._alphabetical[order] = np.arange(len(names))
        self._left_out = LeftOut(payload)
        self._orders: dict[tuple[Sort, Order], Rows] = {}
        self.comparison: ComparisonState = "none"
        self.promotion: Promotion | None = None
        self.changes: ForecastChanges | None = None
        self.add_stock(StockAdvice())

    def __len__(self) -> int:
        """Return the number of titles."""
        return len(self._isbns)

    def add_changes(self, changes: ForecastChanges) -> None:
        """Take the changes against the previous champion, by which titles can be sorted then."""
        self.changes = changes
        self._orders = {}
        self.comparison = "ready"

    def add_stock(self, stock: StockAdvice) -> None:
        """Take advice on stock, in the place of what there was before."""
        names = ("chance_to_run_out", "run_out_week", "order")
        self._stock_values = {name: stock.values(name, self._isbns) for name in names}
        self.stock = stock
        self._orders = {}

    def find(self, selection: Selection) -> Found:
        """Return the titles of a selection."""
        matches = self._words.find(selection.text)
        rest = matches.found & self._of_view(selection.view)
        if selection.rows is not None:
            rest &= np.isin(np.arange(len(self)), selection.rows)
        of_filter = {name: self.groups[name].mask(v) for name, v in selection.filters.items()}
        without = {
            name: np.logical_and.reduce([rest, *(m for n, m in of_filter.items() if n != name)])
            for name in of_filter
        }
        mask = np.logical_and.reduce([rest, *of_filter.values()])
        return Found(mask, matches, without)

    def ordered(self, found: Found, sort: Sort, order: Order | None) -> Rows:
        """Return titles in an order, as rows of the payload.

        Args:
            found: The titles.
            sort: Key. Unknown values come last in both orders. Changes are sorted by size,
                whether up or down.
            order: None for the usual one: titles from A, numbers from the largest.
        """
        order = order or ("asc" if sort in ASCENDING else "desc")
        if sort == "match":
            # What sells most first among titles that are equally close.
            keys = (-self.facts.next_weeks[13], found.matches.distance)
            rows = np.lexsort(keys if order == "asc" else (keys[0], -keys[1]))
        else:
            rows = self._order(sort, order)
        return rows[found.mask[rows]]

    def facets(self, found: Found, most: int) -> dict[Field, list[dict[str, Any]]]:
        """Return the names by which titles can be filtered further, with the number of titles.

        Args:
            found: The titles; a field that is filtered offers what its other names would give.
            most: Names by field at most: those of most titles, by the alphabet.
        """
        return {
            name: _largest(groups, groups.counts(found.without.get(name, found.mask)), most)
            for name, groups in self.groups.items()
        }

    def left_out(self, text: str, most: int) -> tuple[int, list[dict[str, Any]]]:
        """Return how many titles the release lacks, and some of them with the reasons.

        Args:
            text: Words of title or ISBN; all if there is none.
            most: Titles at most.
        """
        return self._left_out.find(text, most)

    def reason_left_out(self, isbn: str) -> str | None:
        """Return why the release lacks a title; None if it does not tell."""
        return self._left_out.reasons.get(isbn)

    def book(self, row: int) -> dict[str, Any]:
        """Return what the API's `Book` has of a title, by its row in the payload."""
        facts, changes = self.facts, self.changes
        book: dict[str, Any] = {name: column[row] for name, column in self._columns.items()}
        for name in ("imprint", "publisher_group"):
            groups = self.groups.get(name)
            book[name] = (groups.names[groups.codes[row]] or None) if groups else None
        book["publication_date"] = _day(facts.published[row])
        book["price"] = rounded(facts.price[row], 2)
        book["is_launch"] = bool(facts.is_launch[row])
        book["cutoff"] = self._cutoffs[row]
        for span, values in facts.next_weeks.items():
            book[f"next_{span}_weeks"] = rounded(values[row], 1)
        for name, scores in self._scores.items():
            book[name] = None if scores is None else rounded(scores[row], 4)
        book["last_expected"] = rounded(facts.last.expected[row], 1)
        book["last_sold"] = rounded(facts.last.sold[row], 1)
        book["error_copies"] = rounded(facts.last.missed[row], 1)
        book["change"] = None if changes is None else rounded(changes.relative[row], 4)
        book["change_copies"] = None if changes is None else rounded(changes.copies[row], 1)
        book["change_weeks"] = None if changes is None else int(changes.weeks[row]) or None
        advice = self.stock.of(self._isbns[row]) or {}
        for name in ("on_hand", "on_order", "chance_to_run_out", "run_out_week", "order"):
            book[name] = advice.get(name)
        return book

    def sparkline(self, row: int) -> dict[str, Any]:
        """Return the last weeks of a title and those ahead, for a small picture."""
        return {"sold": self.facts.recent(row), "expected": self.facts.coming(row)}

    def _of_view(self, view: ViewName) -> Mask:
        if view == "changed":
            return np.nan_to_num(self._values("change_copies")) > 0
        if view == "runs_out":
            return ~np.isnan(self._stock_values["chance_to_run_out"])
        if view == "wrong":
            return ~(np.isnan(self.facts.error) & np.isnan(self.facts.last.missed))
        if view == "launches":
            return self.facts.is_launch
        return np.ones(len(self), dtype=bool)

    def _order(self, sort: Sort, order: Order) -> Rows:
        """Return the rows in an order, which is computed once."""
        # Taken before the values: `add_changes` and `add_stock` replace it in another thread.
        orders = self._orders
        if (sort, order) not in orders:
            values = self._values(sort)
            key = values if order == "asc" else -values
            # NaN sorts last in both orders; equal values stay alphabetical.
            orders[sort, order] = np.lexsort((self._alphabetical, key))
        return orders[sort, order]

    def _values(self, sort: Sort) -> Floats:
        facts, changes = self.facts, self.changes
        of_facts = {
            "title": self._alphabetical,
            "volume_4": facts.next_weeks[4],
            "volume": facts.next_weeks[13],
            "volume_32": facts.next_weeks[32],
            "error": facts.error,
            "error_copies": facts.error if np.isnan(facts.last.missed).all() else facts.last.missed,
            "published": _as_numbers(facts.published),
            "chance": self._stock_values["chance_to_run_out"],
            "order": self._stock_values["order"],
        }
        if sort in of_facts:
            return of_facts[sort]
        if sort == "run_out":
            return self._first_to_run_out()
        if changes is None:
            return np.full(len(self), np.nan)
        return np.abs(changes.relative if sort == "change" else changes.copies)

    def _first_to_run_out(self) -> Floats:
        """Return a number that is lower the sooner, and then the likelier, a title runs out."""
        chance = self._stock_values["chance_to_run_out"]
        weeks = _as_numbers(np.asarray(self._stock_values["run_out_week"]))
        # Those that may last go behind all others, the likeliest to run out first.
        return np.where(np.isnan(weeks), 1e9, weeks) - 0.9 * chance


def rounded(value: float, digits: int) -> float | None:
    """Return a number for JSON; None for NaN, which JSON does not have."""
    return None if np.isnan(value) else round(float(value), digits)


def _day(day: np.datetime64) -> str | None:
    return None if np.isnat(day) else str(day)


def _as_numbers(days: npt.NDArray[Any]) -> Floats:
    if days.dtype.kind != "M":
        return days.astype(np.float64)
    return np.where(np.isnat(days), np.nan, days.astype("datetime64[D]").astype(np.float64))


def _largest(groups: Groups, counts: npt.NDArray[np.int64], most: int) -> list[dict[str, Any]]:
    chosen = np.flatnonzero(counts)
    if len(chosen) > most:
        chosen = np.sort(chosen[np.argsort(-counts[chosen], kind="stable")[:most]])
    return [{"name": groups.names[code], "n_titles": int(counts[code])} for code in chosen]
