"""The service as a process, and requests to it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Self, cast

import numpy as np

HORIZON, LEVELS = 32, [80, 95]
PLAN = {
    "horizon": 32,
    "levels": [80, 95],
    "promotions": [{"first_week": "2024-08-03", "last_week": "2024-08-24", "depth": 0.25}],
}
"""A plan that is tried on a title."""
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class Service:
    """The service as a process."""

    def __init__(self, releases: str, stock: Path) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "book_forecast.serving", "--port", "0"),
                *("--releases", releases, "--stock", str(stock)),
            ],
            stdout=self.log,
            env={**os.environ, "BOOK_FORECAST_SERVE_POLL_SECONDS": "600"},
        )
        self.port = self._wait(self._port)
        self._wait(self._is_ready)
        self.seconds_to_ready = time.perf_counter() - started
        self.processor_seconds_to_ready = self.processor_seconds()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def memory(self) -> str:
        """Return the memory of the process now, and its maximum."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        now, most = (
            int(re.findall(rf"{key}:\s+(\d+)", status)[0]) / 1024 for key in ("VmRSS", "VmHWM")
        )
        return f"{now:.0f} MB now, {most:.0f} MB at most"

    def processor_seconds(self) -> float:
        """Return how long the process and those that it has ended have had a processor."""
        status = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return sum(map(int, status[11:15])) / os.sysconf("SC_CLK_TCK")

    def _wait(self, what: Callable[[], int]) -> int:
        while True:
            if self.process.poll() is not None:
                sys.exit("The service has ended.")
            if found := what():
                return found
            time.sleep(0.005)

    def _port(self) -> int:
        found = re.search(rb"http://[\d.]+:(\d+)", os.pread(self.log.fileno(), 10_000, 0))
        return int(found[1]) if found else 0

    def _is_ready(self) -> int:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz").status == 200
        except OSError:
            return 0


class Connection(asyncio.Protocol):
    """One open connection, with a request at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.response: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect a response until it is whole."""
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        # Responses to large batches come in chunks; the last chunk is empty.
        if separator and (len(body) >= int(length[1]) if length else body.endswith(_LAST_CHUNK)):
            self.buffer = b""
            if self.response is not None:
                self.response.set_result((int(head[9:12]), body))

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request that waits."""
        if self.response is not None and not self.response.done():
            self.response.set_exception(error or ConnectionError("closed before the response"))

    def send(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; status and body come later."""
        self.response = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.response


class Client:
    """Sends requests over as many connections as there are requests at the same time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.free: list[Connection] = []

    async def send(self, request: bytes) -> bytes:
        """Return the body of the response, whose status must be 200."""
        while self.free and self.free[-1].transport.is_closing():
            self.free.pop()
        if self.free:
            connection = self.free.pop()
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
        status, body = await connection.send(request)
        self.free.append(connection)
        if status != 200:
            raise ConnectionError(f"{status}: {body[:200]!r}")
        return body


def predict(isbns: list[str], horizon: int = HORIZON, levels: Sequence[float] = LEVELS) -> bytes:
    """Return a request for some titles."""
    instances = [{"isbn": isbn} for isbn in isbns]
    parameters = {"horizon": horizon, "levels": levels}
    return post("/predict", {"instances": instances, "parameters": parameters})


def get(isbn: str) -> bytes:
    """Return a request for one title."""
    levels = "&".join(f"level={level}" for level in LEVELS)
    return request(f"/books/{isbn}/forecast?horizon={HORIZON}&{levels}")


def post(path: str, content: object) -> bytes:
    """Return a request with a body."""
    body = json.dumps(content).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def request(path: str) -> bytes:
    """Return a request for a path."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def timed(send: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds until the response."""
    started = time.perf_counter()
    await send()
    return time.perf_counter() - started


def spread(seconds: list[float]) -> str:
    """Return median and maximum in milliseconds."""
    return f"{np.median(seconds) * 1000:.1f} ms (at most {max(seconds) * 1000:.0f} ms)"
