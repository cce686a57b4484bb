"""The forecasts of a release as sheets, a view each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from book_forecast.payload.contents import Payload
from book_forecast.payload.draws import quantiles_of
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.sums import SumReader
from book_forecast.storage.spreadsheets import Column, Sheet

SUMMED_WEEKS = (4, 13, 32)
_NAMED = (
    Column("ISBN", width=16),
    Column("Title", width=40),
    Column("Author", width=24),
    Column("Class", width=24),
)
_SCORES = ("wape", "seasonal_naive_wape", "mase", "seasonal_naive_mase")
_OF_ERRORS = (
    Column("Error, share of copies", "share", 14),
    Column("Last year's sales instead", "share", 14),
    Column("Error, scaled", "ratio", 14),
    Column("Last year's sales instead, scaled", "ratio", 14),
)
_STOCK = (
    Column("Order", "whole"),
    Column("On hand", "whole"),
    Column("On order", "whole"),
    Column("Lead time, weeks", "whole"),
    Column("Demand in it", "copies"),
    Column("Chance to run out in it", "share"),
    Column("Runs out in week to", "day"),
    Column("Weeks of cover", "whole"),
    Column("Why", width=80),
)
_OF_STOCK = (
    *("order", "on_hand", "on_order", "lead_weeks", "demand", "chance_to_run_out"),
    *("run_out_week", "cover_weeks", "reason"),
)


@dataclass(frozen=True)
class Export:
    """What is exported.

    Attributes:
        payload: The release, after its newest weeks.
        horizon: Weeks after the last one of the release.
        levels: Of the intervals, in percent.
        stock: Advice as the decide pipeline writes it; None without any.
    """

    payload: Payload
    horizon: int
    levels: Sequence[float]
    stock: pa.Table | None = None

    def sheets(self) -> Iterator[Sheet]:
        """Yield all sheets."""
        yield self._weeks("Forecast", None)
        for level in self.levels:
            yield self._weeks(f"At least, {level:g} %", (level, 0))
            yield self._weeks(f"At most, {level:g} %", (level, 1))
        yield self._totals_of_titles()
        yield self._totals_of_classes()
        if self.stock is not None and self.stock.num_rows:
            yield self._stock(self.stock)
        if self.payload.scores is not None:
            yield self._errors(self.payload.scores)
        left_out = self.payload.planning.get("left_out")
        if left_out is not None and left_out.num_rows:
            columns = [Column("ISBN", width=16), Column("Title", width=40), Column("Why", width=80)]
            rows = ([row["isbn"], row["title"], row["reason"]] for row in left_out.to_pylist())
            yield Sheet("Without a forecast", columns, rows)
        yield self._about()

    def long_table(self) -> Sheet:
        """Return a row a title and week."""
        bounds = [f"{side}-{level:g}" for level in self.levels for side in ("lo", "hi")]
        names = ("isbn", "title", "author", "product_class", "week", "cutoff", "mean", *bounds)
        return Sheet("Forecasts", [Column(name) for name in names], self._long_rows())

    def _long_rows(self) -> Iterator[list[Any]]:
        reader, titles = ForecastReader(self.payload), self._titles()
        for named, cutoff, ahead in titles:
            found = reader.forecast(str(named[0]), ahead[-1], self.levels)
            pairs = [bound for pair in found.bounds.values() for bound in pair]
            table = np.round(np.array([found.mean, *pairs]), 3).T.tolist()
            days = np.datetime_as_string(found.weeks).tolist()
            for week in ahead:
                yield [*named, days[week - 1], cutoff.isoformat(), *table[week - 1]]

    def _titles(self) -> Iterator[tuple[list[str | None], dt.date, range]]:
        """Yield names, last week and the numbers of the weeks ahead, which end with the horizon."""
        columns = (self.payload.titles[name].to_pylist() for name in _TITLE)
        last = self._last_week
        for *named, cutoff in zip(*columns, strict=True):
            behind = (last - cutoff).days // 7
            first, final = behind + 1, min(behind + self.horizon, LONGEST_HORIZON)
            if first <= final:
                yield named, cutoff, range(first, final + 1)

    @property
    def _last_week(self) -> dt.date:
        return max(self.payload.titles["cutoff"].to_pylist())

    def _weeks(self, name: str, bound: tuple[float, int] | None) -> Sheet:
        """Return a row a title with a column a week: means, or a bound by level and side."""
        first = self._last_week + dt.timedelta(weeks=1)
        days = [first + dt.timedelta(weeks=number) for number in range(self.horizon)]
        columns = [*_NAMED, *(Column(day, "copies") for day in days)]
        return Sheet(name, columns, self._week_rows(bound), frozen=2)

    def _week_rows(self, bound: tuple[float, int] | None) -> Iterator[list[Any]]:
        reader = ForecastReader(self.payload)
        for named, _, ahead in self._titles():
            found = reader.forecast(str(named[0]), ahead[-1], [bound[0]] if bound else [])
            values = found.bounds[bound[0]][bound[1]] if bound else found.mean
            known = np.round(values[ahead[0] - 1 :], 1).tolist()
            yield [*named, *known, *[None] * (self.horizon - len(known))]

    def _spans(self) -> list[int]:
        return [n for n in SUMMED_WEEKS if n < self.horizon] + [self.horizon]

    def _sum_columns(self) -> Iterator[Column]:
        for span in self._spans():
            yield Column(f"Next {span} weeks" if span > 1 else "Next week", "copies", 14)
            for level in self.levels:
                yield Column(f"at least, {level:g} %", "copies")
                yield Column(f"at most, {level:g} %", "copies")

    def _probabilities(self) -> list[float]:
        return [0.5 + sign * level / 200.0 for level in self.levels for sign in (-1, 1)]

    def _totals_of_titles(self) -> Sheet:
        columns = [*_NAMED, *self._sum_columns()]
        return Sheet("Totals by title", columns, self._title_sums(), frozen=2)

    def _title_sums(self) -> Iterator[list[Any]]:
        reader, probabilities = SumReader(self.payload), self._probabilities()
        weeks = reader.next_weeks(self.horizon)
        rows = {isbn: row for row, isbn in enumerate(reader.isbns)}
        within = set(reader.within_reach(reader.isbns, weeks))
        for named, _, ahead in self._titles():
            isbn = str(named[0])
            if isbn not in within:
                continue
            mean = np.cumsum(self.payload.mean[rows[isbn], ahead[0] - 1 : ahead[-1]])
            draws = np.cumsum(reader.draws_of(isbn, weeks), axis=0)
            cells: list[float] = []
            for span in self._spans():
                bounds = quantiles_of(draws[span - 1], probabilities)
                cells += [float(mean[span - 1]), *bounds.tolist()]
            yield [*named, *np.round(cells, 1).tolist()]

    def _totals_of_classes(self) -> Sheet:
        columns = [Column("Class", width=40), Column("Titles", "whole"), *self._sum_columns()]
        return Sheet("Totals by class", columns, self._class_sums(), frozen=1)

    def _class_sums(self) -> Iterator[list[Any]]:
        reader, probabilities = SumReader(self.payload), self._probabilities()
        within = reader.within_reach(reader.isbns, reader.next_weeks(self.horizon))
        groups = [("All titles", within), *reader.by_class(within)]
        for name, members in groups:
            cells: list[float] = []
            for span in self._spans():
                found = reader.sum_of(members, reader.next_weeks(span), probabilities)
                cells += [found.mean, *found.quantiles.tolist()]
            yield [name or "Without a class", len(members), *np.round(cells, 1).tolist()]

    def _stock(self, advice: pa.Table) -> Sheet:
        named = {
            row["isbn"]: [row[name] for name in _TITLE[:-1]]
            for row in self.payload.titles.select(_TITLE).to_pylist()
        }
        rows = (
            [*named.get(row["isbn"], [row["isbn"], None, None, None]), *map(row.get, _OF_STOCK)]
            for row in advice.to_pylist()
        )
        return Sheet("Stock", [*_NAMED, *_STOCK], map(_with_days, rows), frozen=2)

    def _errors(self, scores: pa.Table) -> Sheet:
        titles = self.payload.titles.select(_TITLE[:-1]).to_pylist()
        rows = (
            [*title.values(), *(row[name] for name in _SCORES)]
            for title, row in zip(titles, scores.to_pylist(), strict=True)
        )
        return Sheet("Errors", [*_NAMED, *_OF_ERRORS], rows, frozen=2)

    def _about(self) -> Sheet:
        facts = {
            "Sales known to": self._last_week.isoformat(),
            "Titles": f"{len(self.payload):,}",
            "Release": self.payload.release,
            "Forecast": "Copies expected in the week to the Saturday above the column",
            "Totals": "Their intervals are those of the sums: bounds of weeks do not add up",
            "Error, share of copies": "Of the weeks that were kept apart as a test",
        }
        for level in self.levels:
            text = f"Copies lie between them with a probability of {level:g} %"
            facts[f"At least, at most, {level:g} %"] = text
        columns = [Column("", width=28), Column("", width=80)]
        return Sheet("About", columns, ([name, text] for name, text in facts.items()))


_TITLE = ("isbn", "title", "author", "product_class", "cutoff")


def _with_days(row: list[Any]) -> list[Any]:
    return [value.date() if isinstance(value, dt.datetime) else value for value in row]
