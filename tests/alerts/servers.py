"""A webhook and a mail server on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


class WebhookServer(ThreadingHTTPServer):
    """Takes messages; the next answers may be others.

    Attributes:
        texts: Of the messages that were taken.
        answers: Status codes of the next answers; 200 after them.
        requests: Number of all requests.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: list[str] = []
        self.answers: list[int] = []
        self.requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/services/T0/B0/secretpath"


class _Handler(BaseHTTPRequestHandler):
    server: WebhookServer

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1
        status = self.server.answers.pop(0) if self.server.answers else 200
        if status == 200:
            self.server.texts.append(json.loads(content)["text"])
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def webhook() -> Iterator[WebhookServer]:
    server = WebhookServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Mailbox:
    """Takes mail.

    Attributes:
        letters: As they were sent.
        answers: The next answers; accepted after them.
    """

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.answers: list[str] = []

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        self.letters.append(envelope)
        return "250 OK"


class _AnyPort(Controller):
    """A server at a free port, which the library does not ask for."""

    def _trigger_server(self) -> None:
        sockets = getattr(self.server, "sockets")  # noqa: B009 - asyncio's stubs lack it
        self.port = sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server() -> Iterator[tuple[Mailbox, str]]:
    """A mail server, and its address."""
    mailbox = Mailbox()
    controller = _AnyPort(mailbox, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        yield mailbox, f"smtp://127.0.0.1:{controller.port}"
    finally:
        controller.stop()
