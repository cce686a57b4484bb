"""The store is found, made whole, and checked before MLflow would wait for it."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from book_forecast.storage import mlflow_store as store

LOCAL = "sqlite:///mlruns/mlflow.db"


def test_a_relative_store_lies_in_the_project_whatever_folder_a_run_starts_in(
    tmp_path, monkeypatch
):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    uri = store.locate(LOCAL, tmp_path / "project", {})
    assert uri == f"sqlite:///{tmp_path}/project/mlruns/mlflow.db"
    assert store.artifact_location(uri) == f"file://{tmp_path}/project/mlruns/artifacts"
    assert not (tmp_path / "project").exists()


def test_the_variable_wins_over_the_configuration(tmp_path):
    variables = {"MLFLOW_TRACKING_URI": "https://mlflow.example.org"}
    assert store.locate(LOCAL, tmp_path, variables) == "https://mlflow.example.org"
    assert store.artifact_location("https://mlflow.example.org") is None


def test_where_the_project_is_read_only_the_store_lies_in_the_cache(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # /proc cannot be written to by root either, whom permissions do not stop.
    uri = store.locate("sqlite:////proc/mlruns/mlflow.db", tmp_path, {})
    assert uri.startswith(f"sqlite:///{tmp_path}/cache/book_forecast/mlruns/")
    assert "/proc/mlruns/mlflow.db cannot be written; MLflow stores this run in" in caplog.text


def test_a_store_is_created_once_and_whole(tmp_path):
    path = tmp_path / "mlruns" / "mlflow.db"
    store.make_ready(f"sqlite:///{path}")
    assert [p.name for p in path.parent.iterdir() if p.name.endswith(".tmp")] == []
    inode = path.stat().st_ino
    store.make_ready(f"sqlite:///{path}")
    assert path.stat().st_ino == inode
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{path}")
    assert client.get_experiment_by_name("Default") is not None
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


KILLED = """
import sys
from book_forecast.storage import mlflow_store as store
import mlflow.store.db.utils
print("ready", flush=True)
store.make_ready(sys.argv[1])
"""


def test_a_kill_while_the_store_is_created_leaves_none_half_made(tmp_path):
    path = tmp_path / "mlflow.db"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, f"sqlite:///{path}"],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    deadline = time.monotonic() + 60
    while not any(p.stat().st_size > 100_000 for p in tmp_path.glob(".mlflow.db.*.tmp")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    assert not path.exists()
    store.make_ready(f"sqlite:///{path}")
    assert path.exists()


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "mlflow.db"
    path.write_text("not a database " * 100)
    with pytest.raises(store.StoreError, match=r"mlflow\.db does not answer: file is not a data"):
        store.make_ready(f"sqlite:///{path}")


def test_a_server_that_does_not_answer_is_detected_in_seconds_and_its_password_not_shown():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        port = taken.getsockname()[1]
        began = time.monotonic()
        with pytest.raises(store.StoreError, match="does not answer") as caught:
            store.make_ready(f"http://user:hunter2@127.0.0.1:{port}")
        assert time.monotonic() - began < 6
    assert "hunter2" not in str(caught.value)


@contextmanager
def server_that_says(status: int | None) -> Iterator[str]:
    """An HTTP server with one answer to everything; None hangs up."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if status is not None:
                self.send_response(status)
                self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("status", [200, 401, 404])
def test_a_server_that_answers_is_ready(status):
    with server_that_says(status) as uri:
        store.make_ready(uri)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(500, "status is 500"), (503, "status is 503"), (None, "does not respond")],
)
def test_a_failing_server_is_distinguished_from_one_that_answers(status, reason):
    with server_that_says(status) as uri:
        secret = uri.replace("//", "//user:hunter2@")
        with pytest.raises(store.StoreError, match=reason) as caught:
            store.make_ready(secret)
        assert "hunter2" not in str(caught.value)


def test_a_server_that_is_silent_is_waited_for_once(monkeypatch):
    monkeypatch.setattr(store, "_RESPONSE_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(store.StoreError, match="no answer in 1 seconds"):
            store.make_ready(uri)
        began = time.monotonic()
        with pytest.raises(store.StoreError, match="no answer a moment ago"):
            store.make_ready(uri)
        assert time.monotonic() - began < 0.5
