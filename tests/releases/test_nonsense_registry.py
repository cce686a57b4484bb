"""An MLflow server that answers nonsense costs no release, promotion or start of the service."""

import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from book_forecast.releases.promotion import promote
from book_forecast.releases.publishing import publish
from book_forecast.releases.registry import RegistryError, ReleaseRegistry
from book_forecast.releases.store import ReleaseStore
from tests import leash
from tests.releases import payloads
from tests.serving.servers import FIRST, eventually, make_store

NONSENSE = {
    "a page": b"<html><body>Welcome</body></html>",
    "nothing": b"",
    "a list": b"[1, 2]",
    "other kinds": json.dumps(
        {"registered_model": 5, "experiment": [], "run": None, "model_versions": "x"}
    ).encode(),
    "bytes": bytes(range(128, 256)),
    "a deep list": b"[" * 100_000,
}


class Server(ThreadingHTTPServer):
    """One answer to every request; `asked` has the addresses."""

    daemon_threads = True
    content = b""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.uri = f"http://ann:hunter2@127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(length)
        content = b"OK" if self.path == "/health" else self.server.content
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.mark.parametrize("kind", NONSENSE)
def test_releases_are_stored_and_promoted_as_without_it(server, tmp_path, caplog, kind):
    server.content = NONSENSE[kind]
    registry, store = ReleaseRegistry(server.uri, "books"), ReleaseStore(str(tmp_path))
    release = payloads.saved(store)
    publish(store, registry, release, Path.cwd())
    promote(store, registry, release, action="promote", why="good", before=None)
    assert store.champion() == release
    assert len(store.read(release)) == 3
    assert "run `kedro release sync` later" in caplog.text
    with pytest.raises(RegistryError) as caught:
        registry.register(release, tmp_path / release, [], {})
    assert server.asked
    assert "hunter2" not in str(caught.value) + caplog.text
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_service_is_ready_whatever_the_registry_answers(server, tmp_path, project_path):
    server.content = NONSENSE["a page"]
    store = make_store(tmp_path / "06_models/releases")
    command = [sys.executable, "-m", "kedro", "serve", "--port", "0", "--data-root", str(tmp_path)]
    log = tmp_path / "log"
    variables = {**os.environ, "MLFLOW_TRACKING_URI": server.uri}
    with log.open("w") as output:
        process = leash.start(command, env=variables, cwd=project_path, output=output)
    try:
        port = eventually(lambda: _port(log.read_text()))
        url = f"http://127.0.0.1:{port}/readyz"
        ready = eventually(lambda: (r := httpx.get(url, trust_env=False)).is_success and r)
    finally:
        leash.end(process)
    assert ready.json()["release"] == FIRST == store.champion()
    assert server.asked == []


def _port(log: str) -> str | None:
    _, found, rest = log.partition("running on http://127.0.0.1:")
    return rest.split(" ")[0].split('"')[0] if found and " " in rest else None
