"""Tables of stock become advice; rows that cannot be used keep their reasons."""

import numpy as np
import pandas as pd
import pytest

from book_forecast.options.decisions import DecideOptions
from book_forecast.options.groups import ForecastOptions
from book_forecast.payload.sums import SumReader
from book_forecast.pipelines.decide.nodes import advise_on_stock
from book_forecast.pipelines.decide.stock_rows import TERMS
from book_forecast.storage.errors import UserError
from tests.releases import payloads

RELEASE = payloads.release(titles=4, moment=payloads.LATER)
ISBNS = [payloads.isbn(n) for n in range(4)]
LAST_WEEK = pd.Timestamp(RELEASE.titles["cutoff"].to_pylist()[0])
COLUMNS = ["file", "row", "isbn", "on_hand", "on_order", "arrives", *TERMS, "surplus"]


def table(*rows):
    named = [{"file": "stock/a.csv", "row": n, **row} for n, row in enumerate(rows, start=2)]
    return pd.DataFrame(named, columns=COLUMNS, dtype=object).fillna("").astype({"row": "int64"})


def week(ahead):
    return f"{LAST_WEEK + pd.Timedelta(weeks=ahead):%Y-%m-%d}"


def advised(*rows, **options):
    decide = DecideOptions(**{"lead_weeks": 4} | options)
    return advise_on_stock(RELEASE, table(*rows), decide, ForecastOptions())


def rejected(*rows, **options):
    found = advised(*rows, **options)[1]
    return list(zip(found["row"], found["column"], found["reason"], strict=True))


def test_a_title_has_its_demand_its_chances_and_its_order():
    found, none = advised(
        {"isbn": ISBNS[2], "on_hand": "0"}, {"isbn": ISBNS[0], "on_hand": "1e3"[0]}
    )
    assert none.empty
    assert found["isbn"].tolist() == [ISBNS[0], ISBNS[2]]
    first = found.iloc[1]
    assert first["order"] > 0
    assert first["reason"].startswith(f"Order {first['order']:,}: ")
    assert first["chance_to_run_out"] == 1
    assert first["run_out_week"] == LAST_WEEK + pd.Timedelta(weeks=1)
    assert first["lo-95"] <= first["lo-80"] <= first["demand"] <= first["hi-80"] <= first["hi-95"]
    assert first["last_week"] == LAST_WEEK
    assert first["release"] == RELEASE.release


def test_the_demand_of_the_lead_time_is_the_sum_of_its_weeks():
    found, _ = advised({"isbn": ISBNS[1], "on_hand": "5", "lead_weeks": "8"})
    reader = SumReader(RELEASE)
    summed = reader.sum_of([ISBNS[1]], reader.next_weeks(8), [0.1, 0.9])
    np.testing.assert_allclose(found[["lo-80", "hi-80"]].to_numpy()[0], summed.quantiles, rtol=1e-6)
    means = RELEASE.mean[1, :8].sum()
    assert found["demand"].item() == pytest.approx(means, rel=0.1)
    assert found["lead_weeks"].item() == 8


def test_deliveries_are_rows_of_their_own():
    stock = {"isbn": ISBNS[0], "on_hand": "0"}
    delivery = {"isbn": ISBNS[0], "on_order": "5000", "arrives": week(1)}
    with_it, none = advised(stock, delivery)
    assert none.empty
    assert with_it["on_order"].item() == 5000
    assert with_it["order"].item() == 0 < advised(stock)[0]["order"].item()


def test_terms_come_from_the_title_then_its_class_then_all():
    classes = dict(
        zip(*RELEASE.titles.select(["isbn", "product_class"]).to_pydict().values(), strict=True)
    )
    by_class = {classes[ISBNS[0]] or "": {"order_multiple": 100}}
    rows = [{"isbn": isbn, "on_hand": "0"} for isbn in ISBNS[:1]]
    assert advised(*rows, by_class=by_class)[0]["order"].item() % 100 == 0
    rows[0]["order_multiple"] = "7"
    assert advised(*rows, by_class=by_class)[0]["order"].item() % 7 == 0


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ({"isbn": "9780306406158"}, "isbn", "check"),
        ({"isbn": payloads.isbn(99)}, "isbn", f"not in the release {RELEASE.release}"),
        ({"on_hand": "-3"}, "on_hand", "negative"),
        ({"on_hand": "many"}, "on_hand", "not a number"),
        ({"on_hand": ""}, "on_hand", "no stock on hand: write 0"),
        ({"on_order": "10", "arrives": week(0)}, "arrives", "not after the last week of sales"),
        ({"on_order": "10"}, "arrives", "no date"),
        ({"on_order": "10", "arrives": "soon"}, "arrives", ""),
        ({"lead_weeks": "2.5"}, "lead_weeks", "not a whole number"),
        ({"lead_weeks": "99"}, "lead_weeks", "more than 52 weeks"),
        ({"order_multiple": "0"}, "order_multiple", "must be more than 0"),
        ({"price": "0"}, "price", "must be more than 0"),
        ({"surplus": "x"}, "", "more cells than the header"),
    ],
)
def test_a_row_that_cannot_be_used_keeps_its_reason_and_costs_no_other(row, column, reason):
    good = {"isbn": ISBNS[3], "on_hand": "7"}
    found, left_out = advised({"isbn": ISBNS[0], "on_hand": "3"} | row, good)
    assert found["isbn"].tolist() == [ISBNS[3]]
    assert left_out["row"].tolist() == [2]
    assert left_out["column"].item() == column
    assert reason in left_out["reason"].item()


def test_a_title_without_a_lead_time_says_where_to_write_it():
    (found,) = rejected({"isbn": ISBNS[0], "on_hand": "3"}, lead_weeks=None)
    assert "no lead time: give lead_weeks" in found[2]


def test_a_margin_without_prices_says_so():
    (found,) = rejected({"isbn": ISBNS[0], "on_hand": "3"}, policy="margin")
    assert "needs unit_cost and price" in found[2]


def test_rows_that_contradict_each_other_are_both_rejected():
    rows = [{"isbn": ISBNS[0], "on_hand": "3"}, {"isbn": ISBNS[0], "on_hand": "4"}]
    assert [row for row, *_ in rejected(*rows)] == [2, 3]


def test_a_later_file_replaces_what_an_earlier_one_says_of_a_title():
    rows = table({"isbn": ISBNS[0], "on_hand": "3"}, {"isbn": ISBNS[0], "on_hand": "4"})
    rows.loc[1, "file"] = "stock/b.csv"
    found, none = advise_on_stock(RELEASE, rows, DecideOptions(lead_weeks=4), ForecastOptions())
    assert found["on_hand"].tolist() == [4]
    assert none.empty


def test_without_tables_there_is_no_advice():
    found, none = advised()
    assert found.empty
    assert none.empty
    assert {"order", "reason", "lo-80"} <= set(found)


def test_before_the_first_forecast_it_says_what_to_run():
    with pytest.raises(UserError, match="no forecasts to advise from: run `kedro run`"):
        advise_on_stock(None, table(), DecideOptions(), ForecastOptions())


def test_terms_of_a_class_that_no_title_has_are_a_warning(caplog):
    advised({"isbn": ISBNS[0], "on_hand": "3"}, by_class={"Fict": {"service_level": 0.9}})
    assert "by_class names the product class 'Fict', which no title has; known are" in caplog.text


def test_many_titles_that_cannot_be_used_keep_their_own_reasons():
    rows = [{"isbn": payloads.isbn(n), "on_hand": "3"} for n in range(2, 300)]
    found, left_out = advised(*rows, lead_weeks=None)
    assert found.empty
    assert left_out["row"].tolist() == list(range(2, 300))
    reasons = left_out["reason"].tolist()
    assert all("no lead time" in reason for reason in reasons[:2])
    assert set(reasons[2:]) == {f"not in the release {RELEASE.release}"}


def test_an_answer_repeats():
    rows = [{"isbn": isbn, "on_hand": "20"} for isbn in ISBNS]
    pd.testing.assert_frame_equal(advised(*rows)[0], advised(*rows)[0])
    alone = advised(rows[2])[0]
    together = advised(*rows)[0]
    np.testing.assert_array_equal(alone["order"], together.loc[[2], "order"])


def test_prices_must_leave_a_margin():
    with pytest.raises(ValueError, match="price 3 does not exceed unit_cost 4"):
        DecideOptions(unit_cost=4, price=3)
    with pytest.raises(ValueError, match="F2: price 3 does not exceed unit_cost 4"):
        DecideOptions(by_class={"F2": {"unit_cost": 4, "price": 3}})
