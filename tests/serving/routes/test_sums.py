"""Demand of a title over some weeks, and totals over titles."""

import datetime as dt

import pyarrow as pa
import pytest

from book_forecast.payload.planning import PLANNING
from book_forecast.releases.assembly import assemble
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.settings import ServiceSettings
from tests.serving import stores
from tests.serving.conftest import TITLES, in_process


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


@pytest.mark.parametrize("by", ["author", "imprint", "publisher_group", "product_class"])
def test_the_totals_of_groups_add_up_to_that_of_all(client, by):
    query = {"weeks": 13, "from": 5}
    found = totals(client, by=by, limit=200, **query)
    (every,) = totals(client, **query)["totals"]
    assert found["n_groups"] == len(found["totals"]) > 2
    assert sum(total["n_titles"] for total in found["totals"]) == every["n_titles"] == TITLES
    assert sum(t["mean"] for t in found["totals"]) == pytest.approx(every["mean"], rel=1e-5)
    means = [total["mean"] for total in found["totals"]]
    assert means == sorted(means, reverse=True)


def test_the_groups_are_on_pages(client):
    whole = totals(client, by="author", limit=200)["totals"]
    pages = [totals(client, by="author", limit=4, offset=n)["totals"] for n in range(0, 20, 4)]
    assert [total for page in pages for total in page] == whole
    assert None in [total["name"] for total in whole]


def test_a_group_is_the_sum_of_the_titles_that_a_filter_finds(client):
    largest = totals(client, by="imprint", weeks=8)["totals"][0]
    filtered = totals(client, imprint=largest["name"], weeks=8)["totals"]
    assert filtered == [{**largest, "name": "all"}]
    books = client.get("/books", params={"imprint": largest["name"], "limit": 500}).json()["books"]
    named = totals(client, isbn=[book["isbn"] for book in books], weeks=8)["totals"]
    assert named == filtered


def test_a_span_may_begin_later(client):
    parts = [demand(client, **{"from": first, "weeks": 4}) for first in (1, 5, 9)]
    whole = demand(client, weeks=12)
    assert sum(part["mean"] for part in parts) == pytest.approx(whole["mean"], rel=1e-5)
    assert parts[2]["last_week"] == whole["last_week"]
    assert parts[1]["first_week"] == str(stores.CUTOFF + dt.timedelta(weeks=5))
    later = totals(client, **{"from": 9, "weeks": 4, "isbn": stores.CAFE})
    assert later["totals"][0]["mean"] == pytest.approx(parts[2]["mean"], abs=0.01)


@pytest.fixture(scope="module")
def unlike(tmp_path_factory):
    """A service of three titles: one of another class, one that ended 100 weeks ago, one late."""
    made = stores.tables(stores.CUTOFF, 3, faster=1.0)
    for kind in PLANNING:
        del made[kind]
    ago = [dt.timedelta(weeks=weeks) for weeks in (0, 100, 3)]
    columns = {
        "product_class": pa.array(["F", "Y", "Y"], pa.string()),
        **{
            name: pa.array(
                [
                    day - weeks
                    for day, weeks in zip(made["titles"][name].to_pylist(), ago, strict=True)
                ],
                pa.date32(),
            )
            for name in ("first_week", "trained_until", "cutoff")
        },
    }
    for name, column in columns.items():
        place = made["titles"].schema.get_field_index(name)
        made["titles"] = made["titles"].set_column(place, name, column)
    store = ReleaseStore(str(tmp_path_factory.mktemp("unlike")))
    about = {"created": "2024-07-01T05:00:00Z", "versions": {"book_forecast": "0.1.0"}}
    store.write(stores.NOW, assemble(stores.NOW, made, about))
    when = dt.datetime(2024, 7, 1, 5, tzinfo=dt.UTC)
    store.record(
        Promotion(
            number=1,
            action="promote",
            release=stores.NOW,
            before=None,
            who="ann",
            when=when,
            why="the first one",
        )
    )
    with in_process(ServiceSettings(releases=str(store.root))) as service:
        yield service


def test_totals_have_the_names_and_numbers_of_the_classes(unlike):
    found = totals(unlike, by="product_class", weeks=3, sort="name")
    assert [(row["name"], row["n_titles"]) for row in found["totals"]] == [("F", 1), ("Y", 2)]
    assert found["cutoff"] == str(stores.CUTOFF)


def test_a_title_that_is_not_forecast_as_far_is_left_out_of_totals(unlike):
    found = totals(unlike, weeks=13)
    (every,) = found["totals"]
    assert every["n_titles"] == found["n_titles"] == 2
    assert found["n_beyond"] == 1


def test_the_demand_of_a_title_follows_its_own_cutoff(unlike):
    found = demand(unlike, stores.FORMULA, weeks=4)
    late = stores.CUTOFF - dt.timedelta(weeks=3)
    assert found["cutoff"] == str(late)
    assert found["last_week"] == str(late + dt.timedelta(weeks=4))


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


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"from": 100, "weeks": 6}, "end with week 105, but the last one is 104"),
        ({"from": 0}, "from: Input should be greater than or equal to 1"),
        ({"isbn": ["9780200000018"]}, "check digit"),
        ({"isbn": [stores.CAFE] * 501}, "at most 500 items"),
        ({"imprint": ["x"] * 101}, "at most 100 items"),
        ({"author": "x" * 301}, "at most 300 characters"),
        ({"limit": 201}, "less than or equal to 200"),
    ],
)
def test_a_refusal_names_the_bound(client, query, problem):
    answer = client.get("/totals", params=query)
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]


def test_a_release_without_names_of_imprints_says_so(unlike):
    answer = unlike.get("/totals", params={"by": "imprint"})
    assert answer.status_code == 422
    assert f"release {stores.NOW} does not have the imprints" in answer.json()["detail"]
    assert unlike.get("/totals", params={"publisher_group": "x"}).status_code == 422
    assert totals(unlike, by="author", weeks=3)["n_groups"] == 3
