"""Stands in for the API of Kubeflow Pipelines on loopback: it keeps what it is sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_PREFIX = "/apis/v2beta1/"
_IDS = {"runs": "run_id", "experiments": "experiment_id", "recurringruns": "recurring_run_id"}


@dataclass
class FakeKfp:
    """The API.

    Attributes:
        url: Its address.
        sent: Runs, experiments and recurring runs, in their order.
    """

    url: str
    sent: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {k: [] for k in _IDS})


@contextmanager
def fake_kfp() -> Iterator[FakeKfp]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    api = FakeKfp(f"http://127.0.0.1:{server.server_port}")
    server.api = api  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        kind = self._kind()
        self._answer({"multi_user": False} if kind == "healthz" else {kind: []})

    def do_POST(self) -> None:
        kind = self._kind()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sent = self.server.api.sent[kind]  # type: ignore[attr-defined]
        sent.append(body)
        self._answer(body | {_IDS[kind]: f"{kind}-{len(sent)}"})

    def _kind(self) -> str:
        """The kind of object; a cluster's proxy puts its own path before."""
        return urlsplit(self.path).path.rpartition(_PREFIX)[2]

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
