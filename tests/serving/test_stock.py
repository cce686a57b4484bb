"""Advice on stock, which comes and changes beside the release."""

import shutil

import pyarrow.parquet as pq
import pytest

from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.loading.source import source_of
from book_forecast.serving.release.watch import Watch
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.titles.stock import StockFile
from tests.serving import stores
from tests.serving.servers import Server, eventually, promote


@pytest.fixture
def path(tmp_path):
    return tmp_path / "stock_advice.parquet"


@pytest.fixture
def server(releases, path, tmp_path):
    """A service that looks often, before there is any advice."""
    arguments = ("--releases", releases, "--stock", str(path))
    with Server(tmp_path, *arguments, BOOK_FORECAST_SERVE_POLL_SECONDS="0.1") as service:
        yield service.ready()


def stock(server):
    return server.client.get("/books").json()["stock"]


def chance(server):
    return server.client.get(f"/books/{stores.CAFE}").json()["chance_to_run_out"]


def put(path, chances, **columns):
    """Write the file in one piece, as `decide` does."""
    stores.write_stock(path.with_suffix(".tmp"), chances, **columns)
    path.with_suffix(".tmp").replace(path)


def test_advice_is_read_when_it_comes_and_when_it_changes(server, path):
    assert stock(server) == {"n_titles": 0, "last_week": None, "problem": None}
    assert chance(server) is None
    put(path, {stores.CAFE: 0.75, stores.ALCHEMIST: 0.1})
    eventually(lambda: stock(server)["n_titles"] == 2)
    assert stock(server)["last_week"] == "2024-06-29"
    book = server.client.get(f"/books/{stores.CAFE}").json()
    assert (book["chance_to_run_out"], book["order"], book["on_hand"]) == (0.75, 75, 120.0)
    assert book["run_out_week"] == "2024-07-20"
    put(path, {stores.CAFE: 0.25, stores.ALCHEMIST: 0.1, "9780000000002": 0.9})
    eventually(lambda: chance(server) == 0.25)
    first = server.client.get("/books", params={"view": "runs_out"}).json()["books"][0]
    assert first["isbn"] == stores.CAFE
    path.unlink()
    eventually(lambda: stock(server)["n_titles"] == 0)


def test_no_release_is_served_before_the_advice_that_there_is(releases, path):
    put(path, {stores.CAFE: 0.75})

    class Noting(StockFile):
        def read_if_new(self):
            seen.append(watch.current.release)
            return super().read_if_new()

    seen: list[str | None] = []
    store = ReleaseStore(releases)
    source = source_of(ServiceSettings(releases=releases))
    watch = Watch(source, poll_seconds=60.0, store=store, stock=Noting(str(path)))
    watch.start()
    eventually(lambda: watch.current.release)
    watch.stop()
    assert seen[0] is None
    assert watch.current.served is not None
    assert len(watch.current.served.stock) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"PAR1 and nothing else", "no Parquet file of `decide`"),
        (b"", "no Parquet file of `decide`"),
        ("columns", "it has no columns chance_to_run_out"),
        ("large", "more than 50,000,000"),
    ],
)
def test_a_file_that_is_no_advice_is_refused_and_the_old_advice_stays(
    server, path, content, problem
):
    put(path, {stores.CAFE: 0.75})
    eventually(lambda: chance(server) == 0.75)
    if content == "columns":
        whole = path.with_suffix(".whole")
        stores.write_stock(whole, {stores.CAFE: 0.5})
        table = pq.read_table(whole).drop_columns(["chance_to_run_out"])
        pq.write_table(table, path.with_suffix(".tmp"))
        path.with_suffix(".tmp").replace(path)
    elif content == "large":
        with path.open("r+b") as file:
            file.truncate(60_000_000)
    else:
        path.write_bytes(content)
    eventually(lambda: stock(server)["problem"])
    assert problem in stock(server)["problem"]
    assert "kedro run --pipeline decide" in stock(server)["problem"]
    assert chance(server) == 0.75
    ready = server.readiness()
    assert (ready["ready"], ready["problem"]) == (True, None)
    assert problem in ready["stock_problem"]
    lines = [entry for entry in server.log() if problem in entry["message"]]
    assert len(lines) == 1
    put(path, {stores.CAFE: 0.25})
    eventually(lambda: chance(server) == 0.25)
    assert stock(server)["problem"] is None


def test_another_release_has_the_same_advice(releases, path, tmp_path):
    root = shutil.copytree(releases, tmp_path / "releases")
    put(path, {stores.CAFE: 0.75})
    arguments = ("--releases", str(root), "--stock", str(path))
    with Server(tmp_path, *arguments) as service:
        eventually(lambda: chance(service.ready()) == 0.75)
        promote(ReleaseStore(str(root)), stores.BEFORE)
        service.wake()
        eventually(lambda: service.readiness()["release"] == stores.BEFORE)
        eventually(lambda: chance(service) == 0.75)
