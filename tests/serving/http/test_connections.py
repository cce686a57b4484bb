"""Callers who hold a connection without using it, or send something else than HTTP.

`test_connection_timers` has the times.
"""

import json
import socket
import time

import pytest

from tests.serving.servers import KNOWN, FreshServer, eventually

READY = b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
SECONDS = 0.5


@pytest.fixture(scope="module")
def hasty(served_store, tmp_path_factory):
    """A service that waits for callers only briefly."""
    variables = {"BOOK_FORECAST_SERVE_BODY_SECONDS": str(SECONDS)}
    folder = tmp_path_factory.mktemp("log")
    with FreshServer(folder, "--releases", served_store.root, **variables) as server:
        yield server.ready()


def connect(server, *sent):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    for piece in sent:
        connection.sendall(piece)
    return connection


def all_of(connection):
    """What comes until the service ends the connection."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def is_ended(connection, sent):
    """Whether no more can be sent; a while is let pass before that."""
    time.sleep(SECONDS / 10)
    try:
        connection.sendall(sent)
    except ConnectionError:
        return True
    return False


@pytest.mark.parametrize("sent", [b"", b"G", b"GET /readyz HTTP/1.1\r\nHost: x\r\n", READY + b"G"])
def test_a_connection_without_a_whole_request_is_ended(hasty, sent):
    with connect(hasty, sent) as connection:
        assert all_of(connection).count(b"HTTP/1.1 200") == sent.count(READY)


def test_a_head_that_trickles_is_not_waited_for(hasty):
    with connect(hasty, b"GET /readyz HTTP/1.1\r\n") as connection:
        # Each line comes in time, and all of them take too long.
        eventually(lambda: is_ended(connection, b"X: y\r\n"))


def test_requests_one_after_the_other_use_one_connection(hasty):
    with connect(hasty) as connection, connection.makefile("rb") as answers:
        for _ in range(6):
            connection.sendall(READY)
            assert answers.readline().startswith(b"HTTP/1.1 200")
            while not answers.readline().isspace():
                pass
            answers.read(len(hasty.client.get("/readyz").content))


def test_a_caller_may_wait_between_two_requests_as_long_as_for_the_first(server):
    with connect(server, READY) as connection:
        time.sleep(6.5)  # more than the 5 s of Uvicorn
        connection.sendall(READY)
        connection.shutdown(socket.SHUT_WR)
        assert all_of(connection).count(b"HTTP/1.1 200") == 2


def test_what_is_left_of_a_refused_body_is_not_waited_for(hasty):
    head = b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
    with connect(hasty, head) as connection:
        eventually(lambda: is_ended(connection, b" "))


def test_who_takes_no_answer_costs_no_memory_and_is_disconnected(hasty):
    instance = {"isbn": KNOWN[0], "horizon": 104, "levels": list(range(10, 100, 10))}
    body = json.dumps({"instances": [instance] * 1000}).encode()
    head = (
        "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"X-Request-ID: idler\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    hasty.predict(*[instance] * 1000)
    before = hasty.memory()
    idlers = [connect(hasty, head.encode(), body) for _ in range(4)]

    def ended():
        lines = [entry for entry in hasty.log() if entry.get("request_id") == "idler"]
        return len(lines) == len(idlers)

    eventually(ended)
    # Each answer has more than ten megabytes.
    assert hasty.memory() - before < 30_000_000
    for idler in idlers:
        idler.close()
    assert not [entry for entry in hasty.log() if entry["level"] == "ERROR"]


def test_a_large_batch_comes_whole_and_in_order(hasty):
    for number in (0, 1, 15, 16, 17, 32, 33):
        instances = [{"isbn": KNOWN[n % len(KNOWN)], "horizon": 1 + n} for n in range(number)]
        predictions = hasty.predict(*instances).json()["predictions"]
        assert [p["isbn"] for p in predictions] == [i["isbn"] for i in instances]
        assert [len(p["weeks"]) for p in predictions] == [i["horizon"] for i in instances]


def test_the_error_of_bytes_that_are_not_http_has_the_usual_shape(hasty):
    with connect(hasty, b"\x16\x03\x01 no http\r\n\r\n") as connection:
        head, _, body = all_of(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert set(json.loads(body)) == {"detail"}


def test_no_failure_of_the_service_is_logged_when_a_caller_is_at_fault(hasty):
    """Neither where one is gone before the body is there, nor where a chunk is none."""
    head = b"POST /%s HTTP/1.1\r\nHost: x\r\nX-Request-ID: %s\r\n"
    with connect(hasty, head % (b"predict", b"gone"), b"Content-Length: 9\r\n\r\n{"):
        pass
    chunked = head % (b"nothing", b"torn") + b"Transfer-Encoding: chunked\r\n\r\n"
    with connect(hasty, chunked) as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 404")
        connection.sendall(b"no chunk\r\n")
        all_of(connection)

    def line(request_id):
        return next((e for e in hasty.log() if e.get("request_id") == request_id), None)

    assert eventually(lambda: line("gone"))["status"] == 0
    assert eventually(lambda: line("torn"))["status"] == 404
    assert not [entry for entry in hasty.log() if entry["level"] == "ERROR"]
    assert 'status="500"' not in hasty.client.get("/metrics").text


def test_no_websocket_is_opened_and_a_path_leads_nowhere_else(hasty):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert hasty.client.get("/readyz", headers=upgrade).status_code == 200
    for path in ("/books/", "/predict/", "/metrics/"):
        answer = hasty.client.get(path, headers={"Host": "elsewhere.example"})
        assert (answer.status_code, set(answer.json())) == (404, {"detail"})
