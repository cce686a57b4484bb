"""Weeks that are delivered late, twice, partly or corrected end in the history of one delivery."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exports.ingest import run_ingest

WEEKS = [dt.date(2024, 6, 15) + dt.timedelta(days=7 * number) for number in range(10)]
TITLES = ["9780722532935", "9780241003008", "9780141439518", "9780140449136"]
CELLS = [(isbn, week) for isbn in TITLES for week in WEEKS]
TRUTH = {cell: 40 + 7 * number % 53 for number, cell in enumerate(CELLS)}

Delivery = list[tuple[str, dt.date, int]]


def csv(delivery: Delivery) -> str:
    rows = [
        f"{isbn},{week:%d/%m/%Y},{volume},{volume * 9.5:.2f}" for isbn, week, volume in delivery
    ]
    return "\n".join(["ISBN,End Date,Volume,Value", *rows, ""])


def weekly_sales(deliveries: list[Delivery]) -> pd.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        sales = Path(folder, "01_raw", "sales")
        sales.mkdir(parents=True)
        for number, delivery in enumerate(deliveries):
            (sales / f"delivery-{number:03d}.csv").write_text(csv(delivery))
        outcome = run_ingest(Path(folder))
    assert outcome.error is None, outcome.error
    return outcome.weekly


def clean() -> Delivery:
    return [(isbn, week, volume) for (isbn, week), volume in TRUTH.items()]


@st.composite
def a_delivery(draw: st.DrawFn) -> Delivery:
    """Some weeks of some titles, some of their figures still wrong, perhaps each row twice."""
    weeks = draw(st.lists(st.sampled_from(WEEKS), min_size=1, max_size=4, unique=True))
    titles = draw(st.lists(st.sampled_from(TITLES), min_size=1, unique=True))
    factor = draw(st.sampled_from((1, 1, 2, 3)))
    rows = [(isbn, week, TRUTH[isbn, week] * factor) for isbn in titles for week in weeks]
    return rows * draw(st.sampled_from((1, 1, 1, 2)))


@st.composite
def deliveries_in_disorder(draw: st.DrawFn) -> list[Delivery]:
    """Any deliveries, and after them every week right, in any order and in any parts."""
    early = draw(st.lists(a_delivery(), max_size=5))
    order = draw(st.permutations(CELLS))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=6)))
    parts = zip([0, *cuts], [*cuts, len(order)], strict=True)
    late = [[(*cell, TRUTH[cell]) for cell in order[start:stop]] for start, stop in parts]
    return [*early, *late]


@settings(max_examples=12)
@given(deliveries_in_disorder())
def test_the_last_state_is_that_of_one_clean_delivery(deliveries):
    pd.testing.assert_frame_equal(weekly_sales(deliveries), weekly_sales([clean()]))


@settings(max_examples=6)
@given(st.permutations(WEEKS))
def test_weeks_that_arrive_one_by_one_in_any_order_are_all_there(weeks):
    one_by_one = [[row for row in clean() if row[1] == week] for week in weeks]
    pd.testing.assert_frame_equal(weekly_sales(one_by_one), weekly_sales([clean()]))


def test_a_correction_replaces_only_the_title_weeks_that_it_has():
    wrong = [(isbn, week, volume + 5) for isbn, week, volume in clean()]
    half = [row for row in clean() if row[0] in TITLES[:2]]
    found = weekly_sales([wrong, half]).set_index("isbn")["volume"]
    right = weekly_sales([clean()]).set_index("isbn")["volume"]
    assert found[TITLES[0]].tolist() == right[TITLES[0]].tolist()
    assert found[TITLES[3]].tolist() == (right[TITLES[3]] + 5).tolist()
