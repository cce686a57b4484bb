"""Filters, sorts and views of the list; titles that are left out."""

import datetime as dt

import pytest

from book_forecast.serving.settings import ServiceSettings
from tests.releases import payloads
from tests.serving import stores
from tests.serving.conftest import TITLES, in_process

LEFT_OUT = payloads.isbn(TITLES)


@pytest.fixture(scope="module")
def stocked(releases, tmp_path_factory):
    """A service with advice on the stock of five titles."""
    path = tmp_path_factory.mktemp("stock") / "advice.parquet"
    chances = [0.2, 0.9, 0.6, 0.05, 0.9]
    stores.write_stock(path, {payloads.isbn(n): chance for n, chance in enumerate(chances)})
    with in_process(ServiceSettings(releases=releases, stock=str(path))) as client:
        yield client


def listed(client, **query):
    answer = client.get("/books", params={"limit": 500, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def known(books, field):
    return [book[field] for book in books if book[field] is not None]


def test_filters_leave_the_titles_that_have_all_of_them(client):
    every = listed(client)["books"]
    query = {"product_class": "S2.0", "publisher_group": ["Group 1", "Group 2"]}
    wanted = [
        book["isbn"]
        for book in every
        if book["product_class"] == "S2.0" and book["publisher_group"] in ("Group 1", "Group 2")
    ]
    assert [book["isbn"] for book in listed(client, **query)["books"]] == wanted
    assert 1 < len(wanted) < len(every)
    assert [b["title"] for b in listed(client, author="")["books"]] == ["Knitting for Owls"]
    assert listed(client, imprint="no such one")["total"] == 0


def test_facets_count_what_each_name_would_leave(client):
    found = listed(client, facets=True, product_class="S2.0", q="book")
    classes = {facet["name"]: facet["n_titles"] for facet in found["facets"]["product_class"]}
    assert set(classes) == set(stores.CLASSES)
    assert classes["S2.0"] == found["total"]
    assert sum(classes.values()) == listed(client, q="book")["total"]
    for field in ("imprint", "publisher_group", "author"):
        for facet in found["facets"][field][:3]:
            query = {"product_class": "S2.0", "q": "book", field: facet["name"]}
            assert listed(client, **query)["total"] == facet["n_titles"]


def test_names_of_authors_are_found_by_a_part(client):
    found = client.get("/names", params={"by": "author", "text": "AUTHOR"}).json()
    assert found["total"] == 7
    numbers = [name["n_titles"] for name in found["names"]]
    assert numbers == sorted(numbers, reverse=True)
    few = client.get("/names", params={"by": "author", "text": "author", "limit": 2}).json()
    assert few["names"] == found["names"][:2]


@pytest.mark.parametrize(
    ("sort", "field"),
    [
        ("volume_4", "next_4_weeks"),
        ("volume_32", "next_32_weeks"),
        ("chance", "chance_to_run_out"),
        ("order", "order"),
        ("error", "wape"),
        ("error_copies", "error_copies"),
        ("published", "publication_date"),
    ],
)
def test_titles_are_sorted_with_what_is_unknown_last(stocked, sort, field):
    down = [book[field] for book in listed(stocked, sort=sort)["books"]]
    values = [value for value in down if value is not None]
    assert down == sorted(values, reverse=True) + [None] * (len(down) - len(values))
    up = [book[field] for book in listed(stocked, sort=sort, order="asc")["books"]]
    assert up == sorted(values) + [None] * (len(down) - len(values))
    assert len(set(values)) > 2


def test_sums_ahead_are_those_of_the_forecast(client):
    book = client.get(f"/books/{stores.CAFE}").json()
    for span in (4, 13, 32):
        weeks = client.get(f"/books/{stores.CAFE}/forecast", params={"horizon": span}).json()
        assert book[f"next_{span}_weeks"] == pytest.approx(sum(weeks["mean"]), abs=0.1)


def test_a_sparkline_is_the_end_of_history_and_the_start_of_the_forecast(client):
    (book,) = listed(client, isbn=stores.CAFE, sparklines=True)["books"]
    history = client.get(f"/books/{stores.CAFE}/history").json()["volumes"]
    ahead = client.get(f"/books/{stores.CAFE}/forecast", params={"horizon": 13}).json()["mean"]
    assert book["sparkline"]["sold"] == history[-26:]
    assert book["sparkline"]["expected"] == pytest.approx(ahead, abs=0.06)
    assert "sparkline" not in listed(client, isbn=stores.CAFE)["books"][0]


def test_the_last_forecast_is_held_against_the_same_weeks(client):
    book = client.get(f"/books/{stores.CAFE}").json()
    sold = client.get(f"/books/{stores.CAFE}/history").json()["volumes"][-32:]
    assert book["last_sold"] == pytest.approx(sum(sold), abs=0.1)
    assert book["last_expected"] == pytest.approx(32 * 50.0)
    assert book["error_copies"] == pytest.approx(sum(abs(v - 50.0) for v in sold), abs=0.1)


def test_views_have_their_titles_in_their_order(stocked):
    changed = listed(stocked, view="changed")["books"]
    sizes = [abs(book["change_copies"]) for book in changed]
    assert sizes == sorted(sizes, reverse=True)
    assert len(changed) == TITLES - 1

    out = listed(stocked, view="runs_out")["books"]
    order = [(book["run_out_week"] or "9999", -book["chance_to_run_out"]) for book in out]
    assert order == sorted(order)
    assert len(out) == 5

    wrong = listed(stocked, view="wrong")["books"]
    assert wrong[0]["error_copies"] == max(known(wrong, "error_copies"))

    launches = listed(stocked, view="launches")["books"]
    since = str(stores.CUTOFF - dt.timedelta(weeks=26))
    assert launches
    assert all(book["publication_date"] > since for book in launches)
    others = {b["isbn"] for b in listed(stocked)["books"]} - {b["isbn"] for b in launches}
    assert len(others) == TITLES - len(launches)


def test_a_word_with_a_typo_is_found_and_that_is_said(client):
    found = listed(client, q="alchimist")
    assert found["books"][0]["isbn"] == stores.ALCHEMIST
    assert found["is_similar"]
    assert not listed(client, q="alchemist")["is_similar"]


@pytest.mark.parametrize("text", [LEFT_OUT, f"{LEFT_OUT[:3]}-{LEFT_OUT[3:]}", "a short bok"])
def test_a_title_that_is_left_out_is_found_with_its_reason(client, text):
    found = listed(client, q=text)["left_out"]
    assert found["titles"] == [
        {"isbn": LEFT_OUT, "title": "A short book", "reason": "20 weeks of sales, 52 are needed"}
    ]
    assert client.get("/left-out").json()["total"] == 1
    refusal = client.get(f"/books/{LEFT_OUT}")
    assert refusal.status_code == 404
    assert refusal.json()["detail"].endswith(": 20 weeks of sales, 52 are needed.")


def test_an_older_release_has_a_list_without_what_it_lacks(served_store):
    with in_process(ServiceSettings(releases=served_store.root)) as client:
        found = listed(client, facets=True)
        assert set(found["facets"]) == {"product_class", "author"}
        assert found["books"][0]["imprint"] is None
        assert found["books"][0]["chance_to_run_out"] is None
        for view in ("changed", "runs_out", "launches"):
            assert listed(client, view=view)["total"] == 0
        assert listed(client, view="wrong")["books"][0]["wape"]
        for path in ("/books?imprint=x", "/totals?by=publisher_group", "/names?by=imprint"):
            refusal = client.get(path)
            assert refusal.status_code == 422
            assert "does not have the" in refusal.json()["detail"]


@pytest.mark.parametrize(
    ("query", "bound"),
    [
        ("limit=501", "less than or equal to 500"),
        ("q=" + "x" * 201, "at most 200 characters"),
        ("view=favourites", "'all', 'changed', 'runs_out', 'wrong' or 'launches'"),
        ("sort=colour", "'title'"),
        ("isbn=123", "not an ISBN"),
    ],
)
def test_a_refusal_names_what_is_possible(client, query, bound):
    answer = client.get(f"/books?{query}")
    assert answer.status_code == 422
    assert bound in answer.json()["detail"]
