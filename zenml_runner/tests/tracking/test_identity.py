"""MLflow's client asks Google's metadata server for an identity, here one on loopback."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mlflow
import pytest

from zenml_runner.tracking import identity


def part(content: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


TOKEN = f"{part({'alg': 'RS256'})}.{part({'exp': 4102444800})}.{part({})}"


class Handler(BaseHTTPRequestHandler):
    """A metadata server and, behind other paths, an MLflow server that notes who asks."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        kind, body = "application/json", b'{"email": "steps@project", "scopes": []}'
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(200)
        if "/identity" in self.path:
            kind, body = "application/text", TOKEN.encode()
        if self.path.startswith("/api/"):
            body = b'{"run": {"info": {"run_id": "1", "status": "RUNNING"}, "data": {}}}'
        self.send_header("Content-Type", kind)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the terminal quiet."""


@pytest.fixture
def server(monkeypatch):
    Handler.asked = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True).start()
    host = f"127.0.0.1:{running.server_port}"
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"):
        monkeypatch.setenv(name, host)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_AUTH", identity.NAME)
    # What ZenML's tracker sets, as its configuration asks for something.
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "unused")
    monkeypatch.setattr(identity, "_tokens", {})
    yield f"http://{host}"
    running.shutdown()


def test_requests_carry_a_token_for_their_own_server_asked_for_once(server, monkeypatch):
    # The library reads the host when it is imported.
    from google.auth.compute_engine import _metadata

    root = server.removeprefix("http://")
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", root, raising=False)
    monkeypatch.setattr(_metadata, "_METADATA_ROOT", f"{server}/computeMetadata/v1/", raising=False)
    client = mlflow.MlflowClient(server)
    for _ in range(2):
        assert client.get_run("1").info.status == "RUNNING"
    api = [header for path, header in Handler.asked if path.startswith("/api/")]
    assert api == [f"Bearer {TOKEN}"] * 2
    tokens = [path for path, _ in Handler.asked if "/identity" in path]
    assert len(tokens) == 1
    assert f"audience={server}".replace(":", "%3A").replace("/", "%2F") in tokens[0]
