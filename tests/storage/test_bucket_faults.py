"""Faults between the project and a bucket end in a right result or a clear error."""

import errno
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from kedro.io.core import DatasetError

from book_forecast.datasets import AtomicJSONDataset, AtomicParquetDataset
from book_forecast.datasets.generations import GenerationDataset
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError, describe_storage_error, find_user_error
from book_forecast.storage.run_lock import Holder, run_lock
from tests import gcs_faults as faults
from tests.releases import payloads
from tests.serving.servers import promote

pytest_plugins = ("tests.gcs",)
pytestmark = pytest.mark.usefixtures("hasty_retries")

PASSING = [
    *(faults.UNAVAILABLE, faults.REFUSED, faults.TORN_REQUEST, faults.LOST_ANSWER),
    *(faults.TORN_ANSWER, faults.SILENT),
]
LASTING = [*PASSING, faults.VANISHED, faults.FORBIDDEN]
SMALL = pd.DataFrame({"isbn": ["9780722532935"] * 3, "volume": [1.0, 2.0, np.nan]})
# More than 5 MB are sent in pieces.
LARGE = pd.DataFrame({"volume": np.random.default_rng(3).random(650_000)})


@dataclass
class Place:
    """Something on a bucket that is written and read."""

    write: Callable[[Any], Any]
    read: Callable[[], Any]
    old: Any
    new: Any


def table(root: str) -> Place:
    dataset = AtomicParquetDataset(filepath=f"{root}/03_primary/weekly_sales.parquet")
    return Place(dataset.save, dataset.load, SMALL, SMALL.assign(volume=5.0))


def large_table(root: str) -> Place:
    dataset = AtomicParquetDataset(filepath=f"{root}/03_primary/weekly_sales.parquet")
    return Place(dataset.save, dataset.load, SMALL, LARGE)


def document(root: str) -> Place:
    dataset = AtomicJSONDataset(filepath=f"{root}/08_reporting/summary.json")
    return Place(dataset.save, dataset.load, {"wape": 0.4}, {"wape": 0.3})


def generation(root: str) -> Place:
    dataset = GenerationDataset(filepath=f"{root}/06_models/specifications")

    def write(frame: pd.DataFrame) -> None:
        dataset.save(Part(frame, f"a{int(frame['volume'].sum())}", Shard()))

    return Place(write, dataset.load, SMALL, SMALL.assign(volume=5.0))


def release(root: str) -> Place:
    store = ReleaseStore(f"{root}/06_models/releases")

    def write(about: dict[str, Any]) -> None:
        if not store.releases():
            promote(store, payloads.saved(store))
        store.annotate(store.releases()[-1], about)

    def read() -> dict[str, Any]:
        champion = store.champion()
        assert champion is not None
        assert len(store.read(champion)) > 0
        return {"about": store.manifest(champion)["about"]}

    return Place(write, read, {"about": "old"}, {"about": "new"})


PLACES = [table, large_table, document, generation, release]
# Silence takes its time: what is waited for is the same everywhere.
CASES = [
    pytest.param(make, kind, id=f"{make.__name__}-{kind}")
    for make in PLACES
    for kind in LASTING
    if kind != faults.SILENT or make is table
]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch, tmp_path: Any, request: Any) -> None:
    if "silent" in request.node.name:
        monkeypatch.setattr("book_forecast.storage.buckets.SILENT_SECONDS", 0.5)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def told(error: BaseException) -> str:
    """The paragraph that a command ends with; there must be one."""
    found = find_user_error(error)
    text = str(found) if found else describe_storage_error(error)
    assert text, repr(error)
    assert "\n" not in text
    return text


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, pd.DataFrame):
        return bool(found.reset_index(drop=True).equals(wanted))
    return bool(found == wanted)


@pytest.mark.parametrize("make", PLACES)
@pytest.mark.parametrize("kind", PASSING)
def test_a_fault_that_passes_costs_nothing_but_time(faulty_bucket, make, kind):
    place = make(faulty_bucket.url)
    place.write(place.old)
    upload = faulty_bucket.inject(kind, "POST", times=1)
    place.write(place.new)
    assert upload.happened == 1
    download = faulty_bucket.inject(kind, "GET", "alt=media", times=1)
    assert same(place.read(), place.new)
    assert download.happened == 1


@pytest.mark.parametrize(("make", "kind"), CASES)
def test_a_write_that_fails_is_told_and_the_old_content_stays(faulty_bucket, make, kind):
    place = make(faulty_bucket.url)
    place.write(place.old)
    fault = faulty_bucket.inject(kind, "POST")
    with pytest.raises((DatasetError, UserError, OSError)) as caught:
        place.write(place.new)
    text = told(caught.value)
    assert "gs://books" in text
    assert "damaged" not in text
    assert fault.happened
    faulty_bucket.heal()
    fsspec.get_filesystem_class("gs").clear_instance_cache()
    found = make(faulty_bucket.url).read()
    # A request whose answer was lost has been carried out.
    answerless = kind in (faults.LOST_ANSWER, faults.TORN_ANSWER)
    assert same(found, place.old) or (answerless and same(found, place.new))
    place.write(place.new)
    assert same(place.read(), place.new)


@pytest.mark.parametrize(("make", "kind"), CASES)
def test_a_read_that_fails_is_told_and_never_taken_for_damage(faulty_bucket, make, kind):
    place = make(faulty_bucket.url)
    place.write(place.old)
    fault = faulty_bucket.inject(kind, "GET")
    with pytest.raises((DatasetError, UserError, OSError)) as caught:
        place.read()
    text = told(caught.value)
    assert "damaged" not in text
    assert "elete" not in text
    assert fault.happened
    faulty_bucket.heal()
    assert same(place.read(), place.old)


def test_a_bucket_that_is_gone_is_not_an_empty_one(faulty_bucket):
    place = release(faulty_bucket.url)
    place.write(place.old)
    faulty_bucket.inject(faults.VANISHED)
    store = ReleaseStore(f"{faulty_bucket.url}/06_models/releases")
    for ask in (store.releases, store.champion, store.promotions):
        with pytest.raises(OSError, match="there is no such bucket"):
            ask()


@pytest.mark.parametrize("kind", PASSING)
def test_a_lock_is_taken_and_freed_through_a_fault_that_passes(faulty_bucket, kind):
    root = f"{faulty_bucket.url}/data"
    for method in ("POST", "GET", "DELETE"):
        faulty_bucket.inject(kind, method, times=1)
    with run_lock(root, Holder("weekly", token="run 1"), 0):
        pass
    with run_lock(root, Holder("whole"), 0):
        pass


@pytest.mark.parametrize("kind", LASTING)
def test_a_lock_that_cannot_be_taken_is_told(faulty_bucket, kind):
    faulty_bucket.inject(kind)
    with (
        pytest.raises((UserError, OSError)) as caught,
        run_lock(f"{faulty_bucket.url}/data", Holder("weekly"), 0),
    ):
        pytest.fail("the run must not begin")
    assert "gs://books" in told(caught.value)


def test_a_lock_that_cannot_be_removed_does_not_fail_the_run(faulty_bucket, caplog):
    with run_lock(f"{faulty_bucket.url}/data", Holder("weekly"), 0):
        faulty_bucket.inject(faults.UNAVAILABLE)
    assert "The lock of the data root is not removed" in caplog.text


def test_small_and_large_uploads_are_one_and_two_requests_of_http(faulty_bucket, tmp_path):
    fs, path = fsspec.core.url_to_fs(faulty_bucket.url)
    for size, requests in ((1000, 1), (6_000_000, 2)):
        local = tmp_path / "content"
        local.write_bytes(b"x" * size)
        faulty_bucket.requests.clear()
        fs.put_file(str(local), f"{path}/content")
        assert len(faulty_bucket.requests) == requests, faulty_bucket.requests
    # The question for the type of a bucket would be one of gRPC.
    assert faulty_bucket.strangers == 0


def test_gcsfs_own_filesystem_asks_in_another_protocol(faulty_bucket):
    """What the test before would see if the project used it."""
    from gcsfs.extended_gcsfs import ExtendedGcsFileSystem

    path = faulty_bucket.url.removeprefix("gs://")
    fs = ExtendedGcsFileSystem(token="anon", retry_timeout=0.1, skip_instance_cache=True)
    fs.pipe_file(f"{path}/content", b"x")
    assert faulty_bucket.strangers > 0


def test_a_file_that_is_missing_is_missing_and_no_more(faulty_bucket):
    fs, path = fsspec.core.url_to_fs(faulty_bucket.url)
    with pytest.raises(FileNotFoundError) as caught:
        fs.cat_file(f"{path}/nothing")
    assert caught.value.errno == errno.ENOENT
    assert caught.value.filename == f"{faulty_bucket.url}/nothing"
    assert not fs.exists(f"{path}/nothing")
    assert fs.find(path) == []


def test_an_account_that_may_only_list_still_finds_what_there_is(faulty_bucket):
    fs, path = fsspec.core.url_to_fs(faulty_bucket.url)
    fs.pipe_file(f"{path}/a.json", json.dumps({}).encode())
    faulty_bucket.inject(faults.FORBIDDEN, "GET", "/o/a.json")
    assert fs.info(f"{path}/a.json")["size"] == 2
