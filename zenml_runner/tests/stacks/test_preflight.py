"""Whether a server is there, and how long one waits for it."""

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from zenml_runner.failures import MLFLOW_RETRIES, few_mlflow_retries, server_error


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/health" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_whose_address_has_a_password_is_there():
    with HTTPServer(("127.0.0.1", 0), Healthy) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert server_error(f"http://ann:word@127.0.0.1:{server.server_port}/") is None
        thread.join()
    assert server_error(f"http://127.0.0.1:{server.server_port}") is not None


def test_patience_is_short_for_a_while_unless_the_user_has_said_how_long(monkeypatch):
    monkeypatch.delenv(MLFLOW_RETRIES, raising=False)
    with few_mlflow_retries():
        assert os.environ[MLFLOW_RETRIES] == "2"
    assert MLFLOW_RETRIES not in os.environ
    monkeypatch.setenv(MLFLOW_RETRIES, "9")
    with few_mlflow_retries():
        assert os.environ[MLFLOW_RETRIES] == "9"
