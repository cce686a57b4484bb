"""What planners ask of a title beside its forecast."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from book_forecast.payload.planning import PLANNING
from book_forecast.serving.routes.explaining import stock_sentences
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.titles.stock import COLUMNS
from tests.serving import planning
from tests.serving.conftest import in_process
from tests.serving.planning import CAFE, CUTOFF, HUNGRY, PLAIN, WEEK
from tests.serving.servers import eventually


def write_stock(path):
    """Advice on the stock of one title, as `decide` writes it."""
    row = {
        "isbn": CAFE,
        "release": planning.RELEASE,
        "last_week": CUTOFF,
        "on_hand": 420.0,
        "on_order": 300.0,
        "lead_weeks": 6,
        "demand": 512.5,
        "chance_to_run_out": 0.124,
        "run_out_week": CUTOFF + 9 * WEEK,
        "cover_weeks": 8,
        "target": 0.95,
        "order": 200,
        "reason": "Order 200: without it the stock lasts 7 weeks with 81 % only.",
    }
    pq.write_table(pa.Table.from_pylist([row], pa.schema(COLUMNS)), path)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("planning")
    planning.write(folder / "releases")
    write_stock(folder / "stock.parquet")
    settings = ServiceSettings(
        releases=str(folder / "releases"), stock=str(folder / "stock.parquet")
    )
    with in_process(settings) as service:
        eventually(lambda: details(service)["stock"])
        yield service


def details(client, isbn=CAFE, **query):
    answer = client.get(f"/books/{isbn}/details", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_sums_are_those_of_the_demand_and_have_the_lead_time(client):
    found = details(client, weeks=[13, 4], level=90)
    assert [one["weeks"] for one in found["sums"]] == [4, 6, 13]
    for one in found["sums"]:
        query = {"weeks": one["weeks"], "level": 90}
        demand = client.get(f"/books/{CAFE}/demand", params=query).json()
        assert one["mean"] == pytest.approx(demand["mean"], abs=0.01)
        assert one["last_week"] == demand["last_week"]
        assert one["lower"] == pytest.approx(demand["intervals"][0]["lower"], abs=0.01)
        assert one["upper"] == pytest.approx(demand["intervals"][0]["upper"], abs=0.01)


def test_stock_is_told_in_words(client):
    stock = details(client)["stock"]
    assert (stock["on_hand"], stock["order"], stock["lead_weeks"]) == (420.0, 200, 6)
    assert stock["sentences"] == [
        "420 copies are in stock, and 300 copies are on order.",
        "The chance to run out before an order of today arrives, in 6 weeks, is 12 %.",
        "They are likely to last for 8 full weeks, and to run out in the week to 31 August 2024.",
        "Order 200: without it the stock lasts 7 weeks with 81 % only.",
    ]


@pytest.mark.parametrize(
    ("stock", "sentences"),
    [
        (
            {"on_hand": 1.0, "on_order": 3.0, "lead_weeks": 1},
            [
                "1 copy is in stock, and 3 copies are on order.",
                "The chance to run out before an order of today arrives, in 1 week, is 25 %.",
                "They are likely to last for more than 26 weeks.",
            ],
        ),
        (
            {"on_hand": 0.0, "on_order": 0.0, "lead_weeks": 4},
            [
                "No copies are in stock, and none are on order.",
                "The chance that a sale is lost before an order of today arrives, in 4 weeks, is 25 %.",  # noqa: E501
                "No sale is likely in 26 weeks.",
            ],
        ),
        (
            {"on_hand": 0.0, "on_order": 0.0, "lead_weeks": 0, "run_out_week": CUTOFF + WEEK},
            [
                "No copies are in stock, and none are on order.",
                "An order of today arrives at once.",
                "A sale is likely to be lost by the week to 6 July 2024.",
            ],
        ),
    ],
)
def test_little_stock_or_none_is_told_in_words_too(stock, sentences):
    rest = {"chance_to_run_out": 0.25, "cover_weeks": 26, "run_out_week": None, "reason": "R."}
    assert stock_sentences({**rest, **stock}) == [*sentences, "R."]


def test_the_explanation_is_three_sentences_without_names_of_models(client):
    found = details(client)["explanation"]
    assert [part["name"] for part in found["parts"]] == [
        *("trend", "season", "holidays", "promotion", "other"),
    ]
    assert all(len(part["factors"]) == len(found["weeks"]) for part in found["parts"])
    assert found["level"] == 40.0
    level, season, promotion = found["sentences"]
    assert (
        level == "A usual week sells about 40 copies, and that falls by 10 % over these 32 weeks."
    )
    assert season == (
        "The time of year and holidays raise sales most in the week to 28 December 2024, to 2.4 "
        "times a usual week."
    )
    assert promotion == (
        "Planned promotions change 1 week, most that to 20 July 2024: to 1.5 times what sells "
        "without one."
    )


def test_promotions_are_runs_of_weeks_with_what_sold(client):
    planned, single, run = details(client)["promotions"]
    assert (planned["first_week"], planned["is_planned"]) == (str(CUTOFF + 3 * WEEK), True)
    assert planned["sold"] is None
    assert (single["weeks"], single["depth"]) == (1, 0.1)
    assert (run["first_week"], run["last_week"]) == (
        str(CUTOFF - 40 * WEEK),
        str(CUTOFF - 39 * WEEK),
    )
    assert run["depth"] == 0.3
    history = client.get(f"/books/{CAFE}/history").json()["volumes"]
    assert run["sold"] == pytest.approx(np.mean(history[-41:-39]))
    assert run["before"] == pytest.approx(np.mean(history[-49:-41]))
    assert run["times"] == pytest.approx(run["sold"] / run["before"], abs=0.001)


def test_the_last_forecast_is_beside_what_sold(client):
    found = details(client)["last_forecast"]
    assert found["weeks"][-1] == str(CUTOFF)
    history = client.get(f"/books/{CAFE}/history").json()["volumes"]
    assert found["sold"] == history[-len(found["sold"]) :]
    assert found["sentence"].startswith("It expected ")
    assert "10 % too many" in found["sentence"]
    assert "32 of 32 weeks were inside the range that holds 80 % of weeks" in found["sentence"]


def test_facts_are_sent_as_they_are(client):
    facts = details(client)["facts"]
    assert facts["imprint"] == "Owl & <b>Sons</b>"
    assert facts["price"] == 8.99


def test_what_can_be_tried_is_named_with_its_bounds(client):
    found = details(client)["what_if"]
    assert found["promotions"]
    assert (found["first_week"], found["last_week"]) == (
        str(CUTOFF + WEEK),
        str(CUTOFF + 104 * WEEK),
    )
    assert found["price"] == "price"
    assert [(one["name"], one["reacts"]) for one in found["regressors"]] == [
        *(("advertising", True), ("price", True), ("weather", False)),
    ]
    assert (found["regressors"][0]["low"], found["regressors"][0]["high"]) == (-10.0, 30.0)
    silent = details(client, HUNGRY)["what_if"]
    assert not silent["promotions"]
    assert silent["text"].startswith("This title's forecast does not react to promotions: ")


def test_a_title_without_tables_says_what_to_run(client):
    found = details(client, PLAIN)
    for part in ("facts", "stock", "explanation", "last_forecast"):
        assert found[part] is None
        assert found["missing"][part]
    assert found["promotions"] == []
    assert "decide" in found["missing"]["stock"]
    assert "promotions" not in found["missing"]


@pytest.mark.parametrize("kind", sorted(PLANNING))
def test_each_table_may_be_missing(tmp_path, kind):
    folder = planning.write(tmp_path, without=(kind,))
    with in_process(ServiceSettings(releases=str(folder))) as service:
        found = details(service)
        assert len(found["sums"]) == 2
        assert found["release"] == planning.RELEASE


def test_a_release_without_any_table_is_served(tmp_path):
    folder = planning.write(tmp_path, without=tuple(PLANNING))
    with in_process(ServiceSettings(releases=str(folder))) as service:
        found = details(service)
        assert set(found["missing"]) == {
            *("facts", "stock", "explanation", "promotions", "last_forecast"),
        }
        assert "kedro run --pipeline forecast" in found["what_if"]["text"]


def test_out_of_bounds_is_422(client):
    for query in ({"weeks": 105}, {"weeks": 0}, {"weeks": [1] * 11}, {"level": 99.9}):
        answer = client.get(f"/books/{CAFE}/details", params=query)
        assert answer.status_code == 422
    assert client.get("/books/9780000000002/details").status_code == 404
