"""Real servers on loopback, each a process with a home of its own: ZenML's and MLflow's."""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests import leash

# A busy machine takes its time; a server that does not start says so itself.
STARTS_WITHIN = 600
ANSWERS_WITHIN = 120


@dataclass(frozen=True)
class ZenmlServer:
    """Where ZenML's server is, and who may use it.

    Attributes:
        url: Its address.
        token: Of its administrator.
        api_key: Of a service account.
    """

    url: str
    token: str
    api_key: str

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
    """ZenML's server with a database in `home`."""
    url = f"http://127.0.0.1:{free_port()}"
    environment = {
        "ZENML_SERVER": "true",
        "ZENML_CONFIG_PATH": str(home),
        "ZENML_SERVER_AUTO_ACTIVATE": "true",
        "ZENML_DEFAULT_USER_PASSWORD": "opensesame",
        "ZENML_ANALYTICS_OPT_IN": "false",
    }
    module = ["uvicorn", "zenml.zen_server.zen_server_api:app", "--log-level", "warning"]
    with _served(module, url, f"{url}/health", home, environment):
        yield _log_in(url)


@contextmanager
def mlflow_server(home: Path) -> Iterator[str]:
    """MLflow's server with its database and artifacts in `home`."""
    url = f"http://127.0.0.1:{free_port()}"
    module = ["mlflow", "server", "--workers", "1"]
    module += ["--backend-store-uri", f"sqlite:///{home}/mlflow.db"]
    module += ["--artifacts-destination", str(home / "artifacts")]
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # It would start eight more processes, for work that nobody here asks for.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with _served(module, url, f"{url}/health", home, environment):
        yield url


@contextmanager
def _served(
    module: list[str], url: str, health: str, home: Path, environment: Mapping[str, str]
) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    host, port = url.removeprefix("http://").split(":")
    log = home / "server.log"
    with log.open("w") as output:
        process = leash.start(
            [sys.executable, "-m", *module, "--host", host, "--port", port],
            env=os.environ | environment,
            cwd=home,
            output=output,
        )
    try:
        deadline = time.monotonic() + STARTS_WITHIN
        while True:
            with suppress(OSError), urlopen(health, timeout=60):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{module[0]} did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield
    finally:
        leash.end(process)


def _log_in(url: str) -> ZenmlServer:
    """Log in as the default user, and make a service account with a key."""
    login = urlencode({"username": "default", "password": "opensesame"}).encode()
    token = _post(f"{url}/api/v1/login", login, "application/x-www-form-urlencoded")["access_token"]
    account = _post_json(f"{url}/api/v1/service_accounts", token, name="pipelines", active=True)
    key = _post_json(f"{url}/api/v1/service_accounts/{account['id']}/api_keys", token, name="key")
    return ZenmlServer(url, token, str(key["body"]["key"]))


def _post_json(url: str, token: str, **content: Any) -> Any:
    return _post(url, json.dumps(content).encode(), "application/json", f"Bearer {token}")


def _post(url: str, body: bytes, kind: str, authorization: str = "") -> Any:
    headers = {"Content-Type": kind, "Authorization": authorization}
    with urlopen(Request(url, body, headers), timeout=ANSWERS_WITHIN) as answer:
        return json.load(answer)
