"""Orders follow the chance that stock lasts, and come in packs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.decisions.orders import advise
from book_forecast.decisions.stock import copies_short, follow_stock
from book_forecast.options.decisions import DecideOptions

WEEKS, DRAWS = 40, 400
NONE = np.zeros(WEEKS)
STEADY = np.full((WEEKS, DRAWS), 10.0)
TERMS = DecideOptions(lead_weeks=4).terms_of(None, {})
SAFE = replace(TERMS, order_size="target")


def noisy(mean=10.0, seed=0):
    return np.random.default_rng(seed).gamma(4.0, mean / 4.0, (WEEKS, DRAWS))


def advice(on_hand, terms=TERMS, arrivals=NONE, demand=STEADY):
    return advise(on_hand, arrivals, demand, terms, [0.1, 0.9])


def test_stock_that_lasts_until_a_later_order_needs_none():
    found = advice(50)
    assert found.order == 0
    assert found.reason.startswith("Order nothing yet: the stock lasts 5 weeks")
    assert found.chance_to_run_out == 0


def test_an_order_serves_the_weeks_from_its_arrival_on():
    """40 copies last the lead time; then 13 weeks of 10 copies are needed."""
    found = advice(40)
    assert found.order == 130
    assert found.run_out_week == 5
    assert "Order 130: without it the stock lasts 5 weeks" in found.reason


def test_sales_that_are_lost_before_an_order_arrives_are_not_ordered():
    assert advice(0).order == advice(40).order == 130
    assert advice(0).chance_to_run_out == 1.0


def test_what_is_on_its_way_counts_from_its_week_on():
    arrivals = NONE.copy()
    arrivals[4] = 100
    assert advice(40, arrivals=arrivals).order == 0
    late = np.roll(arrivals, 20)
    assert advice(40, arrivals=late).order == 130


def test_orders_are_packs_and_not_less_than_the_smallest():
    assert advice(40, replace(TERMS, order_multiple=48)).order == 144
    assert advice(40, replace(TERMS, smallest_order=500, order_multiple=48)).order == 528
    assert advice(50, replace(TERMS, smallest_order=500)).order == 0


def test_the_reason_says_how_an_order_was_rounded():
    in_packs = advice(40, replace(TERMS, order_multiple=48)).reason
    assert in_packs.startswith("Order 144 (130 in packs of 48): without it")
    smallest = advice(40, replace(TERMS, smallest_order=500)).reason
    assert smallest.startswith("Order 500 (130, but not less than 500): without it")


MARGIN = replace(TERMS, policy="margin", unit_cost=4.0, price=10.0, holding_cost=0.1)


def test_a_pack_that_cannot_earn_its_cost_is_not_ordered_for_the_margin():
    """A copy a quarter: one of a thousand is sold, and the others are left over."""
    demand = noisy(mean=1 / 13)
    found = advice(0, replace(MARGIN, order_multiple=1000), demand=demand)
    assert found.order == 0
    assert found.reason == (
        "Order nothing: 1 would do, but an order has at least 1,000, which cost more than they "
        "earn in 13 weeks."
    )
    assert advice(0, replace(MARGIN, smallest_order=1000), demand=demand).order == 0
    assert advice(0, replace(TERMS, order_multiple=1000), demand=demand).order == 1000


@given(st.integers(0, 200), st.integers(1, 200), st.integers(1, 200))
def test_of_the_packs_around_the_target_the_margin_takes_the_best(stock, pack, smallest):
    demand = noisy()
    terms = replace(MARGIN, order_size="target", order_multiple=pack, smallest_order=smallest)
    found = advice(stock, terms, demand=demand).order
    single = advice(stock, replace(MARGIN, order_size="target"), demand=demand).order
    least = -(-smallest // pack) * pack
    assert found == 0 or (found % pack == 0 and found >= least)
    if single:
        short = copies_short(follow_stock(stock, NONE, demand), stock, NONE, demand, range(4, 17))

        def margin(order):
            sold = np.minimum(short, order)
            return (6.0 * sold - (1.3 + 0.8) * (order - sold)).mean()

        every = [0, *range(least, single + 2 * max(pack, least), pack)]
        # The target is the margin's own: no other number of packs is better. An order that needs no
        # rounding is whole copies of a target in parts of copies.
        best = max(map(margin, every))
        assert best - margin(found) <= (8.1 if found == single else 1e-6 * abs(best))


def test_without_a_lead_time_stock_on_hand_is_what_there_is():
    found = advice(4, replace(TERMS, lead_weeks=0, order_for_weeks=2))
    assert (found.order, found.demand, found.chance_to_run_out) == (16, 0, 0)


def test_the_margin_asks_for_the_newsvendors_quantile():
    """A gain of 6 and a loss of 0.2 * 4 + 13 * 0.1 a copy: 6 / 8.1."""
    terms = replace(SAFE, policy="margin", unit_cost=4.0, price=10.0, holding_cost=0.1)
    assert terms.target == pytest.approx(6 / 8.1)
    demand = noisy()
    short = np.maximum(demand[4:17].sum(axis=0) - follow_stock(0, NONE, demand).left[3], 0)
    found = advice(0, terms, demand=demand)
    assert (short <= found.order).mean() >= terms.target > (short <= found.order - 1).mean()
    assert "expected margin" in found.reason


def test_no_order_can_earn_what_costs_more_than_its_price():
    terms = replace(TERMS, policy="margin", unit_cost=4.0, price=4.0)
    found = advice(0, terms)
    assert found.order == 0
    assert found.reason == "Order nothing: the price does not exceed the unit cost."


def test_the_margin_needs_prices():
    with pytest.raises(ValueError, match="needs unit_cost and price"):
        advice(0, replace(TERMS, policy="margin"))


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 12), st.sampled_from([0.5, 0.9]))
def test_more_stock_never_asks_for_a_larger_order(stock, more, lead, level):
    terms = replace(TERMS, lead_weeks=lead, service_level=level)
    demand = noisy()
    assert (
        advice(stock + more, terms, demand=demand).order
        <= advice(stock, terms, demand=demand).order
    )


@given(st.integers(0, 300), st.integers(0, 12))
def test_an_order_of_the_targets_size_makes_the_stock_last_as_often_as_asked(stock, lead):
    terms, demand = replace(SAFE, lead_weeks=lead, service_level=0.9), noisy()
    found = advice(stock, terms, demand=demand)
    if found.order:
        path = follow_stock(stock, NONE, demand)
        served = range(lead, lead + terms.order_for_weeks)
        short = copies_short(path, stock, NONE, demand, served)
        assert (short <= found.order).mean() >= 0.9


@given(st.integers(0, 300), st.integers(0, 12), st.integers(1, 13))
def test_a_median_order_is_safe_until_a_later_one_and_serves_its_weeks_in_half_of_the_cases(
    stock, lead, review
):
    terms, demand = replace(TERMS, lead_weeks=lead, review_weeks=review), noisy()
    safe = advice(stock, replace(terms, order_size="target"), demand=demand)
    found = advice(stock, terms, demand=demand)
    assert bool(found.order) == bool(safe.order)
    if found.order:
        path = follow_stock(stock, NONE, demand)
        for weeks, share in ((review, TERMS.target), (terms.order_for_weeks, 0.5)):
            short = copies_short(path, stock, NONE, demand, range(lead, lead + weeks))
            assert (short <= found.order).mean() >= share
        assert found.reason.endswith("in half of the cases.")
        assert found.order <= safe.order


def test_a_median_order_is_the_smallest_that_does_both():
    demand = noisy()
    found = advice(0, demand=demand)
    path = follow_stock(0, NONE, demand)
    short = [copies_short(path, 0, NONE, demand, range(4, 4 + weeks)) for weeks in (1, 13)]
    kept = [(part <= found.order - 1).mean() for part in short]
    assert kept[0] < 0.95 or kept[1] < 0.5


def test_the_chance_to_run_out_only_grows():
    chances = follow_stock(60, NONE, noisy()).run_out
    assert (np.diff(chances) >= 0).all()
    assert 0 <= chances[0] <= chances[-1] <= 1
