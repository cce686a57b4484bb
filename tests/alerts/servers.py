"""A webhook and a mail server on loopback."""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def raw_server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does what a function does with each connection; yields its port."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                answer(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class BareMailServer:
    """A mail server that says what a test wants of it.

    Attributes:
        letters: Number of letters that were taken.
        logins: Number of logins that were tried.
    """

    def __init__(self, unknown: str = "", **replies: bytes) -> None:
        """Set the recipient that is refused, and replies to commands; others are accepted."""
        self.letters, self.logins, self._unknown = 0, 0, unknown.encode()
        self._replies = {"quit": b"221 bye", "ehlo": b"250-x\r\n250 AUTH PLAIN", **replies}

    def answer(self, connection: socket.socket) -> None:
        """Talk to a client."""
        lines = connection.makefile("rb")
        connection.sendall(b"220 here\r\n")
        for line in lines:
            command = line[:4].decode().strip().lower()
            if command == "data":
                connection.sendall(b"354 go on\r\n")
                while lines.readline() != b".\r\n":
                    pass
                self.letters += 1
            self.logins += command == "auth"
            is_unknown = command == "rcpt" and self._unknown and self._unknown in line
            reply = b"550 unknown" if is_unknown else self._replies.get(command, b"250 ok")
            connection.sendall(reply + b"\r\n")


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
