"""What to order now: nothing, or as many copies as a target asks for.

The target is a service level, or the newsvendor's critical ratio (Arrow, Harris and Marschak 1951):
the profit of a copy that is sold, as a share of that profit and the loss of a copy that is left.
Both say with which probability the stock shall last. An order can wait if it can be made at the
next review without missing the target; otherwise it serves the weeks from its arrival on. Where
reviews are frequent, it may serve them in half of the cases, and with the target only the weeks
until a later order could arrive. Orders are rounded up to whole packs; where the margin decides, a
pack less or no order is taken if its expected margin is larger.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from book_forecast.decisions.stock import Floats, copies_short, follow_stock
from book_forecast.payload.draws import quantiles_of

Policy = Literal["service_level", "margin"]
OrderSize = Literal["target", "median"]
HIGHEST_TARGET = 0.995
"""Quantiles beyond are not known."""


@dataclass(frozen=True)
class Terms:
    """The terms on which a title is ordered; their defaults are parameters.

    Attributes:
        lead_weeks: Weeks until an order arrives.
        review_weeks: Weeks until the next order can be made.
        order_for_weeks: Weeks that an order serves from its arrival on.
        order_size: With which probability it serves them: the target; or a half, but the target
            until a later order could arrive.
        order_multiple: Copies of a pack.
        smallest_order: In copies.
        policy: What decides: the service level or the expected margin.
        service_level: Probability with which the stock shall last.
        unit_cost: Of a copy that is bought.
        price: Of a copy that is sold.
        holding_cost: Of a copy in stock, a week.
        write_off: Share of its cost that a copy loses which is left over.
    """

    lead_weeks: int
    review_weeks: int
    order_for_weeks: int
    order_size: OrderSize
    order_multiple: int
    smallest_order: int
    policy: Policy
    service_level: float
    unit_cost: float | None
    price: float | None
    holding_cost: float
    write_off: float

    @property
    def target(self) -> float:
        """The probability with which the stock shall last.

        Raises:
            ValueError: If the margin decides, and cost or price are missing.
        """
        if self.policy == "service_level":
            return self.service_level
        gain, loss = self.stakes
        if gain <= 0:
            return 0.0
        return min(gain / (gain + loss), HIGHEST_TARGET)

    @property
    def stakes(self) -> tuple[float, float]:
        """The gain of a copy that is sold, and the loss of one that is left over.

        Raises:
            ValueError: If cost or price are missing.
        """
        if self.unit_cost is None or self.price is None:
            raise ValueError("the margin needs unit_cost and price")
        loss = self.holding_cost * self.order_for_weeks + self.write_off * self.unit_cost
        return self.price - self.unit_cost, loss

    @property
    def last_week(self) -> int:
        """The number of weeks that a decision has to look ahead."""
        return self.lead_weeks + max(self.order_for_weeks, self.review_weeks)


@dataclass(frozen=True)
class StockAdvice:
    """The advice for one title.

    Attributes:
        demand: Mean of what is asked for within the lead time.
        demand_quantiles: Its quantiles, shape (probabilities,).
        chance_to_run_out: Chance to run out within the lead time.
        run_out_week: The first week, from 1, by which running out is likelier than not; None if
            that is none of the weeks that are known.
        target: Probability with which the stock shall last.
        order: Copies to order now.
        reason: One sentence.
    """

    demand: float
    demand_quantiles: Floats
    chance_to_run_out: float
    run_out_week: int | None
    target: float
    order: int
    reason: str


def advise(
    on_hand: float,
    arrivals: Floats,
    demand: Floats,
    terms: Terms,
    probabilities: Sequence[float],
) -> StockAdvice:
    """Return what to order for a title.

    Args:
        on_hand: Copies before the first week.
        arrivals: Copies that come at the beginning of each week, shape (weeks,).
        demand: Draws of what is asked for in each week, shape (weeks, draws); at least
            `terms.last_week` weeks.
        terms: Lead time, costs and target.
        probabilities: Of the quantiles of demand within the lead time.

    Raises:
        ValueError: If the margin decides, and cost or price are missing.
    """
    lead, target = terms.lead_weeks, terms.target
    path = follow_stock(on_hand, arrivals, demand)
    within = demand[:lead].sum(axis=0)
    chance = float(path.run_out[lead - 1]) if lead else 0.0
    # Until an order of the next review could arrive.
    waiting = lead + terms.review_weeks
    lasts = 1.0 - float(path.run_out[waiting - 1])
    order = needed = 0
    if lasts < target:
        for n_weeks, share in _served(terms):
            served = range(lead, lead + n_weeks)
            short = copies_short(path, on_hand, arrivals, demand, served)
            needed = max(needed, math.ceil(_enough(short, share)))
        # The last span is that of all weeks that the order serves.
        order = _in_packs(needed, short, terms)
    return StockAdvice(
        float(within.mean()),
        quantiles_of(within, probabilities),
        chance,
        path.first_likely,
        target,
        order,
        _reason(order, needed, lasts, waiting, terms),
    )


def _served(terms: Terms) -> list[tuple[int, float]]:
    """Return the weeks from its arrival on that an order serves, with a probability each."""
    if terms.order_size == "target":
        return [(terms.order_for_weeks, terms.target)]
    return [(terms.review_weeks, terms.target), (terms.order_for_weeks, min(terms.target, 0.5))]


def _enough(short: Floats, target: float) -> float:
    """Return the smallest number of copies that suffices with a probability."""
    place = math.ceil(target * len(short)) - 1
    return float(np.partition(short, place)[place])


def _in_packs(needed: int, short: Floats, terms: Terms) -> int:
    """Return an order of whole packs, not less than the smallest order; 0 stays 0.

    Args:
        needed: Copies that the target asks for.
        short: How many more copies the weeks that an order serves need, shape (draws,).
        terms: Packs, smallest order and policy.
    """
    if not needed:
        return 0
    pack, least = terms.order_multiple, _smallest(terms)
    up = max(math.ceil(needed / pack) * pack, least)
    if terms.policy == "service_level" or up == needed:
        return up
    down = up - pack if up > least else 0
    return max(up, down, key=lambda order: _margin(order, short, terms))


def _smallest(terms: Terms) -> int:
    """Return the smallest order of whole packs."""
    return math.ceil(terms.smallest_order / terms.order_multiple) * terms.order_multiple


def _margin(order: int, short: Floats, terms: Terms) -> float:
    """Return the expected margin of an order."""
    gain, loss = terms.stakes
    sold = float(np.minimum(short, order).mean())
    return gain * sold - loss * (order - sold)


def _reason(order: int, needed: int, lasts: float, waiting: int, terms: Terms) -> str:
    weeks = f"{waiting} week" + ("s" if waiting != 1 else "")
    if terms.target <= 0:
        return "Order nothing: the price does not exceed the unit cost."
    target = f"the target is {_percent(terms.target)}"
    if terms.policy == "margin":
        target += ", at which the expected margin is largest"
    if lasts >= terms.target:
        return (
            f"Order nothing yet: the stock lasts {weeks}, until a later order could arrive, with "
            f"{_percent(lasts)}; {target}."
        )
    if needed and not order:
        return (
            f"Order nothing: {needed:,} would do, but an order has at least {_smallest(terms):,}, "
            f"which cost more than they earn in {terms.order_for_weeks} weeks."
        )
    if not order:
        return (
            f"Order nothing: an order arrives in {terms.lead_weeks} weeks, and in "
            f"{_percent(_served(terms)[-1][1])} of cases the {terms.order_for_weeks} weeks after "
            "need none."
        )
    size = "" if terms.order_size == "target" else " in half of the cases"
    return (
        f"Order {order:,}{_rounding(order, needed, terms)}: without it the stock lasts {weeks}, "
        f"until a later order could arrive, with {_percent(lasts)} only; {target}. It serves "
        f"{terms.order_for_weeks} weeks{size}."
    )


def _rounding(order: int, needed: int, terms: Terms) -> str:
    if order == needed:
        return ""
    if needed < terms.smallest_order:
        return f" ({needed:,}, but not less than {terms.smallest_order:,})"
    return f" ({needed:,} in packs of {terms.order_multiple:,})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share < 0.99 or share == 1 else f"{100 * share:.1f} %"
