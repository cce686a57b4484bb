"""Demand of a title over some weeks, and totals over titles."""

import pytest

from tests.serving import stores
from tests.serving.conftest import TITLES


def demand(client, isbn=stores.CAFE, **query):
    answer = client.get(f"/books/{isbn}/demand", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def totals(client, **query):
    answer = client.get("/totals", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_demand_is_the_sum_of_the_weekly_means_with_an_interval(client):
    found = demand(client, weeks=8, level=[80, 95])
    weekly = client.get(f"/books/{stores.CAFE}/forecast", params={"horizon": 8}).json()
    assert found["mean"] == pytest.approx(sum(weekly["mean"]), abs=0.01)
    assert found["cutoff"] == weekly["cutoff"]
    assert found["last_week"] == weekly["weeks"][-1]
    narrow, wide = found["intervals"]
    assert wide["lower"] < narrow["lower"] < found["expected"] < narrow["upper"] < wide["upper"]


def test_the_demand_of_one_week_is_that_weeks_forecast(client):
    found = demand(client, weeks=1, level=80)
    weekly = client.get(f"/books/{stores.CAFE}/forecast", params={"horizon": 1, "level": 80}).json()
    (interval,), (week,) = found["intervals"], weekly["intervals"]
    assert [interval["lower"], interval["upper"]] == [*week["lower"], *week["upper"]]


def test_an_interval_is_narrower_than_the_sum_of_the_weeks_intervals(client):
    (interval,) = demand(client, weeks=26, level=80)["intervals"]
    weekly = client.get(
        f"/books/{stores.CAFE}/forecast", params={"horizon": 26, "level": 80}
    ).json()
    (weeks,) = weekly["intervals"]
    assert interval["upper"] - interval["lower"] < sum(weeks["upper"]) - sum(weeks["lower"])


def test_totals_add_up_over_all_titles(client):
    whole = totals(client, weeks=4)
    (every,) = whole["totals"]
    assert (whole["by"], every["name"], every["n_titles"]) == ("all", "all", TITLES)
    books = client.get("/books", params={"limit": 500}).json()["books"]
    single = sum(demand(client, book["isbn"], weeks=4)["mean"] for book in books)
    assert every["mean"] == pytest.approx(single, rel=1e-4)


def test_totals_by_class_add_up_to_those_of_all(client):
    by_class = totals(client, by="product_class", weeks=13)["totals"]
    (every,) = totals(client, weeks=13)["totals"]
    assert sum(total["n_titles"] for total in by_class) == every["n_titles"]
    assert sum(total["mean"] for total in by_class) == pytest.approx(every["mean"], rel=1e-4)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (f"/books/{stores.CAFE}/demand", {"weeks": 105}, 422),
        (f"/books/{stores.CAFE}/demand", {"weeks": 0}, 422),
        (f"/books/{stores.CAFE}/demand", {"level": 99.9}, 422),
        ("/books/9780722532935/demand", {}, 404),
        ("/books/1234/demand", {}, 422),
        ("/totals", {"by": "colour"}, 422),
        ("/totals", {"weeks": "x"}, 422),
    ],
)
def test_what_is_out_of_bounds_or_unknown_is_refused(client, path, query, status):
    answer = client.get(path, params=query)
    assert answer.status_code == status
    assert answer.json()["detail"]
