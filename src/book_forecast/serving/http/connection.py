"""HTTP connections that end when a caller is too slow or sends something else than HTTP."""

from __future__ import annotations

import asyncio

import h11
import orjson
from uvicorn.protocols.http.h11_impl import H11Protocol

_SLOWEST = 4000
"""Bytes a second: a caller who takes a response more slowly is disconnected."""


class Connection(H11Protocol):
    """A connection that ends when its caller sends no request or takes no response.

    `BodyGuard` refuses bodies that do not arrive, because it can still respond.

    Attributes:
        seconds: Until a request's head must have arrived, and until waiting output must have left.
    """

    seconds = 30.0
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop both timers."""
        self._stop_waiting_for_head()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Continue or begin a request."""
        super().data_received(data)
        if self._is_answering():
            self._stop_waiting_for_head()

    def on_response_complete(self) -> None:
        """Wait for the next request, unless it has arrived already."""
        super().on_response_complete()
        if not self._is_answering():
            self._wait_for_head()

    def pause_writing(self) -> None:
        """Watch how fast the caller takes the response."""
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        """Stop watching: the caller has taken the response."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP, unless a response has begun."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        body = orjson.dumps({"detail": msg})
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        response = h11.Response(status_code=400, headers=headers, reason="Bad Request")
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._stop_waiting_for_head()
        self._head_timer = self.loop.call_later(self.seconds, self.transport.close)

    def _stop_waiting_for_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _watch_writing(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self.seconds, self._end_if_stuck, left)

    def _end_if_stuck(self, before: int) -> None:
        if before - self.transport.get_write_buffer_size() < _SLOWEST * self.seconds:
            self.transport.abort()
        else:
            self._watch_writing()


def connection_of(seconds: float) -> type[Connection]:
    """Return the class of a service's connections; `seconds` as in `Connection`."""
    return type("Connection", (Connection,), {"seconds": seconds})
