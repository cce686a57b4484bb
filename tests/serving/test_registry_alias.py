"""Who is champion by MLflow's registry."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from book_forecast.releases.registry import CHAMPION, RELEASE
from book_forecast.releases.registry import MODEL as REGISTERED
from book_forecast.serving.registry import ALIAS, MODEL, TAG, RegistryError, RestRegistry
from tests.serving.servers import FIRST, SECOND, Server, eventually, promote


def test_names_are_those_that_training_registers():
    assert (MODEL, ALIAS, TAG) == (REGISTERED, CHAMPION, RELEASE)


def serves(server, release):
    """Wait until a release is served and nothing is wrong."""
    as_it_should = {"ready": True, "release": release, "problem": None}
    eventually(lambda: server.readiness() == as_it_should)


@contextmanager
def registry(status: int, content: object, **headers: str) -> Iterator[tuple[str, list[dict]]]:
    """A server that always gives the same answer, and what it was asked."""
    asked: list[dict] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append({"path": self.path, **self.headers})
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def version(release):
    return {"model_version": {"version": "3", "tags": [{"key": "release", "value": release}]}}


def test_the_alias_is_asked_with_the_token():
    with registry(200, version(SECOND)) as (uri, asked):
        assert RestRegistry(uri + "/", "secret").champion() == SECOND
    path = "/api/2.0/mlflow/registered-models/alias?name=book_forecast&alias=champion"
    assert (asked[0]["path"], asked[0]["Authorization"]) == (path, "Bearer secret")


@pytest.mark.parametrize(
    ("status", "code"), [(404, "RESOURCE_DOES_NOT_EXIST"), (400, "INVALID_PARAMETER_VALUE")]
)
def test_without_an_alias_there_is_no_champion(status, code):
    with registry(status, {"error_code": code}) as (uri, _):
        assert RestRegistry(uri).champion() is None


@pytest.mark.parametrize(
    ("status", "content", "words"),
    [
        (404, b"no such page", "answers 404"),
        (403, {}, "answers 403"),
        (500, b"", "answers 500"),
        (200, b"<html>", "does not answer"),
        (200, [], "has no tag release"),
        (200, {"model_version": {"version": "1"}}, "has no tag release"),
    ],
)
def test_any_other_answer_is_an_error_that_names_the_server(status, content, words):
    with (
        registry(status, content) as (uri, _),
        pytest.raises(RegistryError, match=words) as error,
    ):
        RestRegistry(uri).champion()
    assert uri in str(error.value) or status == 200


def test_a_password_in_the_address_is_sent_and_not_told():
    with registry(500, b"") as (uri, asked), pytest.raises(RegistryError) as error:
        RestRegistry(uri.replace("http://", "http://ann:secret@")).champion()
    assert asked[0]["Authorization"] == "Basic YW5uOnNlY3JldA=="
    assert "secret" not in str(error.value)


def test_the_token_does_not_follow_to_another_server():
    with (
        registry(200, version(FIRST)) as (elsewhere, asked_elsewhere),
        registry(302, b"", Location=f"{elsewhere}/") as (uri, _),
        pytest.raises(RegistryError, match="answers 302"),
    ):
        RestRegistry(uri, "secret").champion()
    assert asked_elsewhere == []


def test_the_registry_wins_over_the_record(store, tmp_path):
    with (
        registry(200, version(SECOND)) as (uri, _),
        Server(tmp_path, "--releases", store.root, "--registry", uri) as server,
    ):
        server.ready()
        assert server.readiness() == {"ready": True, "release": SECOND, "problem": None}


def test_without_the_registry_the_record_holds_with_a_warning(store, tmp_path):
    variables = {"BOOK_FORECAST_SERVE_POLL_SECONDS": "0.2"}
    arguments = ("--releases", store.root, "--registry", "http://127.0.0.1:9")
    with Server(tmp_path, *arguments, **variables) as server:
        server.ready()
        told = eventually(lambda: (r := server.readiness())["problem"] and r)
        assert told["release"] == FIRST
        assert "MLflow at http://127.0.0.1:9 does not answer" in told["problem"]
        promote(store, SECOND)
        eventually(lambda: server.readiness()["release"] == SECOND)
        warnings = [entry for entry in server.log() if entry["level"] == "WARNING"]
        assert len(warnings) == 1
        assert server.readiness()["problem"] == told["problem"]


@pytest.mark.slow
@pytest.mark.parametrize("by", ["server", "file"])
def test_a_real_mlflow_tells_the_champion(store, tmp_path, by):
    from mlflow import MlflowClient

    database = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(database, database)
    client.create_registered_model(MODEL)
    for release in (FIRST, SECOND):
        made = client.create_model_version(MODEL, str(tmp_path / "source"), tags={TAG: release})
    assert made.version in ("2", 2)
    with mlflow_server(database, tmp_path) if by == "server" else nothing(database) as uri:
        variables = {"BOOK_FORECAST_SERVE_POLL_SECONDS": "0.5"}
        arguments = ("--releases", store.root, "--registry", uri)
        with Server(tmp_path, *arguments, **variables) as server:
            server.ready()
            told = eventually(lambda: (r := server.readiness())["problem"] and r, 60)
            assert "The registry names no champion" in told["problem"]
            for release, number in ((SECOND, "2"), (FIRST, "1")):
                client.set_registered_model_alias(MODEL, ALIAS, number)
                serves(server, release)
            children = subprocess.run(
                ["pgrep", "-P", str(server.process.pid)], capture_output=True, text=True
            ).stdout.split()
            assert len(children) == (by == "file")
            server.process.kill()
            server.process.wait()
            # The process that asks does not outlive the service.
            eventually(lambda: not any(Path("/proc", pid).exists() for pid in children))


@pytest.mark.slow
def test_a_database_that_is_not_there_is_told_and_not_made(store, tmp_path):
    variables = {"BOOK_FORECAST_SERVE_POLL_SECONDS": "0.5"}
    file = tmp_path / "nothing.db"
    arguments = ("--releases", store.root, "--registry", f"sqlite:///{file}")
    with Server(tmp_path, *arguments, **variables) as server:
        server.ready()
        told = eventually(lambda: server.readiness()["problem"], 60)
        assert f"there is no {file}" in told
    assert not file.exists()


@contextmanager
def nothing(value):
    yield value


@contextmanager
def mlflow_server(database, folder):
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database),
            *("--artifacts-destination", str(folder), "--workers", "1"),
            *("--host", "127.0.0.1", "--port", port),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    uri = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: process.poll() is None and _is_up(f"{uri}/health"), 120)
        yield uri
    finally:
        process.terminate()
        process.wait()


def _is_up(url):
    import httpx

    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
