"""The folder of all releases, here and on a bucket."""

import datetime as dt
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import fsspec
import numpy as np
import pyarrow as pa
import pytest

from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.assembly import RolledTitle, assemble, rolled, with_scores
from book_forecast.releases.promotion_log import ChampionChangedError, Promotion
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage import files
from book_forecast.storage.errors import UserError
from tests.releases import payloads

FIRST, SECOND = "2024-07-01T05.00.00-00000001", "2024-07-08T05.00.00-00000002"


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "folder":
        return ReleaseStore(str(tmp_path / "releases"))
    cloud = request.getfixturevalue("cloud_root")
    return ReleaseStore(f"{cloud}/releases")


@pytest.fixture
def cloud_root(request):
    root = f"memory://{request.node.originalname}"
    yield root
    memory = fsspec.filesystem("memory")
    if memory.exists(root):
        memory.rm(root, recursive=True)


def record(number: int, release: str, before: str | None = None, who: str = "ann") -> Promotion:
    when = dt.datetime(2024, 7, number, tzinfo=dt.UTC)
    return Promotion(
        number=number, action="promote", release=release, before=before, who=who, when=when, why="x"
    )


def write(store: ReleaseStore, release: str, **options: int) -> None:
    store.write(release, assemble(release, payloads.tables(**options), {}))


def test_what_is_written_is_read(store):
    assert store.releases() == []
    write(store, SECOND)
    write(store, FIRST, titles=4)
    assert store.releases() == [FIRST, SECOND]
    assert len(store.read(FIRST)) == 4
    assert store.manifest(SECOND)["release"] == SECOND


def test_a_refreshed_payload_takes_the_place_of_the_old_one(store):
    write(store, FIRST, seed=0)
    before = store.read(FIRST)
    write(store, FIRST, seed=1)
    after = store.read(FIRST)
    assert after.manifest["checksum"] != before.manifest["checksum"]
    assert (after.mean != before.mean).any()


def test_a_payload_stays_beside_the_one_that_takes_its_place_and_older_ones_go(store, monkeypatch):
    monkeypatch.setattr("book_forecast.releases.store._SPARED", dt.timedelta(0))
    for seed in range(4):
        write(store, FIRST, seed=seed)
    fs, path = fsspec.core.url_to_fs(store.location(FIRST))
    kept = {found.rpartition("/")[2] for found in fs.glob(f"{path}/*.parquet")}
    expected: set[str] = set()
    for seed in (2, 3):
        manifest = json.loads(assemble(FIRST, payloads.tables(seed=seed), {})["manifest.json"])
        expected |= {entry["name"] for entry in manifest["files"].values()}
    assert kept == expected


def test_a_full_disk_is_told_and_costs_no_release(store, monkeypatch):
    write(store, FIRST)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("book_forecast.releases.store.replacing", full)
    for release in (FIRST, SECOND):
        with pytest.raises(UserError, match=f"{release}: .*No space left on device. Make room"):
            write(store, release, seed=1)
    assert store.releases() == [FIRST]
    assert len(store.read(FIRST)) == 3


def test_two_payloads_that_are_written_at_once_leave_a_whole_one(store, monkeypatch):
    write(store, FIRST, seed=0)
    stock, others = files.replacing, [1, 2]

    def replacing(fs, path, mode="wb"):
        # Others come between this one's tables and its manifest.
        if path.endswith("manifest.json") and others:
            write(store, FIRST, seed=others.pop(0))
        return stock(fs, path, mode)

    monkeypatch.setattr("book_forecast.releases.store.replacing", replacing)
    write(store, FIRST, seed=3)
    np.testing.assert_array_equal(
        store.read(FIRST).titles["title"], payloads.tables(seed=3)["titles"]["title"]
    )


@pytest.mark.parametrize("release", ["../secret", "nothing", f"{FIRST}/..", ""])
def test_what_is_no_id_is_refused(store, release):
    with pytest.raises(PayloadError, match="is no id of a release"):
        store.read(release)


def test_a_release_that_is_not_there_is_named(store):
    with pytest.raises(PayloadError, match=FIRST):
        store.read(FIRST)


def test_a_folder_that_holds_another_release_is_refused(store):
    fs, root = fsspec.core.url_to_fs(store.root)
    fs.makedirs(f"{root}/{FIRST}")
    for name, content in assemble(SECOND, payloads.tables(), {}).items():
        fs.pipe_file(f"{root}/{FIRST}/{name}", content)
    for look in (store.read, store.manifest):
        with pytest.raises(PayloadError, match=f"{FIRST} holds {SECOND}, not {FIRST}"):
            look(FIRST)


def test_the_champion_is_the_last_one_made(store):
    assert store.champion() is None
    store.record(record(1, FIRST))
    store.record(record(2, SECOND, FIRST))
    assert store.champion() == SECOND
    assert [r.before for r in store.promotions()] == [None, FIRST]


def test_a_record_whose_answer_was_lost_is_not_somebody_elses(monkeypatch, cloud_root):
    store = ReleaseStore(f"{cloud_root}/releases")
    stock = type(store._fs).pipe_file

    def twice(self, path, content, **options):
        stock(self, path, content, **options)
        stock(self, path, content, **options)

    monkeypatch.setattr(type(store._fs), "pipe_file", twice)
    store.record(record(1, FIRST))
    assert store.champion() == FIRST
    with pytest.raises(ChampionChangedError):
        store.record(record(1, SECOND))
    assert store.champion() == FIRST


def test_of_two_who_change_the_champion_at_once_one_wins_and_the_other_is_told(tmp_path):
    store = ReleaseStore(str(tmp_path / "releases"))
    together = threading.Barrier(8)

    def promote(n: int) -> str:
        together.wait()
        try:
            store.record(record(1, FIRST if n % 2 else SECOND, who=str(n)))
        except ChampionChangedError as error:
            return str(error)
        return str(n)

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(promote, range(8)))
    winners = [text for text in said if text.isdigit()]
    assert winners == [store.promotions()[0].who]
    assert all("Somebody else changed the champion" in text for text in {*said} - {*winners})


def test_a_payload_that_is_saved_comes_back_with_the_same_tables(store):
    payload = payloads.release()
    assert store.save(payload)
    loaded = store.read(payload.release)
    assert loaded.titles == payload.titles.cast(loaded.titles.schema)
    assert (loaded.mean == payload.mean).all()
    assert (loaded.quantiles == payload.quantiles).all()
    assert loaded.volumes.to_pylist() == payload.volumes.to_pylist()
    unchanged = {name: loaded.manifest[name] for name in payload.manifest if name != "files"}
    assert unchanged == {n: value for n, value in payload.manifest.items() if n != "files"}
    assert loaded.release.endswith("-01234567")


def test_a_payload_that_has_not_changed_writes_nothing(store, monkeypatch):
    payload = payloads.release()
    store.save(payload)
    loaded = store.read(payload.release)
    monkeypatch.setattr("book_forecast.releases.store.replacing", None)
    assert not store.save(loaded)
    assert not store.save(payload)
    assert not store.save(rolled(loaded, []))


def test_specifications_are_a_table_that_may_be_missing(store):
    specifications = pa.table({"isbn": [payloads.isbn(1)], "specification": ['{"p": 1}']})
    payload = payloads.release()
    store.save(payload)
    assert store.read(payload.release).specifications is None
    store.save(replace(payload, specifications=specifications))
    assert store.read(payload.release).specifications == specifications


def test_weeks_that_are_rolled_in_while_scores_are_added_cost_neither(store):
    payload = payloads.release()
    store.save(payload)
    before = store.read(payload.release)
    newer = RolledTitle(
        payloads.isbn(1), "{}", 120, np.array([7.0, np.nan]), np.full((18, 104), 3.0, np.float32)
    )
    table = payloads.tables()["scores"].append_column(
        "isbn", pa.array([payloads.isbn(n) for n in range(3)])
    )
    for revised in (rolled(before, [newer]), with_scores(before, table, {"test_wape": 0.5})):
        assert revised.manifest["fingerprint"] == payload.manifest["fingerprint"]
        assert store.save(revised)
    after = store.read(payload.release)
    assert after.manifest["scores"] == {"test_wape": 0.5}
    assert after.scores is not None
    assert (after.mean[1] == 3.0).all()
    assert after.volumes[1].as_py()[-2:] == [7.0, None]
    assert after.manifest["cutoff"] == (payloads.CUTOFF + dt.timedelta(weeks=2)).isoformat()


def test_a_clock_that_is_set_back_does_not_change_the_champion(store):
    """The release that is made later has an older id, and its promotion an earlier time."""
    write(store, SECOND)
    write(store, FIRST)
    store.record(record(1, SECOND).model_copy(update={"when": dt.datetime.now(dt.UTC)}))
    store.record(record(2, FIRST, SECOND))
    assert store.champion() == FIRST
    assert [r.release for r in store.promotions()] == [SECOND, FIRST]
