"""A proxy in front of the emulator of Google Cloud Storage that injects faults.

It forwards requests one to one, notes each of them, and lets chosen ones fail as a network or a
service does. `tests.gcs` has its fixtures.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

UNAVAILABLE = "unavailable"
"""The service answers with status 503."""
SILENT = "silent"
"""The service takes the request and never answers."""
REFUSED = "refused"
"""The connection is reset before the request has arrived."""
TORN_REQUEST = "torn request"
"""The connection is reset when half of the body has arrived."""
LOST_ANSWER = "lost answer"
"""The request is carried out, and the connection is reset before its answer."""
TORN_ANSWER = "torn answer"
"""The connection is reset within the answer."""
VANISHED = "vanished"
"""The bucket does not exist any more."""
FORBIDDEN = "forbidden"
"""The account may not do this any more."""

_REFUSALS = {
    UNAVAILABLE: (503, "Service Unavailable"),
    VANISHED: (404, "The specified bucket does not exist."),
    FORBIDDEN: (403, "The account does not have storage.objects access."),
}


@dataclass
class Fault:
    """What happens to requests.

    Attributes:
        kind: One of the kinds above.
        method: Of the requests that it happens to; every one if empty.
        part: A part of their address.
        times: How often it happens; always if None.
        every: Of the requests that it could happen to, it happens to every n-th.
    """

    kind: str
    method: str = ""
    part: str = ""
    times: int | None = None
    every: int = 1
    seen: int = 0
    happened: int = 0

    def happens(self, method: str, path: str) -> bool:
        """Count a request, and return whether it fails."""
        if not (method.startswith(self.method) and self.part in path):
            return False
        self.seen += 1
        if self.seen % self.every or self.happened == self.times:
            return False
        self.happened += 1
        return True


@dataclass
class FaultyBucket:
    """A bucket behind the proxy.

    Attributes:
        url: Its address, `gs://…`.
        requests: Method and address of every request that has arrived.
        strangers: How many connections spoke something else than HTTP, as gRPC does.
        faults: What happens to requests; the first that fits does.
    """

    url: str = ""
    requests: list[str] = field(default_factory=list)
    strangers: int = 0
    faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def inject(self, kind: str, method: str = "", part: str = "", **more: int) -> Fault:
        """Let requests fail from now on."""
        fault = Fault(kind, method, part, **more)
        with self._lock:
            self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Let no request fail any more."""
        with self._lock:
            self.faults.clear()

    def fault_of(self, method: str, path: str) -> str:
        """Note a request, and return what happens to it; nothing is an empty text."""
        with self._lock:
            self.requests.append(f"{method} {path}")
            return next((f.kind for f in self.faults if f.happens(method, path)), "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and content are two writes: the second would wait 40 ms for the first one's receipt.
    disable_nagle_algorithm = True
    bucket: ClassVar[FaultyBucket]
    target: ClassVar[str]
    raw_requestline: bytes

    def parse_request(self) -> bool:
        """Count what is not HTTP; gRPC begins with a handshake or with `PRI * HTTP/2.0`."""
        first = self.raw_requestline.split(b" ")[0]
        if first not in (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE"):
            self.bucket.strangers += 1
            self.close_connection = True
            return False
        return super().parse_request()

    def _forward(self) -> None:
        fault = self.bucket.fault_of(self.command, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if fault == REFUSED:
            return self._reset()
        if fault == TORN_REQUEST:
            self.rfile.read(length // 2)
            return self._reset()
        body = self.rfile.read(length) if length else None
        if fault == SILENT:
            with suppress(OSError):
                self.connection.recv(1)  # until the caller has had enough
            return self._reset()
        if fault in _REFUSALS:
            status, message = _REFUSALS[fault]
            refusal = {"error": {"code": status, "message": message}}
            return self._answer(status, {}, json.dumps(refusal).encode())
        server = HTTPConnection(self.target, timeout=60)
        try:
            server.request(self.command, self.path, body, dict(self.headers))
            answer = server.getresponse()
            content = answer.read()
        finally:
            server.close()
        if fault == LOST_ANSWER:
            return self._reset()
        return self._answer(answer.status, dict(answer.headers), content, torn=fault == TORN_ANSWER)

    def _answer(self, status: int, headers: dict[str, str], content: bytes, torn: bool = False):
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) + torn))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if torn else content)
        if torn:
            self._reset()

    def _reset(self) -> None:
        """End the connection as a network does: without a farewell."""
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def shutdown_request(self, request: object) -> None:
        """Close without a farewell, so that a reset is one."""
        self.close_request(request)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """Callers that leave are no failure of the proxy."""


def start_proxy(bucket: FaultyBucket, target: str) -> ThreadingHTTPServer:
    """Start a proxy of a bucket in front of the emulator at an address; `shutdown` ends it."""
    handler = type("Handler", (_Handler,), {"bucket": bucket, "target": urlsplit(target).netloc})
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
