"""Who may ask, how much and how slowly; and what is logged of it."""

import json
import select
import socket
import time

import httpx
import pytest

from tests.serving.servers import FIRST, KNOWN, FreshServer, eventually

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def small(served_store, tmp_path_factory):
    """A service with narrow limits and a token."""
    with FreshServer(
        tmp_path_factory.mktemp("log"),
        BOOK_FORECAST_RELEASES=served_store.root,
        BOOK_FORECAST_TOKEN=TOKEN,
        BOOK_FORECAST_SERVE_MAX_BODY="2000",
        BOOK_FORECAST_SERVE_MAX_INSTANCES="3",
        BOOK_FORECAST_SERVE_MAX_HORIZON="16",
        BOOK_FORECAST_SERVE_BODY_SECONDS="1",
    ) as server:
        server.client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield server.ready()


def raw(server, *pieces):
    """Send bytes as they are, and return the answer's status and body."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        for piece in pieces:
            connection.sendall(piece)
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
            received = connection.recv(65536)
            if not received:
                break
            answer += received
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]


def head(*lines):
    standard = ("POST /predict HTTP/1.1", "Host: x", "Content-Type: application/json")
    return "\r\n".join([*standard, f"Authorization: Bearer {TOKEN}", *lines, "", ""]).encode()


def test_too_many_instances_are_413(small):
    assert small.predict(*[{"isbn": KNOWN[0]}] * 3).status_code == 200
    answer = small.predict(*[{"isbn": KNOWN[0]}] * 4)
    assert (answer.status_code, answer.json()["detail"]) == (413, "4 instances are more than 3.")


def test_the_horizon_may_be_limited_further(small):
    (wrong,) = small.predict({"isbn": KNOWN[0], "horizon": 17}).json()["predictions"]
    assert "1 to 16" in wrong["error"]["message"]
    (right,) = small.predict({"isbn": KNOWN[0]}).json()["predictions"]
    assert len(right["weeks"]) == 16


def test_a_large_body_is_413_by_its_length_before_it_is_sent(small):
    status, body = raw(small, head("Content-Length: 1000000"))
    assert (status, json.loads(body)) == (413, {"detail": "The body has more than 2000 bytes."})


@pytest.mark.parametrize("length", ["-1", "x", "1" * 5000])
def test_a_length_that_is_none_is_refused(small, length):
    status, _ = raw(small, head(f"Content-Length: {length}"))
    assert status in (400, 413)


def test_a_large_body_in_chunks_is_413(small):
    chunk = b"3e8\r\n" + b" " * 1000 + b"\r\n"
    status, body = raw(small, head("Transfer-Encoding: chunked"), chunk * 3)
    assert (status, json.loads(body)) == (413, {"detail": "The body has more than 2000 bytes."})


def test_a_body_with_two_lengths_is_refused_and_ends_the_connection(small):
    """Who stands before the service may take what follows for another caller's request."""
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    lengths = ("Content-Length: 5", "Transfer-Encoding: chunked")
    status, body = raw(small, head(*lengths), b"0\r\n\r\n" + hidden)
    assert status == 400
    detail = "A body has either a Content-Length or a Transfer-Encoding."
    assert json.loads(body) == {"detail": detail}  # and nothing behind it


def test_a_body_that_does_not_come_is_408(small):
    status, body = raw(small, head("Content-Length: 100"), b"{")
    assert (status, json.loads(body)) == (408, {"detail": "The body took more than 1 s."})


def test_a_body_that_trickles_is_408(small):
    """Each byte comes in time. If each started the time anew, the body would be whole: 400."""
    with socket.create_connection(("127.0.0.1", small.port), timeout=20) as connection:
        connection.sendall(head("Content-Length: 100"))
        for _ in range(100):
            connection.sendall(b" ")
            if select.select([connection], [], [], 0.05)[0]:
                break
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")


def test_headers_without_end_are_refused_and_not_kept(small):
    before = small.memory()
    header = b"X-More: " + b"a" * 1_000_000 + b"\r\n"
    with pytest.raises(ConnectionError):
        raw(small, b"GET /healthz HTTP/1.1\r\nHost: x\r\n", *[header] * 100)
    assert small.memory() - before < 20_000_000


@pytest.mark.parametrize("path", ["/predict", "/release", "/metrics", "/openapi.json", "/nothing"])
@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer ü"],
)
def test_nobody_passes_without_the_token(small, path, header):
    headers = {"Authorization": header.encode()} if header is not None else {}
    with httpx.Client(base_url=small.url, trust_env=False) as client:
        answer = client.post(path, headers=headers, content=b"{}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert set(answer.json()) == {"detail"}


def test_health_needs_no_token_and_the_token_is_in_no_log(small):
    with httpx.Client(base_url=small.url, trust_env=False) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200
    assert small.client.get("/release").status_code == 200
    assert TOKEN not in small.log_file.read_text()


def test_no_other_site_may_read_the_answers(server):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET"):
        answer = server.client.request(method, "/release", headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_request_for_headers_alone_is_logged_under_its_route(server):
    path = f"/books/{KNOWN[0]}/forecast"
    answer = server.client.head(path, headers={"X-Request-ID": "head-1"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["X-Forecast-Arm"] == "champion"
    found = eventually(lambda: [e for e in server.log() if e.get("request_id") == "head-1"])
    assert (found[0]["method"], found[0]["path"]) == ("HEAD", "/books/{isbn}/forecast")


def test_a_request_is_one_line_with_its_id(server):
    started = time.monotonic()
    given = server.client.get("/release", headers={"X-Request-ID": "abc-1.2"})
    assert given.headers["X-Request-ID"] == "abc-1.2"
    harmful = server.client.get("/release", headers={"X-Request-ID": 'a"b c'})
    made = harmful.headers["X-Request-ID"]
    assert len(made) == 32

    def line(request_id):
        return next((e for e in server.log() if e.get("request_id") == request_id), None)

    found = eventually(lambda: line("abc-1.2"))
    milliseconds = (time.monotonic() - started) * 1000
    assert (
        found.items()
        >= {
            "level": "INFO",
            "message": "request",
            "method": "GET",
            "path": "/release",
            "status": 200,
            "release": FIRST,
        }.items()
    )
    assert found["time"].endswith("+00:00")
    assert 0 < found["milliseconds"] < milliseconds
    assert eventually(lambda: line(made))


def test_bodies_and_unknown_paths_are_not_logged(server):
    server.predict({"isbn": "secret-in-body"})
    server.client.get("/secret-in-path?secret-in-query")
    eventually(lambda: server.log()[-1].get("path") == "-")
    assert "secret" not in server.log_file.read_text()
