"""The service as a process on loopback, and the releases that it serves."""

import datetime as dt
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx

from book_forecast.releases.assembly import assemble
from book_forecast.releases.promotion_log import Action, Promotion
from book_forecast.releases.store import ReleaseStore
from runner_testing.warm import Command
from tests import processes
from tests.releases import payloads

FIRST, SECOND = "2024-07-01T05.00.00-00000001", "2024-07-08T05.00.00-00000002"
TITLES = 12
KNOWN = [payloads.isbn(n) for n in range(TITLES)]
UNKNOWN = payloads.isbn(999)


def write(store: ReleaseStore, release: str, **options: Any) -> None:
    """Write a release of invented titles."""
    store.write(release, assemble(release, payloads.tables(**{"titles": TITLES, **options}), {}))


def promote(store: ReleaseStore, release: str, action: Action = "promote") -> None:
    """Make a release champion in the store's record."""
    changes = store.promotions()
    store.record(
        Promotion(
            number=len(changes) + 1,
            action=action,
            release=release,
            before=changes[-1].release if changes else None,
            who="ann",
            when=dt.datetime.now(dt.UTC),
            why="better",
        )
    )


def make_store(folder: Path) -> ReleaseStore:
    """A store of two releases; the first is champion."""
    store = ReleaseStore(str(folder))
    for seed, release in enumerate((FIRST, SECOND)):
        write(store, release, seed=seed)
    promote(store, FIRST)
    return store


Process = Command | subprocess.Popen[bytes]
_LOOPBACK = {"AIP_HTTP_PORT": "0", "BOOK_FORECAST_SERVE_HOST": "127.0.0.1"}


class Server:
    """The service as a process, with its log; settings are environment variables."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.log_file = folder / f"service-{time.monotonic_ns()}.log"
        self.log_file.touch()
        own = ("AIP_", "BOOK_FORECAST_", "MLFLOW_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(own)}
        self.process = self._start(
            ["-m", "book_forecast.serving", *arguments], {**inherited, **_LOOPBACK, **variables}
        )
        self.port = int(eventually(self._port))
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)

    def _start(self, words: list[str], environment: dict[str, str]) -> Process:
        return processes.service.start(words, Path.cwd(), environment, self.log_file)

    def ready(self) -> "Server":
        """Wait for a release."""
        eventually(lambda: self.client.get("/readyz").status_code == 200)
        return self

    def predict(self, *instances: Any, **parameters: Any) -> httpx.Response:
        """Ask for some titles."""
        content: dict[str, Any] = {"instances": list(instances)}
        if parameters:
            content["parameters"] = parameters
        return self.client.post("/predict", json=content)

    def wake(self) -> None:
        """Let it look for another release at once."""
        self.process.send_signal(signal.SIGHUP)

    def readiness(self) -> dict[str, Any]:
        """What /readyz says."""
        content: dict[str, Any] = self.client.get("/readyz").json()
        return content

    def log(self) -> list[dict[str, Any]]:
        """Its lines so far; one that is being written is not one yet."""
        whole, _, _ = self.log_file.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def _port(self) -> str | None:
        text = self.log_file.read_text()
        assert self.process.poll() is None, text
        found = re.search(r"http://[\d.]+:(\d+)", text)
        return found[1] if found else None


class FreshServer(Server):
    """The service in a Python that starts anew, so that its memory is its own."""

    process: subprocess.Popen[bytes]

    def memory(self, kind: str = "RssAnon") -> int:
        """Bytes that are its own, or another number of Linux's."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{kind}:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024

    def _start(self, words: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with self.log_file.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, *words], env=environment, stdout=log, stderr=subprocess.STDOUT
            )


def eventually(check: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)
    return found


def damage(folder: Path, kind: str) -> Path:
    """Change a byte of a release's file."""
    path = next(folder.glob(f"{kind}-*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


def model_folder(folder: Path) -> Path:
    """A folder as MLflow writes a model with a payload, without the model's own files."""
    model = folder / "model"
    payloads.write(model / "artifacts" / "payload", FIRST, titles=TITLES)
    (model / "MLmodel").write_text("flavors: {}\n")
    (model / "code").mkdir()
    shutil.copy(__file__, model / "code" / "readers.py")
    return model
