"""Weekly reviews of stock on past sales: the same orders from different forecasts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from benchmarks.stock_policies.demand import RECENT, recent_mean_draws, seasonal_naive_draws
from benchmarks.stock_policies.releases import Origin
from book_forecast.decisions.orders import Terms, advise
from book_forecast.decisions.stock import Floats, copies_short, follow_stock
from book_forecast.payload.draws import quantiles_of
from book_forecast.payload.sums import SumReader
from book_forecast.series.history import FloatArray, History, title_histories

OURS, NAIVE, SAFETY, MEAN = (
    "this project",
    "seasonal naive",
    "8-week mean, safety stock",
    "8-week mean",
)
SOURCES = (OURS, NAIVE, SAFETY, MEAN)
PROMISES = ("ordered", "ordered_kept", "waited", "waited_kept")
SPANS = (1, 4, 8, 13)
"""Weeks whose sums are scored."""
_BOUNDS = (0.1, 0.9)


@dataclass
class Ledger:
    """Stock of one title under one source and one set of terms.

    Attributes:
        source: One of `SOURCES`.
        terms: Of every order.
        on_hand: Copies now.
        arrivals: Copies that come at the beginning of each week, also after the simulated ones.
        simulated: Number of simulated weeks.
        short: Copies asked for beyond the stock, in scored weeks.
        stock: Copies left at the end of each scored week, added up.
        weeks: Scored weeks.
        asked: Copies asked for in scored weeks.
        weeks_short: Scored weeks with copies short.
        orders: Copies ordered.
        promises: Reviews whose promise could be checked, and those that kept it.
    """

    source: str
    terms: Terms
    on_hand: float
    arrivals: FloatArray
    simulated: int
    short: float = 0.0
    stock: float = 0.0
    weeks: int = 0
    asked: float = 0.0
    weeks_short: int = 0
    orders: int = 0
    promises: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PROMISES, 0))

    def review(self, week: int, demand: Floats, ahead: FloatArray) -> None:
        """Order at the end of the week before, and check the promise of that.

        Args:
            week: Position of the first week ahead.
            demand: Draws of the weeks ahead.
            ahead: What was asked for in the weeks ahead, as far as it is known.
        """
        n_weeks = self.terms.last_week
        coming = self.arrivals[week : week + n_weeks].copy()
        order = advise(self.on_hand, coming, demand[:n_weeks], self.terms, ()).order
        self._check(order, coming, ahead)
        if order:
            self.orders += order
            self.arrivals[week + self.terms.lead_weeks] += order

    def sell(self, week: int, asked: float) -> None:
        """Let a week pass; a week whose sales are missing is not scored."""
        self.on_hand += float(self.arrivals[week])
        missing = not np.isfinite(asked)
        wanted = 0.0 if missing else asked
        short = max(wanted - self.on_hand, 0.0)
        self.on_hand = max(self.on_hand - wanted, 0.0)
        # No order can arrive before.
        if not missing and week >= self.terms.lead_weeks:
            self.short += short
            self.weeks_short += short > 0
            self.asked += wanted
            self.stock += self.on_hand
            self.weeks += 1

    def _check(self, order: int, coming: FloatArray, ahead: FloatArray) -> None:
        """Follow what happened without a later order: did the stock last as long as it should?"""
        terms = self.terms
        kind = "ordered" if order else "waited"
        n_weeks = terms.last_week if order else terms.lead_weeks + terms.review_weeks
        if len(ahead) < n_weeks or not np.isfinite(ahead[:n_weeks]).all():
            return
        asked = ahead[:n_weeks, None]
        path = follow_stock(self.on_hand, coming[:n_weeks], asked)
        if order:
            served = range(terms.lead_weeks, terms.lead_weeks + terms.order_for_weeks)
            kept = copies_short(path, self.on_hand, coming, asked, served)[0] <= order
        else:
            kept = not path.run_out[-1]
        self.promises[kind] += 1
        self.promises[f"{kind}_kept"] += int(kept)


def simulate(
    origin: Origin, terms: Iterable[Terms], report: Callable[[str], object] = print
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Review the stock of all titles of a release every week.

    Args:
        origin: The release and the weeks after it.
        terms: Each is simulated on its own.
        report: Gets a line for each review.

    Returns:
        A row per title, source and terms: isbn, source, policy, order_size, lead_weeks, target, and
        what `Ledger` counts, with the copies left and on order at the end as `left`. And a row per
        sum of weeks ahead: isbn, source, weeks, inside (its 80 % interval), mean, sold.
    """
    titles = _titles(origin)
    every = [*terms]
    ledgers = {isbn: [*_open(sold, origin, every)] for isbn, sold in titles.items()}
    furthest = max([max(SPANS), *(of.last_week for of in every)])
    sums: list[dict[str, object]] = []
    for week, release in enumerate(origin.rolled()):
        reader = SumReader(release)
        for isbn, sold in titles.items():
            before = len(sold.volumes) - len(origin.days) + week
            known = History(isbn, sold.volumes[:before], origin.days[week] - np.timedelta64(7, "D"))
            ahead = sold.volumes[before:]
            draws = dict(_draws(reader, known, furthest))
            sums += [
                {"isbn": isbn, "source": source} | row
                for source in (OURS, NAIVE, SAFETY)
                for row in _scored_sums(draws[source], ahead)
            ]
            for ledger in ledgers[isbn]:
                ledger.review(week, draws[ledger.source], ahead)
                ledger.sell(week, float(ahead[0]))
        report(f"{origin.panel} {origin.number}: week {week + 1} of {len(origin.days)}")
    rows = [_row(isbn, ledger) for isbn, own in ledgers.items() for ledger in own]
    return pd.DataFrame(rows), pd.DataFrame(sums)


def _titles(origin: Origin) -> dict[str, History]:
    """Return the titles of the release that have sales before the origin and weeks after it."""
    known = set(origin.release.titles["isbn"].to_pylist())
    last = origin.days[-1]
    weeks = origin.weeks[origin.weeks["isbn"].isin(known)]
    weeks = weeks[weeks["week"] <= last].assign(volume=weeks["volume"].clip(lower=0))
    return {
        history.isbn: history
        for history in title_histories(weeks)
        if history.cutoff == last and _has_sold(history.volumes[: -len(origin.days)])
    }


def _has_sold(volumes: FloatArray) -> bool:
    return bool(len(volumes) and np.nansum(volumes) > 0)


def _open(sold: History, origin: Origin, terms: Iterable[Terms]) -> Iterator[Ledger]:
    """Yield a ledger for each source and terms; all begin with the same stock."""
    n_weeks = len(origin.days)
    known = sold.volumes[:-n_weeks]
    recent = float(np.nanmean(known[-RECENT:])) if np.isfinite(known[-RECENT:]).any() else 0.0
    for of in terms:
        begins_with = np.ceil(recent * (of.lead_weeks + of.review_weeks))
        for source in SOURCES:
            arrivals = np.zeros(n_weeks + of.last_week)
            yield Ledger(source, of, begins_with, arrivals, n_weeks)


def _draws(reader: SumReader, known: History, n_weeks: int) -> Iterator[tuple[str, Floats]]:
    weeks = known.cutoff + np.timedelta64(7, "D") * np.arange(1, n_weeks + 1)
    yield OURS, reader.draws_of(known.isbn, weeks)
    yield NAIVE, seasonal_naive_draws(known, n_weeks)
    yield SAFETY, recent_mean_draws(known, n_weeks, with_safety=True)
    yield MEAN, recent_mean_draws(known, n_weeks, with_safety=False)


def _scored_sums(draws: Floats, ahead: FloatArray) -> Iterator[dict[str, object]]:
    for span in SPANS:
        if len(ahead) >= span and np.isfinite(ahead[:span]).all():
            found = draws[:span].sum(axis=0)
            low, high = quantiles_of(found, _BOUNDS)
            sold = float(ahead[:span].sum())
            yield {
                "weeks": span,
                "inside": bool(low <= sold <= high),
                "mean": float(found.mean()),
                "sold": sold,
            }


def _row(isbn: str, ledger: Ledger) -> dict[str, object]:
    terms = ledger.terms
    return {
        "isbn": isbn,
        "source": ledger.source,
        "policy": terms.policy,
        "order_size": terms.order_size,
        "lead_weeks": terms.lead_weeks,
        "target": terms.target,
        "asked": ledger.asked,
        "short": ledger.short,
        "weeks_short": ledger.weeks_short,
        "stock": ledger.stock,
        "weeks": ledger.weeks,
        "left": ledger.on_hand + float(ledger.arrivals[ledger.simulated :].sum()),
        "orders": ledger.orders,
        **ledger.promises,
    }
