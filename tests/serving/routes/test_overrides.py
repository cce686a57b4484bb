"""Overrides by people in the service."""

import shutil
import threading
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from book_forecast.releases.overrides import Override, OverrideLog
from book_forecast.serving.app import create_app
from book_forecast.serving.settings import ServiceSettings, read_settings
from book_forecast.storage.errors import UserError
from tests.serving import planning
from tests.serving.planning import CAFE, CUTOFF, TAGS, WEEK
from tests.serving.servers import Server, eventually

FIRST = str(CUTOFF + 3 * WEEK)
MADE = {"who": "Ann", "why": "A prize is announced", "first_week": FIRST, "copies": [90, 80.5]}
PATH, DETAILS = f"/books/{CAFE}/overrides", f"/books/{CAFE}/details"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A service that takes overrides, and its releases: to start it takes a second."""
    releases = str(planning.write(tmp_path_factory.mktemp("shared") / "releases"))
    settings = ServiceSettings(releases=releases, write_overrides=True)
    with TestClient(create_app(settings), base_url="http://127.0.0.1") as service:
        eventually(lambda: service.get("/readyz").status_code == 200)
        yield service, releases


@pytest.fixture
def releases(shared):
    """The service's releases, without an override."""
    service, releases = shared
    book = service.app.state.watch.overrides
    shutil.rmtree(book.log.location, ignore_errors=True)
    book.log = OverrideLog(releases)  # a log keeps what it has read
    book.refresh()
    return releases


@pytest.fixture
def client(shared, releases):
    """The service."""
    return shared[0]


def test_an_override_is_signed_and_shown_beside_the_forecast(client):
    before = client.get(f"/books/{CAFE}/forecast").json()
    answer = client.post(PATH, json=MADE)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["number"], made["source"], made["who"]) == (1, "person", "Ann")
    assert made["weeks"] == [FIRST, str(CUTOFF + 4 * WEEK)]
    assert made["copies"] == [90.0, 80.5]
    assert made["replaced"] == before["mean"][2:4]
    found = client.get(PATH).json()
    assert found == {"isbn": CAFE, "writable": True, "overrides": [made]}
    assert client.get(f"/books/{CAFE}/details").json()["overrides"] == [made]
    # The numbers of the release stay.
    assert client.get(f"/books/{CAFE}/forecast").json() == before


def test_the_newest_is_first_and_a_withdrawn_one_is_gone(client, releases):
    for copies in (10, 20, 30):
        client.post(PATH, json={**MADE, "copies": [copies]})
    OverrideLog(releases).withdraw(2, "Bob", "by mistake")
    client.app.state.watch.overrides.refresh()
    found = client.get(PATH).json()["overrides"]
    assert [one["copies"] for one in found] == [[30.0], [10.0]]


GONE = {"who": "Bob", "why": "The prize went elsewhere"}


def test_an_override_is_withdrawn_and_stays_in_the_log(client, releases):
    for copies in (10, 20):
        client.post(PATH, json={**MADE, "copies": [copies]})
    answer = client.post(f"{PATH}/1/withdraw", json=GONE)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["number"], answer.json()["copies"]) == (1, [10.0])
    assert [one["number"] for one in client.get(PATH).json()["overrides"]] == [2]
    assert [one["number"] for one in client.get(DETAILS).json()["overrides"]] == [2]
    first, second = [one.withdrawal for one in OverrideLog(releases).overrides()]
    assert first is not None
    assert (first.who, first.why) == ("Bob", "The prize went elsewhere")
    assert second is None
    again = client.post(f"{PATH}/1/withdraw", json=GONE)
    assert again.status_code == 409
    assert "withdrawn by Bob" in again.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        (f"{PATH}/7/withdraw", GONE, 404, f"{CAFE} has no override 7"),
        (f"/books/{TAGS}/overrides/1/withdraw", GONE, 404, f"{TAGS} has no override 1"),
        ("/books/9780306406157/overrides/1/withdraw", GONE, 404, "9780306406157"),
        (f"{PATH}/0/withdraw", GONE, 422, "number"),
        (f"{PATH}/10001/withdraw", GONE, 422, "10000"),
        (f"{PATH}/1/withdraw", {"who": "Bob"}, 422, "why"),
        (f"{PATH}/1/withdraw", {**GONE, "who": " "}, 422, "who"),
        (f"{PATH}/1/withdraw", {**GONE, "more": 1}, 422, "Extra inputs"),
    ],
)
def test_what_cannot_be_withdrawn_is_refused(client, releases, path, body, status, message):
    client.post(PATH, json=MADE)
    answer = client.post(path, json=body)
    assert answer.status_code == status
    assert message in answer.json()["detail"]
    assert OverrideLog(releases).overrides()[0].withdrawal is None


def test_the_log_is_read_by_many_threads_while_it_grows(releases):
    log = OverrideLog(releases)
    entry = Override(
        who="Ann",
        why="A prize",
        isbn=CAFE,
        release="r",
        cutoff=CUTOFF,
        first_week=CUTOFF + WEEK,
        copies=(1.0,),
        replaced=(2.0,),
    )
    failed = []

    def work(write):
        try:
            for _ in range(20):
                if write:
                    log.add(entry)
                log.overrides()
        except RuntimeError as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n == 0,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [one.number for one in log.overrides()] == list(range(1, 21))


def test_the_service_takes_none_unless_it_is_told_so(releases):
    with TestClient(
        create_app(ServiceSettings(releases=releases)), base_url="http://127.0.0.1"
    ) as service:
        eventually(lambda: service.get("/readyz").status_code == 200)
        answer = service.post(PATH, json=MADE)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
        assert "BOOK_FORECAST_SERVE_WRITE_OVERRIDES" in answer.json()["detail"]
        answer = service.post(f"{PATH}/1/withdraw", json=GONE)
        assert (answer.status_code, answer.headers["allow"]) == (405, "")
        assert "BOOK_FORECAST_SERVE_WRITE_OVERRIDES" in answer.json()["detail"]
        assert service.get(PATH).json()["writable"] is False
    assert OverrideLog(releases).overrides() == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"who": ""}, "who"),
        ({"who": " "}, "who"),
        ({"who": "a\nb"}, "who"),
        ({"who": "x" * 81}, "at most 80"),
        ({"why": "no"}, "at least 3"),
        ({"why": "x" * 501}, "at most 500"),
        ({"copies": []}, "at least 1"),
        ({"copies": [True]}, "valid number"),
        ({"copies": [-1]}, "greater than or equal to 0"),
        ({"copies": [1e10]}, "1000000000"),
        ({"copies": [1] * 105}, "at most 104"),
        ({"copies": [1] * 103}, "the last week ahead"),
        ({"first_week": str(CUTOFF)}, "first_week"),
        ({"more": 1}, "Extra inputs"),
    ],
)
def test_out_of_bounds_is_422_and_names_the_bound(client, changed, message):
    answer = client.post(PATH, json=MADE | changed)
    assert answer.status_code == 422
    assert message in answer.json()["detail"]
    assert client.get(PATH).json()["overrides"] == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Type": "application/json", "Host": "evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "null"}, 403),
    ],
)
def test_pages_of_other_sites_cannot_write(client, headers, status):
    made = client.post(PATH, json=MADE).json()
    for path, content in ((PATH, MADE), (f"{PATH}/1/withdraw", GONE)):
        body = httpx.Request("POST", "http://x", json=content).content
        answer = client.post(path, content=body, headers=headers)
        assert answer.status_code in (status, 422)
    assert client.get(PATH).json()["overrides"] == [made]


def test_many_at_the_same_time_are_all_taken(releases, tmp_path):
    variables = {"BOOK_FORECAST_SERVE_WRITE_OVERRIDES": "true"}
    with Server(tmp_path, "--releases", releases, **variables) as service:
        service.ready()
        answers = []

        def write(copies):
            body = {**MADE, "copies": [copies]}
            answers.append(httpx.post(f"{service.url}{PATH}", json=body, trust_env=False))

        threads = [threading.Thread(target=write, args=(n,)) for n in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [201] * 12
        found = service.client.get(PATH).json()["overrides"]
    assert sorted(one["number"] for one in found) == list(range(1, 13))
    assert sorted(one["copies"][0] for one in found) == list(range(12))


def test_a_token_is_needed_where_others_reach_the_service(releases):
    told = {"BOOK_FORECAST_RELEASES": releases, "BOOK_FORECAST_SERVE_WRITE_OVERRIDES": "true"}
    assert read_settings(told).write_overrides
    with pytest.raises(UserError, match="BOOK_FORECAST_TOKEN"):
        read_settings({**told, "BOOK_FORECAST_SERVE_HOST": "0.0.0.0"})
    open_to_all = {"BOOK_FORECAST_SERVE_HOST": "0.0.0.0", "BOOK_FORECAST_TOKEN": "secret-token"}
    assert read_settings({**told, **open_to_all}).write_overrides
    del told["BOOK_FORECAST_RELEASES"]
    with pytest.raises(UserError, match="folder of all releases"):
        read_settings({**told, "AIP_STORAGE_URI": releases})


def test_overrides_that_cannot_be_read_are_a_problem_until_they_can(client, releases):
    client.post(PATH, json=MADE)
    folder = Path(releases, "overrides", "000002.json")
    folder.mkdir()
    client.app.state.watch.overrides.refresh()
    assert str(folder) in client.get("/readyz").json()["override_problem"]
    assert "book_forecast_override_problem 1.0" in client.get("/metrics").text
    assert len(client.get(PATH).json()["overrides"]) == 1
    folder.rmdir()
    client.app.state.watch.overrides.refresh()
    assert client.get("/readyz").json()["override_problem"] is None
    assert "book_forecast_override_problem 0.0" in client.get("/metrics").text
