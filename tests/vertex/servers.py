"""Real servers on loopback, each a process with a home of its own: ZenML's and MLflow's.

They begin as forks of the process that has the libraries imported, which saves ten seconds each.
"""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from mlflow import MlflowClient
from mlflow.server.constants import (
    ARTIFACT_ROOT_ENV_VAR,
    ARTIFACTS_DESTINATION_ENV_VAR,
    BACKEND_STORE_URI_ENV_VAR,
    SERVE_ARTIFACTS_ENV_VAR,
)

from runner_testing.warm import Command
from tests import processes

# A busy machine takes its time; a server that does not start says so itself.
STARTS_WITHIN = 600
ANSWERS_WITHIN = 120
LOG = "server.log"


@dataclass
class ZenmlServer:
    """ZenML's server with a database of its own, which may be stopped and started again.

    Attributes:
        home: Where its files are.
        url: Its address.
        token: Of its administrator, since its last start.
        api_key: Of a service account.
    """

    home: Path
    url: str = field(default_factory=lambda: f"http://127.0.0.1:{free_port()}")
    token: str = ""
    api_key: str = ""
    _process: Command | None = None

    def begin(self) -> None:
        """Start its process, which answers seconds later."""
        environment = {
            "ZENML_SERVER": "true",
            "ZENML_CONFIG_PATH": str(self.home),
            "ZENML_SERVER_AUTO_ACTIVATE": "true",
            "ZENML_DEFAULT_USER_PASSWORD": "opensesame",
            "ZENML_ANALYTICS_OPT_IN": "false",
        }
        self._process = _start(
            "zenml.zen_server.zen_server_api:app", self.url, self.home, environment
        )

    def start(self) -> None:
        """Start it, wait until it answers, and log in."""
        self.begin()
        self.wait()

    def wait(self) -> None:
        """Wait until it answers, and log in: the tokens of a former start are worth nothing."""
        assert self._process is not None
        _wait_for(self.url, self._process, self.home)
        login = urlencode({"username": "default", "password": "opensesame"}).encode()
        kind = "application/x-www-form-urlencoded"
        self.token = _post(f"{self.url}/api/v1/login", login, kind)["access_token"]
        if not self.api_key:
            accounts = f"{self.url}/api/v1/service_accounts"
            account = _post_json(accounts, self.token, name="pipelines", active=True)
            keys = f"{accounts}/{account['id']}/api_keys"
            self.api_key = str(_post_json(keys, self.token, name="key")["body"]["key"])

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End its process, and wait until it has ended."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()

    def get(self, path: str, **query: str) -> Any:
        """Ask the server's REST interface."""
        url = f"{self.url}/api/v1/{path}?{urlencode(query)}"
        request = Request(url, headers={"Authorization": f"Bearer {self.token}"})
        with urlopen(request, timeout=ANSWERS_WITHIN) as answer:
            return json.load(answer)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def zenml_server(home: Path) -> Iterator[ZenmlServer]:
    """ZenML's server with a database in `home`; it starts from a process with its libraries."""
    server = ZenmlServer(home)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def mlflow_server(home: Path) -> Iterator[str]:
    """MLflow's server with its database and artifacts in `home`, as `mlflow server` starts it."""
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # It would start eight more processes, for work that nobody here asks for.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        BACKEND_STORE_URI_ENV_VAR: f"sqlite:///{home}/mlflow.db",
        ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        SERVE_ARTIFACTS_ENV_VAR: "true",
        ARTIFACTS_DESTINATION_ENV_VAR: str(home / "artifacts"),
    }
    process = _start("mlflow.server.fastapi_app:app", url, home, environment)
    try:
        _wait_for(url, process, home)
        # The first request creates the tables: two at once would both do so.
        MlflowClient(url).search_experiments()
        yield url
    finally:
        process.kill()


def _start(app: str, url: str, home: Path, environment: Mapping[str, str]) -> Command:
    """Start a server from a process that has its libraries; it ends with this process."""
    home.mkdir(parents=True, exist_ok=True)
    host, port = url.removeprefix("http://").split(":")
    words = ["-m", "uvicorn", app, "--log-level", "warning", "--host", host, "--port", port]
    return processes.cloud.start(words, home, os.environ | environment, home / LOG)


def _wait_for(url: str, process: Command, home: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        with suppress(OSError), urlopen(f"{url}/health", timeout=60):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{url} did not start:\n{(home / LOG).read_text()}")
        time.sleep(0.1)


def _post_json(url: str, token: str, **content: Any) -> Any:
    return _post(url, json.dumps(content).encode(), "application/json", f"Bearer {token}")


def _post(url: str, body: bytes, kind: str, authorization: str = "") -> Any:
    headers = {"Content-Type": kind, "Authorization": authorization}
    with urlopen(Request(url, body, headers), timeout=ANSWERS_WITHIN) as answer:
        return json.load(answer)
