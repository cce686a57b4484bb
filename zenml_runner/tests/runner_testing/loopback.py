"""Servers on loopback that stand in for APIs."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class JsonHandler(BaseHTTPRequestHandler):
    """Reads and answers JSON; the class of a stand-in has `get`, `post`, `put`, ….

    Attributes:
        api: The stand-in.
    """

    protocol_version = "HTTP/1.1"
    # Headers and content are two writes: the second would wait 40 ms for the first one's receipt.
    disable_nagle_algorithm = True
    api: Any

    def do_GET(self) -> None:
        self.get()

    def do_POST(self) -> None:
        self.post()

    def do_PUT(self) -> None:
        self.put()

    def do_PATCH(self) -> None:
        self.patch()

    def do_DELETE(self) -> None:
        self.delete()

    def get(self) -> None:
        self.answer({}, 405)

    post = put = patch = delete = get

    def body(self) -> Any:
        """The content of a request; empty if it has none."""
        return json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")

    def answer(self, content: Any, status: int = 200) -> None:
        """Send data as JSON, and a text as it is."""
        text = content if isinstance(content, str) else json.dumps(content)
        self.send(text.encode(), "application/json", status)

    def send(self, content: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(handler: type[JsonHandler], api: Any) -> Iterator[str]:
    """Serve a stand-in on a thread of this process.

    Args:
        handler: Answers the requests.
        api: What it answers from.

    Returns:
        Host and port.
    """
    own = type(handler.__name__, (handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), own)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
