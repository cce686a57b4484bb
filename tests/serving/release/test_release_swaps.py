"""How the service comes to another release, and what it does when that one is bad."""

import itertools
import json
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from book_forecast.payload.manifest import MANIFEST, PayloadError, checksum
from book_forecast.serving.loading.loader import load
from tests.releases import payloads
from tests.serving.servers import (
    FIRST,
    KNOWN,
    SECOND,
    Server,
    damage,
    eventually,
    make_store,
    model_folder,
    promote,
    write,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A service that looks for another release only on a signal, and its store."""
    store = make_store(tmp_path_factory.mktemp("shared"))
    variables = {"BOOK_FORECAST_SERVE_POLL_SECONDS": "600"}
    with Server(tmp_path_factory.mktemp("log"), "--releases", store.root, **variables) as service:
        yield service.ready(), store


@pytest.fixture
def store(shared):
    """The service's store, where the first release is champion once more."""
    server, store = shared
    if store.champion() != FIRST or server.readiness()["problem"]:
        promote(store, FIRST)
        server.wake()
        as_it_was = {"ready": True, "release": FIRST, "problem": None, "stock_problem": None}
        eventually(lambda: as_it_was.items() <= server.readiness().items())
    return store


@pytest.fixture
def server(shared, store):
    """The service."""
    return shared[0]


_numbers = itertools.count(1)


@pytest.fixture
def new(store):
    """The folder of another release, to be spoilt."""
    release = f"2024-07-15T05.00.00-{next(_numbers):08x}"
    write(store, release, seed=3)
    return Path(store.location(release))


def mean(server):
    (prediction,) = server.predict({"isbn": KNOWN[0]}).json()["predictions"]
    return prediction["release"], prediction["mean"][0]


def serves(server, release):
    """Wait until a release is served."""
    eventually(lambda: server.readiness()["release"] == release)


def errors(server):
    return [entry for entry in server.log() if entry["level"] == "ERROR"]


def failures(server):
    """How often the service has failed to find or load a release."""
    text = server.client.get("/metrics").text
    (count,) = re.findall(r'book_forecast_loads_total\{outcome="failed"\} (.+)', text)
    return float(count)


def rewritten(folder, **values):
    """Give a manifest other values, and a checksum that is right."""
    manifest = json.loads((folder / MANIFEST).read_text()) | values
    manifest["checksum"] = checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_a_new_champion_is_served_after_a_signal(server, store):
    assert mean(server)[0] == FIRST
    promote(store, SECOND)
    server.wake()
    serves(server, SECOND)
    assert mean(server)[0] == SECOND


def test_a_new_champion_is_noticed_by_itself(tmp_path):
    variables, store = {"BOOK_FORECAST_SERVE_POLL_SECONDS": "0.2"}, make_store(tmp_path / "store")
    with Server(tmp_path, "--releases", store.root, **variables) as server:
        server.ready()
        promote(store, SECOND)
        eventually(lambda: mean(server)[0] == SECOND)


def test_a_refreshed_payload_of_the_same_release_is_served(server, store):
    before = mean(server)
    write(store, FIRST, seed=7)
    server.wake()
    eventually(lambda: mean(server)[1] != before[1])
    assert mean(server)[0] == FIRST


def test_no_request_is_dropped_or_mixes_releases_while_they_change(server, store):
    wanted = {}
    for release in (FIRST, SECOND):
        payload = store.read(release)
        wanted[release] = [round(float(v), 3) for v in payload.mean[:, 0].astype(float)]
    ended = threading.Event()
    seen, wrong = [], []

    def ask():
        instances = [{"isbn": isbn, "horizon": 1, "levels": []} for isbn in KNOWN]
        with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
            while not ended.wait(0.01):
                answer = client.post("/predict", json={"instances": instances})
                if answer.status_code != 200:
                    wrong.append(answer.text)
                    continue
                predictions = answer.json()["predictions"]
                (release,) = {p["release"] for p in predictions}
                seen.append(release)
                if [p["mean"][0] for p in predictions] != pytest.approx(wanted[release], abs=2e-3):
                    wrong.append(release)

    def answered(release):
        eventually(lambda: seen[-1:] == [release])

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    for release in (SECOND, FIRST, SECOND):
        promote(store, release)
        server.wake()
        answered(release)
    ended.set()
    for caller in callers:
        caller.join()
    assert wrong == []
    assert set(seen) == {FIRST, SECOND}


@pytest.mark.parametrize("kind", ["titles", "histories", "distributions", "scores"])
def test_a_damaged_release_is_named_and_the_old_one_stays(server, store, new, kind):
    before = len(errors(server))
    path = damage(new, kind)
    promote(store, new.name)
    server.wake()
    status = eventually(lambda: (r := server.readiness())["problem"] and r)
    assert (status["ready"], status["release"]) == (True, FIRST)
    assert f"{path.name} is damaged" in status["problem"]
    assert mean(server)[0] == FIRST
    (line,) = errors(server)[before:]
    assert path.name in line["message"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: rewritten(folder, format=2), "is of format 2, this code reads format 1"),
        (lambda folder: rewritten(folder, release=FIRST), f"holds {FIRST}, not "),
        (lambda folder: (folder / MANIFEST).unlink(), "There is no"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "cannot be read"),
        (lambda folder: (folder / "run.py").touch(), "run.py does not belong into a release"),
        (
            lambda folder: (folder / MANIFEST).write_text(
                (folder / MANIFEST).read_text().replace('"titles": 12', '"titles": 13')
            ),
            "is damaged",
        ),
    ],
    ids=["newer", "another", "missing", "torn", "code", "changed"],
)
def test_a_release_that_is_none_is_named_and_the_old_one_stays(server, store, new, spoil, words):
    spoil(new)
    promote(store, new.name)
    server.wake()
    status = eventually(lambda: (r := server.readiness())["problem"] and r)
    assert words in status["problem"]
    assert new.name in status["problem"]
    assert mean(server)[0] == FIRST


def test_a_problem_is_logged_once_and_ends_when_it_is_put_right(server, store, new):
    before, failed = len(errors(server)), failures(server)
    content = (new / MANIFEST).read_text()
    (new / MANIFEST).unlink()
    promote(store, new.name)
    for number in (1, 2, 3):
        server.wake()
        eventually(lambda: failures(server) - failed == number)  # noqa: B023
    assert "\nbook_forecast_problem 1.0\n" in server.client.get("/metrics").text
    (new / MANIFEST).write_text(content)
    server.wake()
    serves(server, new.name)
    assert server.readiness()["problem"] is None
    assert len(errors(server)) == before + 1


def test_before_any_release_the_service_lives_but_is_not_ready(tmp_path):
    variables = {"BOOK_FORECAST_SERVE_POLL_SECONDS": "0.2"}
    with Server(tmp_path, "--releases", str(tmp_path / "nothing"), **variables) as server:
        status = eventually(lambda: (r := server.client.get("/readyz")).json()["problem"] and r)
        assert status.status_code == 503
        assert "was made champion yet" in status.json()["problem"]
        assert server.client.get("/healthz").status_code == 200
        for answer in (server.predict({"isbn": KNOWN[0]}), server.client.get("/release")):
            assert (answer.status_code, set(answer.json())) == (503, {"detail"})
            assert answer.headers["Retry-After"] == "1"
        assert server.client.get("/metrics").status_code == 200
        # It comes to life without a start.
        make_store(tmp_path / "nothing")
        server.ready()


def test_a_crash_of_the_reading_process_is_an_error_of_the_payload(monkeypatch, tmp_path):
    folder = payloads.write(tmp_path / FIRST)
    real = subprocess.run

    def killed(command, **options):
        code = "import os; os.kill(os.getpid(), 9)"
        return real([sys.executable, "-c", code], **options)

    monkeypatch.setattr(subprocess, "run", killed)
    with pytest.raises(PayloadError, match="ended with SIGKILL"):
        load(str(folder))


def test_what_another_process_has_read_is_the_same(tmp_path):
    folder = payloads.write(tmp_path / FIRST, titles=50)
    from book_forecast.payload.contents import read_payload

    here, there = read_payload(folder), load(str(folder))
    assert there.manifest == here.manifest
    assert there.titles.equals(here.titles)
    assert here.scores is not None
    assert here.scores.equals(there.scores)
    assert there.volumes.to_pylist() == here.volumes.to_pylist()
    assert (there.mean == here.mean).all()
    assert (there.quantiles == here.quantiles).all()


@pytest.mark.parametrize("make", [model_folder, lambda path: payloads.write(path / "one", FIRST)])
def test_one_folder_is_served_as_vertex_names_it(tmp_path, make):
    folder = make(tmp_path)
    variables = {
        "AIP_STORAGE_URI": str(folder),
        "AIP_HEALTH_ROUTE": "/v1/endpoints/1/deployedModels/2",
        "AIP_PREDICT_ROUTE": "/v1/endpoints/1/deployedModels/2:predict",
        "BOOK_FORECAST_SERVE_POLL_SECONDS": "0.2",
        "BOOK_FORECAST_TOKEN": "a-token-of-some-length",
    }
    with Server(tmp_path, "--host", "127.0.0.1", **variables) as server:
        server.ready()
        assert server.client.get(variables["AIP_HEALTH_ROUTE"]).json()["release"] == FIRST
        server.client.headers["Authorization"] = "Bearer a-token-of-some-length"
        request = {"instances": [{"isbn": KNOWN[0]}]}
        by_vertex = server.client.post(variables["AIP_PREDICT_ROUTE"], json=request)
        assert by_vertex.json() == server.client.post("/predict", json=request).json()
        # A refreshed payload is noticed here too.
        before = mean(server)
        payloads.write(next(folder.rglob(MANIFEST)).parent, FIRST, titles=12, seed=9)
        eventually(lambda: mean(server) != before)


def test_the_end_waits_for_requests_under_way(served_store, tmp_path):
    server = Server(tmp_path, "--releases", served_store.root).ready()
    instances = [{"isbn": KNOWN[0], "horizon": 104, "levels": [51, 62, 73, 84]}] * 1000
    with server.client.stream("POST", "/predict", json={"instances": instances}) as answer:
        # More is to come than what fits between the two.
        pieces = answer.iter_bytes()
        content = next(pieces)
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: any("Shutting down" in entry["message"] for entry in server.log()))
        content += b"".join(pieces)
    assert len(json.loads(content)["predictions"]) == len(instances)
    assert server.process.wait(timeout=30) in (0, -15)
    server.client.close()
