"""Advice on stock for the titles of a release."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from book_forecast.bookscan.rules.rejections import list_reasons
from book_forecast.decisions.orders import StockAdvice, advise
from book_forecast.options.decisions import DecideOptions
from book_forecast.options.groups import ForecastOptions
from book_forecast.payload.contents import Payload
from book_forecast.payload.sums import SumReader
from book_forecast.pipelines.decide.stock_rows import TERMS, Stock, clean_stock, reject_titles
from book_forecast.storage.errors import UserError

logger = logging.getLogger(__name__)

COVER_WEEKS = 26
"""Weeks ahead in which a title is expected to run out, or not."""
TYPES = {
    "isbn": "str",
    "product_class": "str",
    "release": "str",
    "last_week": "datetime64[us]",
    "on_hand": "float64",
    "on_order": "float64",
    "lead_weeks": "int64",
    "demand": "float64",
    "chance_to_run_out": "float64",
    "run_out_week": "datetime64[us]",
    "cover_weeks": "int64",
    "target": "float64",
    "order": "int64",
    "reason": "str",
}


def advise_on_stock(
    current_release: Payload | None,
    stock_table: pd.DataFrame,
    decide: DecideOptions,
    forecast: ForecastOptions,
    forecasts: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Advise what to order for each title of the tables of stock.

    Args:
        current_release: The release, after newer weeks; None before the first forecast.
        stock_table: file, row, isbn, on_hand, on_order, arrives, the terms, surplus, as text.
        decide: Terms of titles and classes that the table does not tell.
        forecast: Levels of the intervals.
        forecasts: Of the same run, which are written first; None where the advice alone is asked.

    Returns:
        A row per title in the order of the release: what `TYPES` lists and `lo-L`, `hi-L` of the
        demand within the lead time for each level. last_week is the release's, at whose end the
        stock is counted; run_out_week is missing where running out is not likely within
        cover_weeks. And the rejected rows: file, row, column, value, reason.

    Raises:
        UserError: If there are no forecasts yet.
    """
    if current_release is None:
        raise UserError(
            "There are no forecasts to advise from: run `kedro run`, or the pipeline forecast "
            "where there is a champion."
        )
    reader = SumReader(current_release)
    last_week = _last_week(reader)
    stock = clean_stock(stock_table, last_week)
    _warn_of_unknown_classes(current_release, decide)
    unknown = set(stock.positions) - set(reader.isbns)
    reasons = dict.fromkeys(unknown, f"not in the release {current_release.release}")
    records = []
    for title in _titles(current_release, stock):
        try:
            record = _advised(reader, title, decide, forecast.levels)
        except ValueError as error:
            reasons[title.isbn] = str(error)
        else:
            records.append(record)
    reject_titles(stock, stock_table, reasons)
    names = [f"{side}-{level}" for level in forecast.levels for side in ("lo", "hi")]
    types = TYPES | dict.fromkeys(names, "float64")
    advised = pd.DataFrame(records, columns=list(types))
    advised = advised.assign(release=current_release.release, last_week=last_week).astype(types)
    rejected = stock.rejections.frame(lambda rows: stock_table[["file", "row"]].iloc[rows])
    _report(advised, rejected, is_asked=forecasts is None)
    return advised, rejected


def _last_week(reader: SumReader) -> dt.date:
    """Return the release's last week; without titles no delivery is in its past."""
    if not reader.isbns:
        return dt.date.min
    last_week: dt.date = (reader.next_weeks(1)[0] - np.timedelta64(7, "D")).item()
    return last_week


def _warn_of_unknown_classes(release: Payload, decide: DecideOptions) -> None:
    """Warn of terms that no title has."""
    known = set(release.titles["product_class"].to_pylist()) - {None}
    for name in sorted(set(decide.by_class) - known):
        logger.warning(
            "decide.by_class names the product class %r, which no title has; known are %s",
            *(name, ", ".join(sorted(known)) or "none"),
        )


@dataclass(frozen=True)
class _Title:
    """The stock of one title, and what the table says of its terms."""

    isbn: str
    product_class: str | None
    on_hand: float
    on_order: float
    deliveries: list[tuple[np.datetime64, float]]
    terms: dict[str, float]


def _titles(release: Payload, stock: Stock) -> Iterator[_Title]:
    """Yield the titles with stock in the order of the release."""
    deliveries: dict[str, list[tuple[np.datetime64, float]]] = {}
    for isbn, arrives, copies in stock.deliveries.itertuples(index=False):
        deliveries.setdefault(isbn, []).append((arrives.to_datetime64(), copies))
    rows = stock.titles.to_dict("index")
    known = release.titles.select(["isbn", "product_class"]).to_pydict()
    for isbn, product_class in zip(known["isbn"], known["product_class"], strict=True):
        if (row := rows.get(isbn)) is not None:
            terms = {name: float(row[name]) for name in TERMS if not np.isnan(row[name])}
            own = deliveries.get(isbn, [])
            yield _Title(isbn, product_class, row["on_hand"], row["on_order"], own, terms)


def _advised(
    reader: SumReader, title: _Title, decide: DecideOptions, levels: Sequence[int | float]
) -> dict[str, Any]:
    """Return the columns of one title.

    Raises:
        ValueError: If the release or the terms do not suffice; says what is missing.
    """
    terms = decide.terms_of(title.product_class, title.terms)
    weeks = reader.next_weeks(max(terms.last_week, COVER_WEEKS))
    if not reader.within_reach([title.isbn], weeks):
        raise ValueError(f"its last week of sales is too long ago for {len(weeks)} weeks ahead")
    arrivals = np.zeros(len(weeks))
    for arrives, copies in title.deliveries:
        # The Saturday that ends the week.
        place = int(np.searchsorted(weeks, arrives.astype("datetime64[D]")))
        if place < len(weeks):
            arrivals[place] += copies
    probabilities = [p for level in levels for p in (0.5 - level / 200.0, 0.5 + level / 200.0)]
    demand = reader.draws_of(title.isbn, weeks)
    advice = advise(title.on_hand, arrivals, demand, terms, probabilities)
    about = {"isbn": title.isbn, "product_class": title.product_class}
    stock = {"on_hand": title.on_hand, "on_order": title.on_order}
    return about | stock | {"lead_weeks": terms.lead_weeks} | _as_columns(advice, weeks, levels)


def _as_columns(
    advice: StockAdvice, weeks: npt.NDArray[np.datetime64], levels: Sequence[int | float]
) -> dict[str, Any]:
    first = advice.run_out_week
    bounds = iter(advice.demand_quantiles.tolist())
    intervals = {f"{side}-{level}": next(bounds) for level in levels for side in ("lo", "hi")}
    values: Mapping[str, Any] = {
        "demand": advice.demand,
        "chance_to_run_out": advice.chance_to_run_out,
        "run_out_week": pd.NaT if first is None else weeks[first - 1],
        "cover_weeks": len(weeks) if first is None else first - 1,
        "target": advice.target,
        "order": advice.order,
        "reason": advice.reason,
    }
    return {**values, **intervals}


def _report(advised: pd.DataFrame, rejected: pd.DataFrame, *, is_asked: bool) -> None:
    if rejected.empty and advised.empty:
        if is_asked:
            logger.info("No stock in 01_raw/stock: there is nothing to advise on")
        return
    orders = advised["order"] > 0
    logger.info(
        "Stock of %s titles: order %s copies of %s titles; %s may run out within their lead time",
        f"{len(advised):,}",
        f"{advised['order'].sum():,}",
        f"{orders.sum():,}",
        f"{(advised['chance_to_run_out'] >= 0.5).sum():,}",
    )
    if not rejected.empty:
        first = rejected.iloc[0]
        logger.warning(
            "Rejected %s rows of stock, see rejected_stock; the first is row %d of %s. Reasons: %s",
            f"{len(rejected):,}",
            first["row"],
            first["file"],
            list_reasons(rejected),
        )
