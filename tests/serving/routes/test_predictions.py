"""What /predict answers, and every other route that is not of single titles."""

import datetime as dt

import numpy as np
import pytest

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import MANIFEST
from tests.releases import payloads
from tests.serving.servers import FIRST, KNOWN, TITLES, UNKNOWN


def only(response):
    """The one prediction of an answer."""
    assert response.status_code == 200, response.text
    (prediction,) = response.json()["predictions"]
    return prediction


def test_a_prediction_is_what_the_release_holds(server, served_store):
    prediction = only(server.predict({"isbn": KNOWN[4], "horizon": 20, "levels": [80, 62.5]}))
    answer = ForecastReader(served_store.read(FIRST)).forecast(KNOWN[4], 20, (80, 62.5))
    assert {k: prediction[k] for k in ("isbn", "release", "model")} == {
        "isbn": KNOWN[4],
        "release": FIRST,
        "model": "sarima",
    }
    assert prediction["cutoff"] == "2024-06-29"
    assert prediction["weeks"][:2] == ["2024-07-06", "2024-07-13"]
    assert all(dt.date.fromisoformat(week).weekday() == 5 for week in prediction["weeks"])
    assert prediction["mean"] == np.round(answer.mean, 3).tolist()
    assert [interval["level"] for interval in prediction["intervals"]] == [80, 62.5]
    for interval in prediction["intervals"]:
        lower, upper = answer.bounds[interval["level"]]
        assert interval["lower"] == np.round(lower, 3).tolist()
        assert interval["upper"] == np.round(upper, 3).tolist()


def test_32_weeks_and_two_levels_come_unless_something_else_is_asked_for(server):
    prediction = only(server.predict({"isbn": KNOWN[0]}))
    assert len(prediction["weeks"]) == len(prediction["mean"]) == 32
    assert [interval["level"] for interval in prediction["intervals"]] == [80, 95]


def test_parameters_hold_for_instances_that_have_none_of_their_own(server):
    response = server.predict(
        {"isbn": KNOWN[0]},
        {"isbn": KNOWN[1], "horizon": 3, "levels": []},
        {"isbn": KNOWN[2], "horizon": None, "levels": None},
        horizon=5,
        levels=[50],
    )
    found = [(len(p["weeks"]), len(p["intervals"])) for p in response.json()["predictions"]]
    assert found == [(5, 1), (3, 0), (5, 1)]


def test_running_sums_come_where_they_are_asked_for(server):
    response = server.predict(
        {"isbn": KNOWN[0]}, {"isbn": KNOWN[1], "cumulative": False}, cumulative=True, horizon=8
    )
    summed, plain = response.json()["predictions"]
    assert "cumulative" not in plain
    found = summed["cumulative"]
    np.testing.assert_allclose(found["mean"], np.cumsum(summed["mean"]), atol=0.01)
    for weeks in (1, 4, 8):
        query = {"weeks": weeks, "level": [80, 95]}
        demand = server.client.get(f"/books/{KNOWN[0]}/demand", params=query).json()
        assert found["expected"][weeks - 1] == pytest.approx(demand["expected"], abs=0.01)
        for own, alone in zip(found["intervals"], demand["intervals"], strict=True):
            assert own["level"] == alone["level"]
            assert own["lower"][weeks - 1] == pytest.approx(alone["lower"], abs=0.01)
            assert own["upper"][weeks - 1] == pytest.approx(alone["upper"], abs=0.01)


def test_many_running_sums_are_one_response(server):
    instances = [{"isbn": isbn, "cumulative": True} for isbn in KNOWN * 3]
    found = server.predict(*instances, horizon=2).json()["predictions"]
    assert [len(p["cumulative"]["mean"]) for p in found] == [2] * len(instances)
    assert [p["isbn"] for p in found] == KNOWN * 3


def spelt_as_isbn10(isbn):
    from book_forecast.bookscan.isbn_text import check_digit_10

    return isbn[3:12] + check_digit_10(isbn[3:12])


@pytest.mark.parametrize(
    "spell",
    [
        lambda isbn: f"{isbn[:3]}-{isbn[3]}-{isbn[4:12]}-{isbn[12]}",
        lambda isbn: f" {isbn[:3]} {isbn[3:]} ",
        spelt_as_isbn10,
        int,
    ],
)
def test_an_isbn_may_be_spelt_in_any_way(server, spell):
    assert only(server.predict({"isbn": spell(KNOWN[3])}))["isbn"] == KNOWN[3]


@pytest.mark.parametrize(
    ("instance", "code", "words"),
    [
        ({"isbn": UNKNOWN}, "unknown_isbn", f"is not in release {FIRST}"),
        ({"isbn": "9780200000023"}, "invalid_isbn", "wrong ISBN check digit"),
        ({"isbn": "9" * 41}, "invalid_isbn", "more than 40 characters"),
        ({"isbn": None}, "invalid_isbn", "as text"),
        ({"isbn": True}, "invalid_isbn", "as text"),
        ({"isbn": ["x"]}, "invalid_isbn", "as text"),
        ({"isbn": KNOWN[0], "horizon": 0}, "invalid_horizon", "1 to 104"),
        ({"isbn": KNOWN[0], "horizon": 105}, "invalid_horizon", "1 to 104"),
        ({"isbn": KNOWN[0], "horizon": 10**30}, "invalid_horizon", "1 to 104"),
        ({"isbn": KNOWN[0], "horizon": 1.5}, "invalid_horizon", "1 to 104"),
        ({"isbn": KNOWN[0], "horizon": "8"}, "invalid_horizon", "1 to 104"),
        ({"isbn": KNOWN[0], "horizon": True}, "invalid_horizon", "horizon must be a whole"),
        ({"isbn": KNOWN[0], "levels": [0.99]}, "invalid_levels", "1 to 99"),
        ({"isbn": KNOWN[0], "levels": [80, 99.1]}, "invalid_levels", "1 to 99"),
        ({"isbn": KNOWN[0], "levels": 80}, "invalid_levels", "up to 10"),
        ({"isbn": KNOWN[0], "levels": ["80"]}, "invalid_levels", "must be numbers, 1 to 99"),
        ({"isbn": KNOWN[0], "cumulative": 1}, "invalid_cumulative", "true or false"),
        ({"isbn": KNOWN[0], "levels": [True]}, "invalid_levels", "must be numbers, 1 to 99"),
        ({"isbn": KNOWN[0], "levels": list(range(1, 12))}, "invalid_levels", "up to 10"),
        ({"isbn": KNOWN[0], "level": 80}, "invalid_instance", '"level"'),
        ({}, "invalid_instance", "isbn"),
        (None, "invalid_instance", "isbn"),
        (KNOWN[0], "invalid_instance", "isbn"),
        ([[]], "invalid_instance", "isbn"),
    ],
)
def test_a_bad_instance_is_an_error_in_its_place(server, instance, code, words):
    response = server.predict({"isbn": KNOWN[0]}, instance, {"isbn": KNOWN[1]})
    assert response.status_code == 200
    before, wrong, after = response.json()["predictions"]
    assert (before["isbn"], after["isbn"]) == (KNOWN[0], KNOWN[1])
    assert wrong["error"]["code"] == code
    assert words in wrong["error"]["message"]
    assert (wrong["release"], wrong["cutoff"]) == (FIRST, "2024-06-29")


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"\xff", 400, "no JSON"),
        (b'{"instances": [NaN]}', 400, "no JSON"),
        (b'{"instances": [1e999]}', 400, "no JSON"),
        (b"[" * 5000 + b"]" * 5000, 400, "no JSON"),
        (b"[]", 422, "instances"),
        (b"null", 422, "instances"),
        (b"{}", 422, "instances"),
        (b'{"instances": {}}', 422, "instances"),
        (b'{"instances": [], "more": 1}', 422, '"more"'),
        (b'{"instances": [], "parameters": []}', 422, "parameters"),
        (b'{"instances": [], "parameters": [1]}', 422, "parameters"),
        (b'{"instances": [], "parameters": {"level": 1}}', 422, '"level"'),
        (b'{"instances": [], "parameters": {"horizon": 105}}', 422, "1 to 104"),
        (b'{"instances": [], "parameters": {"levels": [100]}}', 422, "1 to 99"),
    ],
)
def test_a_malformed_body_is_refused_with_a_reason(server, body, status, words):
    answer = server.client.post(
        "/predict", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}
    assert words in answer.json()["detail"]


def test_a_body_of_another_type_is_refused(server):
    answer = server.client.post("/predict", data={"instances": "[]"})
    assert (answer.status_code, set(answer.json())) == (415, {"detail"})


def test_no_instances_get_no_predictions(server):
    assert server.predict().json() == {"predictions": []}


def test_health_readiness_and_release_describe_what_is_served(server, served_store):
    assert server.client.get("/healthz").json() == {"status": "alive"}
    assert server.readiness() == {
        "ready": True,
        "release": FIRST,
        "problem": None,
        **dict.fromkeys(
            ("stock_problem", "challenger", "challenger_loading", "challenger_problem")
        ),
        **dict.fromkeys(("log_problem", "override_problem")),
    }
    described = server.client.get("/release").json()
    assert (described["release"], described["titles"], described["cutoff"]) == (
        FIRST,
        TITLES,
        "2024-06-29",
    )
    assert described["manifest"] == served_store.manifest(FIRST)
    assert described["checksum"] == described["manifest"]["checksum"]
    assert described["place"].endswith(FIRST)
    assert MANIFEST not in described["place"]


def test_metrics_count_requests_by_route_and_instances_by_outcome(server):
    def value(name):
        lines = server.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    answered = 'book_forecast_requests_total{method="POST",path="/predict",status="200"}'
    unknown = 'book_forecast_instances_total{outcome="unknown_isbn"}'
    unmatched = 'book_forecast_requests_total{method="GET",path="-",status="404"}'
    before = value(answered), value(unknown), value(unmatched)
    server.predict({"isbn": UNKNOWN}, {"isbn": KNOWN[0]})
    server.client.get(f"/{payloads.isbn(5)}")
    assert (value(answered), value(unknown), value(unmatched)) == tuple(n + 1 for n in before)
    assert value(f'book_forecast_release{{cutoff="2024-06-29",release="{FIRST}"}}') == 1
    assert value("book_forecast_titles") == TITLES
    assert value("book_forecast_problem") == 0
    assert value('book_forecast_loads_total{outcome="loaded"}') == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/predict", 405),
        ("POST", "/readyz", 405),
        ("GET", "/docs", 404),
    ],
)
def test_every_error_has_the_same_shape(server, method, path, status):
    answer = server.client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"detail"}
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/healthz", "/readyz", "/release", "/openapi.json", "/books", "/totals"),
        *(f"/books/{KNOWN[0]}", f"/books/{KNOWN[0]}/forecast", f"/books/{UNKNOWN}", "/nothing"),
    ],
)
def test_head_is_get_without_the_body(server, path):
    with_body, without = server.client.get(path), server.client.head(path)
    assert without.status_code == with_body.status_code
    assert without.content == b""
    for name in ("content-type", "content-length"):
        assert without.headers[name] == with_body.headers[name]


def test_head_of_what_only_takes_bodies_is_refused(server):
    assert server.client.head("/predict").status_code == 405
