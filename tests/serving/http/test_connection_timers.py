"""When a connection is ended, by a clock that the test turns."""

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from book_forecast.serving.http.connection import connection_of

SECONDS = 30.0
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time goes on by call alone."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        """Let time pass, and run what is due until nothing is left to do."""
        self.now += seconds
        for _ in range(20):
            self.run_until_complete(asyncio.sleep(0))


class Transport(asyncio.Transport):
    """The other end of a connection: what it was sent, and how the connection has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.ends: list[str] = []
        self.waiting = 0

    def get_extra_info(self, name: str, default: object = None) -> Any:
        return ("127.0.0.1", 1) if name.endswith("name") else default

    def write(self, data: Any) -> None:
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def close(self) -> None:
        self.ends.append("closed")

    def abort(self) -> None:
        self.ends.append("aborted")

    def is_closing(self) -> bool:
        return bool(self.ends)

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
def clock():
    loop = Clock()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def connection(clock):
    """A connection that was just made; its keep-alive by uvicorn is longer than any test."""
    config = uvicorn.Config(application, lifespan="off", log_config=None, timeout_keep_alive=10**6)
    made = connection_of(SECONDS)(config, ServerState(), {}, _loop=clock)
    made.connection_made(Transport())
    yield made
    made.connection_lost(None)
    clock.turn(0.0)


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", REQUEST + b"G"])
def test_a_connection_without_a_whole_request_is_ended_in_time_and_not_before(
    clock, connection, sent
):
    if sent:
        connection.data_received(sent)
    clock.turn(0.0)
    clock.turn(SECONDS - 0.1)
    assert connection.transport.ends == []
    clock.turn(0.2)
    assert connection.transport.ends == ["closed"]
    assert connection.transport.sent.count(b"HTTP/1.1 200") == sent.count(REQUEST)


def test_a_head_that_trickles_gets_no_more_time(clock, connection):
    connection.data_received(b"GET / HTTP/1.1\r\n")
    for _ in range(9):
        clock.turn(SECONDS / 10)
        connection.data_received(b"X: y\r\n")
    assert connection.transport.ends == []
    clock.turn(SECONDS / 10 + 0.1)
    assert connection.transport.ends == ["closed"]


def test_each_request_starts_the_time_anew(clock, connection):
    for number in range(1, 7):
        clock.turn(0.9 * SECONDS)
        connection.data_received(REQUEST)
        clock.turn(0.0)
        assert connection.transport.sent.count(b"HTTP/1.1 200") == number
    assert connection.transport.ends == []


@pytest.mark.parametrize(
    ("taken", "ends"), [(0, ["aborted"]), (100_000, ["aborted"]), (150_000, [])]
)
def test_a_caller_who_takes_too_little_of_a_response_is_disconnected(
    clock, connection, taken, ends
):
    """Too little is less than 4,000 bytes a second."""
    connection.data_received(REQUEST)
    connection.transport.waiting = 1_000_000
    connection.pause_writing()
    for _ in range(3):
        assert connection.transport.ends == []
        connection.transport.waiting -= taken
        clock.turn(SECONDS + 0.1)
        if ends:
            break
    assert connection.transport.ends == ends
