"""The same answers as a cloud function, under the framework that Google runs it with."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from book_forecast.releases.challenging import end_challenge, start_challenge
from tests.serving.servers import FIRST, KNOWN, SECOND, UNKNOWN, eventually, make_store, promote

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def function(store, project_path, tmp_path_factory):
    """A client of the function."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    variables = {
        "BOOK_FORECAST_RELEASES": store.root,
        "BOOK_FORECAST_TOKEN": TOKEN,
        "BOOK_FORECAST_SERVE_MAX_BODY": "2000",
        "BOOK_FORECAST_SERVE_POLL_SECONDS": "0.2",
    }
    source = project_path / "src/book_forecast/serving/function.py"
    log = (tmp_path_factory.mktemp("log") / "log").open("w+b")
    with log:
        process = subprocess.Popen(
            [
                *(
                    str(Path(sys.executable).with_name("functions-framework")),
                    "--target",
                    "predict",
                ),
                *("--source", str(source), "--host", "127.0.0.1", "--port", port),
            ],
            env={**os.environ, **variables},
            stdout=log,
            stderr=log,
        )
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)
        client.headers["Authorization"] = f"Bearer {TOKEN}"

        def is_up():
            log.seek(0)
            assert process.poll() is None, log.read().decode()
            try:
                return client.get("/").status_code == 200
            except httpx.ConnectError:
                return False

        try:
            eventually(is_up)
            yield client
        finally:
            client.close()
            process.terminate()
            process.wait()


def test_it_answers_as_the_service_does(function, server):
    request = {
        "instances": [{"isbn": KNOWN[0]}, {"isbn": UNKNOWN}, {"isbn": KNOWN[1], "horizon": 200}],
        "parameters": {"horizon": 8, "levels": [80], "cumulative": True},
    }
    answer = function.post("/", json=request)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == server.client.post("/predict", json=request).json()


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"{}", 422), (b" " * 2001, 413), (b'{"instances": []}', 200)],
)
def test_it_refuses_as_the_service_does(function, body, status):
    answer = function.post("/", content=body)
    assert answer.status_code == status
    assert set(answer.json()) == ({"detail"} if status != 200 else {"predictions"})


def test_a_body_of_another_type_is_refused(function):
    answer = function.post("/", data={"instances": "[]"})
    assert (answer.status_code, set(answer.json())) == (415, {"detail"})


def test_a_large_body_in_chunks_is_413(function):
    assert function.post("/", content=(b" " * 1000 for _ in range(3))).status_code == 413


def test_it_wants_the_token_and_no_other_methods(function):
    assert function.post("/", headers={"Authorization": "Bearer x"}).status_code == 401
    answer = function.put("/", json={})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


def test_head_is_get_without_the_body(function):
    answer = function.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


def test_it_comes_to_a_new_champion(function, store):
    assert function.get("/").json() == {"ready": True, "release": FIRST, "problem": None}
    promote(store, SECOND)
    eventually(lambda: function.get("/").json()["release"] == SECOND)
    promote(store, FIRST)
    eventually(lambda: function.get("/").json()["release"] == FIRST)


def test_a_challenger_answers_for_its_share_there_too(store, function):
    champion = store.champion()
    other = SECOND if champion == FIRST else FIRST
    challenge = start_challenge(store, other, 0.5, "x")
    body = {"instances": [{"isbn": isbn} for isbn in KNOWN]}

    def both() -> httpx.Response | None:
        response = function.post("/", json=body)
        return response if ", " in response.headers["x-forecast-arm"] else None

    response = eventually(both)
    assert response.headers["x-forecast-release"] == f"{champion}, {other}"
    arms = {one["isbn"]: one["arm"] for one in response.json()["predictions"]}
    assert arms == {isbn: challenge.arm_of(isbn) for isbn in KNOWN}
    end_challenge(store, challenge, "withdrawn", "x")
    eventually(lambda: both() is None)
