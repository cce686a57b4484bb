"""Served forecasts are logged beside the requests, and none is lost."""

import datetime as dt
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pytest

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.challenging import start_challenge
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.release.served_log import BATCH, QUANTILES, ServedLog
from tests.releases import payloads
from tests.serving.servers import (
    FIRST,
    KNOWN,
    SECOND,
    UNKNOWN,
    FreshServer,
    Server,
    eventually,
    make_store,
)

pytest_plugins = ("tests.gcs",)

NEVER = "3600"


def logged(folder: str | Path) -> pa.Table:
    """All rows of a log on a local disk."""
    return pads.dataset(str(folder), format="parquet").to_table()


def answers(folder: Path) -> int:
    return logged(folder).filter(pads.field("ahead") == 1).num_rows


def serving(tmp_path: Path, store: ReleaseStore, log: str | Path, **variables: str) -> Server:
    usual = {"BOOK_FORECAST_SERVE_LOG_SECONDS": NEVER}
    return Server(
        tmp_path, "--releases", store.root, "--log", str(log), **{**usual, **variables}
    ).ready()


def test_a_signal_to_end_writes_all_that_waits(tmp_path: Path, store: ReleaseStore):
    challenge = start_challenge(store, SECOND, 0.5, "x")
    with serving(tmp_path, store, tmp_path / "log") as server:
        eventually(lambda: server.readiness()["challenger"])
        batch = [{"isbn": isbn} for isbn in KNOWN] * 80  # 960 answers, none of which is written
        for _ in range(2):
            assert server.predict(*batch, horizon=8).status_code == 200
        server.predict({"isbn": UNKNOWN})
        server.client.get(f"/books/{KNOWN[0]}/forecast?horizon=3")
        server.client.get(f"/books/{KNOWN[0]}/forecast?horizon=3&format=csv")
        assert "book_forecast_log_waiting 1922.0" in server.client.get("/metrics").text
        assert not (tmp_path / "log").exists()
        server.process.send_signal(signal.SIGTERM)
        # Uvicorn ends by the signal itself, once all is done.
        assert server.process.wait(timeout=60) in (0, -signal.SIGTERM)
    table = logged(tmp_path / "log")
    assert table.num_rows == 2 * 960 * 8 + 2 * 3
    assert not list((tmp_path / "log").rglob("*.tmp"))
    rows = table.select(["isbn", "arm", "release"]).to_pylist()
    release_of = {"champion": FIRST, "challenger": SECOND}
    assert all(row["arm"] == challenge.arm_of(row["isbn"]) for row in rows)
    assert all(row["release"] == release_of[row["arm"]] for row in rows)
    assert not [line for line in server.log() if "lost" in line["message"]]


def test_a_second_signal_of_a_hasty_person_loses_nothing(tmp_path: Path, store: ReleaseStore):
    log = tmp_path / "log"
    variables = {"BOOK_FORECAST_SERVE_LOG_SECONDS": NEVER}
    with FreshServer(tmp_path, "--releases", store.root, "--log", str(log), **variables) as server:
        assert server.ready().predict({"isbn": KNOWN[0]}, horizon=8).status_code == 200
        with socket.create_connection(("127.0.0.1", server.port)) as waiting:
            # Uvicorn waits for the rest of a request, and a second Ctrl-C ends that.
            head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            waiting.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
            time.sleep(0.5)
            for _ in range(2):
                server.process.send_signal(signal.SIGINT)
                time.sleep(0.5)
            server.process.wait(timeout=60)
    assert answers(log) == 1


def test_a_row_is_the_forecast_that_was_served(tmp_path: Path, store: ReleaseStore):
    before = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    with serving(tmp_path, store, tmp_path / "log") as server:
        served = server.predict({"isbn": KNOWN[1]}, horizon=5).json()["predictions"][0]
    table = logged(tmp_path / "log").sort_by("ahead")
    assert table.column_names == [
        *("isbn", "week", "ahead", "cutoff", "mean", *QUANTILES, "arm", "release", "served")
    ]
    assert [str(week.date()) for week in table["week"].to_pylist()] == served["weeks"]
    assert table["ahead"].to_pylist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(table["mean"].to_numpy(), served["mean"], atol=1e-3)
    (first, _) = (served["intervals"][0], served["intervals"][1])
    np.testing.assert_allclose(table["q-10"].to_numpy(), first["lower"], atol=1e-3)
    np.testing.assert_allclose(table["q-90"].to_numpy(), first["upper"], atol=1e-3)
    assert {str(day.date()) for day in table["cutoff"].to_pylist()} == {served["cutoff"]}
    assert all(before <= moment for moment in table["served"].to_pylist())
    names = [path.relative_to(tmp_path / "log").parts for path in (tmp_path / "log").rglob("*.p*")]
    assert all(dt.date.fromisoformat(day) for day, _ in names)


def test_files_are_written_while_the_service_runs(tmp_path: Path, store: ReleaseStore):
    log = tmp_path / "log"
    with serving(tmp_path, store, log, BOOK_FORECAST_SERVE_LOG_SECONDS="0.1") as server:
        server.predict({"isbn": KNOWN[0]})
        eventually(lambda: list(log.rglob("*.parquet")))
        assert answers(log) == 1
        written = 'book_forecast_logged_forecasts_total{outcome="written"} 1.0'
        eventually(lambda: written in server.client.get("/metrics").text)


def test_a_folder_that_cannot_be_written_costs_no_answer_and_is_told(
    tmp_path: Path, store: ReleaseStore
):
    log = tmp_path / "log"
    log.write_text("a file where the folder should be")
    settings = {
        "BOOK_FORECAST_SERVE_LOG_SECONDS": "0.1",
        "BOOK_FORECAST_SERVE_LOG_WAITING": "50",
        "BOOK_FORECAST_SERVE_SHUTDOWN_SECONDS": "1",
    }
    with serving(tmp_path, store, log, **settings) as server:
        server.predict({"isbn": KNOWN[0]})
        cause = "NotADirectoryError"
        eventually(lambda: cause in (server.readiness()["log_problem"] or ""))
        batch = [{"isbn": isbn} for isbn in KNOWN] * 10
        assert len(server.predict(*batch).json()["predictions"]) == 120
        metrics = server.client.get("/metrics").text
        assert "book_forecast_log_problem 1.0" in metrics
        assert 'outcome="dropped"} 71.0' in metrics
        # That some are dropped does not hide the cause.
        problem = server.readiness()["log_problem"]
        assert "50 served forecasts wait to be written" in problem
        assert cause in problem
        # The folder can be written again: what waits arrives.
        log.unlink()
        eventually(lambda: server.readiness()["log_problem"] is None)
        eventually(lambda: "book_forecast_log_waiting 0.0" in server.client.get("/metrics").text)
        assert answers(log) == 50
        for path in sorted(log.rglob("*.parquet")):
            path.unlink()
        log.joinpath(f"{dt.datetime.now(dt.UTC):%Y-%m-%d}").rmdir()
        log.rmdir()
        log.write_text("again")
        server.predict({"isbn": KNOWN[0]})
    lines = [line["message"] for line in server.log() if line["level"] == "ERROR"]
    assert any(line.startswith("1 served forecasts are lost") for line in lines)
    # Each problem has one line, however often a file is tried.
    assert sum(line.startswith("Served forecasts cannot be written") for line in lines) <= 3
    assert any(cause in line for line in lines)


def test_without_a_folder_nothing_is_logged(tmp_path: Path, store: ReleaseStore):
    with Server(tmp_path, "--releases", store.root).ready() as server:
        server.predict({"isbn": KNOWN[0]})
        assert "book_forecast_log" not in server.client.get("/metrics").text
        assert server.readiness()["log_problem"] is None


def test_a_service_on_a_bucket_has_both_arms_and_its_log_there(gcs_bucket: str, tmp_path: Path):
    import fsspec
    import pyarrow.parquet as pq

    local = make_store(tmp_path / "releases")
    fs = fsspec.filesystem("gs")
    fs.put(local.root, f"{gcs_bucket}/releases", recursive=True)
    store = ReleaseStore(f"{gcs_bucket}/releases")
    challenge = start_challenge(store, SECOND, 0.5, "x")
    with serving(tmp_path, store, f"{gcs_bucket}/log") as server:
        eventually(lambda: server.readiness()["challenger"])
        for _ in range(3):
            server.predict(*({"isbn": isbn} for isbn in KNOWN), horizon=2)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(timeout=60)
    fs.invalidate_cache()
    (name,) = fs.find(f"{gcs_bucket}/log")
    rows = pq.read_table(fs.open(name)).to_pylist()
    assert len(rows) == 3 * 2 * len(KNOWN)
    assert all(row["arm"] == challenge.arm_of(row["isbn"]) for row in rows)


@pytest.fixture
def release(store: ReleaseStore) -> ServedRelease:
    return ServedRelease(ForecastReader(store.read(FIRST)), "here")


def test_a_log_on_a_bucket_has_whole_files(gcs_bucket: str, release: ServedRelease):
    import fsspec
    import pyarrow.parquet as pq

    log = ServedLog(f"{gcs_bucket}/log", seconds=3600)
    log.start()
    for isbn in KNOWN * 200:
        log.note("champion", release, isbn, 4)
    assert log.close(60) == 0
    assert (log.counts.written, log.counts.dropped) == (len(KNOWN) * 200, 0)
    fs, path = fsspec.core.url_to_fs(f"{gcs_bucket}/log")
    fs.invalidate_cache()
    rows = [pq.read_table(fs.open(name)).num_rows for name in fs.find(path)]
    assert sum(rows) == len(KNOWN) * 200 * 4
    assert len(rows) >= 2


def test_a_full_folder_takes_no_more_and_older_days_stay(tmp_path: Path, release: ServedRelease):
    old = tmp_path / "log/2024-01-01/old.parquet"
    old.parent.mkdir(parents=True)
    old.write_bytes(bytes(200_000))
    log = ServedLog(str(tmp_path / "log"), seconds=3600, most_bytes=100_000)
    log.start()
    log.note("champion", release, payloads.isbn(0), 4)
    assert log.close(30) == 0
    assert (log.counts.written, log.counts.dropped) == (0, 1)
    assert log.problem.text is not None
    assert "remove days" in log.problem.text
    assert [path for path in (tmp_path / "log").rglob("*") if path.is_file()] == [old]


def test_the_queue_holds_no_former_release(release: ServedRelease):
    log = ServedLog("nowhere")
    log.note("champion", release, payloads.isbn(0), 4)
    (answer,) = log._waiting
    assert answer.mean.base is None
    assert answer.quantiles.base is None
    assert log.close(0.1) == 1


def test_a_file_that_is_tried_again_has_the_same_name(tmp_path: Path, release: ServedRelease):
    log = ServedLog(str(tmp_path / "log"))
    (tmp_path / "log").write_text("a file where the folder should be")
    log.note("champion", release, KNOWN[0], 4)
    assert not log._write()
    name = log._name
    (tmp_path / "log").unlink()
    log.note("champion", release, KNOWN[1], 4)
    assert log._write()
    assert (tmp_path / "log" / name).exists()
    assert answers(tmp_path / "log") == 2


def test_the_rest_of_a_full_file_waits_for_others(tmp_path: Path, release: ServedRelease):
    log = ServedLog(str(tmp_path / "log"), seconds=3600)
    for n in range(BATCH + 10):
        log.note("champion", release, KNOWN[n % len(KNOWN)], 1)
    log.start()
    eventually(lambda: (log.counts.written, log.waiting) == (BATCH, 10))
    assert log.close(30) == 0
    assert len(list((tmp_path / "log").rglob("*.parquet"))) == 2
