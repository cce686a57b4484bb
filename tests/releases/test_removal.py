"""Old releases are removed, and nothing that is in use, wherever a removal is interrupted."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.challenging import start_challenge
from book_forecast.releases.kept import Kept, KeptReleases
from book_forecast.releases.promotion import promote
from book_forecast.releases.promotion_log import Promotion
from book_forecast.releases.protection import protected_releases
from book_forecast.releases.publishing import publish
from book_forecast.releases.registry import ReleaseRegistry
from book_forecast.releases.removal import Removals, disused_releases, remove_releases
from book_forecast.releases.store import ReleaseStore
from tests.mlflow_stores import empty_store
from tests.releases import payloads

pytest_plugins = ("tests.gcs",)

NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
STAY = dt.timedelta(days=90)
AWAY = ReleaseRegistry("http://127.0.0.1:9", "books")


@pytest.fixture(params=["folder", "bucket"])
def store(request, tmp_path, monkeypatch) -> ReleaseStore:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.param == "folder":
        return ReleaseStore(str(tmp_path / "releases"))
    return ReleaseStore(f"{request.getfixturevalue('gcs_bucket')}/releases")


@pytest.fixture
def local(tmp_path) -> ReleaseStore:
    return ReleaseStore(str(tmp_path / "releases"))


def made(store: ReleaseStore, days_ago: int) -> str:
    """A release that is so old."""
    moment = NOW - dt.timedelta(days=days_ago)
    payload = payloads.release(f"{days_ago:08x}", moment, seed=days_ago)
    store.save(payload)
    return payload.release


def record(store: ReleaseStore, release: str, days_ago: int, action: str = "promote") -> None:
    log = store.promotions()
    store.record(
        Promotion(
            number=len(log) + 1,
            action=action,
            release=release,
            before=log[-1].release if log else None,
            who="ann",
            when=NOW - dt.timedelta(days=days_ago),
            why="x",
        )
    )


def protected(store: ReleaseStore) -> dict[str, str]:
    return protected_releases(store, STAY, NOW)


def disused(store: ReleaseStore) -> list[str]:
    return [one.name for one in disused_releases(store, protected(store), NOW)]


def removed(store: ReleaseStore, registry: ReleaseRegistry = AWAY) -> list[str]:
    found = disused(store)
    return list(remove_releases(store, registry, found, lambda: protected(store), 0.0))


def test_what_is_in_use_stays_and_the_rest_goes_oldest_first(local):
    ages = (400, 350, 300, 250, 200, 150, 120, 100, 10)
    r = {age: made(local, age) for age in ages}
    record(local, r[400], 400)
    record(local, r[350], 95)
    record(local, r[300], 80)
    record(local, r[300], 60, action="pin")
    record(local, r[250], 50)
    local.point("candidate", r[200])
    kept = Kept(release=r[150], who="ann", when=NOW, why="audit")
    KeptReleases(local.root).keep(kept)
    named = {r[120]: "the parameter release"}
    assert protected_releases(local, STAY, NOW, named) == {
        r[250]: "champion",
        r[300]: "pinned",
        r[200]: "named by candidate",
        r[150]: "kept: audit",
        r[120]: "the parameter release",
        r[350]: "champion until 2026-09-07",
        r[10]: "made on 2026-11-16",
    }
    # The one of 400 days was champion until 95 days ago.
    assert disused(local) == [r[400], r[120], r[100]]


def test_what_a_service_or_a_person_needs_stays_until_nobody_does(store):
    older, old, kept = made(store, 110), made(store, 100), KeptReleases(store.root)
    record(store, made(store, 20), 20)
    by_hand, served, next_one = (
        Kept(release=release, who="ann", when=NOW, why="x") for release in (older, older, old)
    )
    kept.keep(by_hand)
    kept.keep(served, "services/books")
    kept.keep(next_one, "services/books")
    kept.keep(next_one, "services/books-uk")
    assert disused(store) == []
    kept.only_needs("services/books", old)
    kept.forget(older)
    kept.forget(older)
    assert disused(store) == [older]
    kept.only_needs("services/books", None)
    assert disused(store) == [older]
    kept.only_needs("services/books-uk", None)
    assert disused(store) == [older, old]


@pytest.mark.parametrize("name", ["kept/x.json", "candidate.json", "challenger.json"])
def test_a_damaged_record_that_may_name_a_release_stops_the_search(local, name):
    made(local, 100)
    path = Path(local.root, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("{")
    with pytest.raises(PayloadError, match=f"{name} is damaged"):
        disused(local)


def test_whatever_record_beside_the_releases_names_one_protects_it(local):
    old = made(local, 100)
    Path(local.root, "challenger.json").write_text(f'{{"challenger": {{"id": "{old}"}}}}')
    assert protected(local)[old] == "named by challenger"


def test_a_challenger_stays_as_long_as_it_challenges(local):
    older, old, new = made(local, 200), made(local, 100), made(local, 10)
    record(local, new, 10)
    start_challenge(local, old, 0.2, "x")
    assert protected(local)[old] == "challenger"
    assert disused(local) == [older]
    record(local, older, 0)
    assert disused(local) == [old]


def test_a_damaged_entry_that_may_name_a_challenger_stops_the_search(local):
    old, champion = made(local, 300), made(local, 200)
    record(local, champion, 200)
    start_challenge(local, old, 0.5, "x")
    entry = Path(local.root, "challenges/000001.json")
    entry.write_bytes(entry.read_bytes()[:40])
    with pytest.raises(PayloadError, match="it may name a challenger"):
        protected(local)
    entry.unlink()
    assert disused(local) == [old]


def test_a_removed_release_leaves_nothing_and_others_stay_whole(store):
    old, new = made(store, 100), made(store, 10)
    record(store, new, 10)
    (one,) = disused_releases(store, protected(store), NOW)
    assert one.n_bytes > 1000
    assert one.since == NOW - dt.timedelta(days=100)
    assert removed(store) == [old]
    assert store.releases() == [new]
    assert len(store.read(new)) == 3
    assert not store.has(old)
    assert Removals(store.root).n_bytes(old) == 0


def steps(store: ReleaseStore, release: str) -> Iterator[None]:
    """A removal that is interrupted wherever its caller stops."""
    removals = Removals(store.root)
    removals.begin(release)
    yield
    store._fs.rm_file(store._fs.find(f"{store._path}/{release}")[0])
    yield
    removals.remove_tables(release)
    yield


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_removal_that_was_interrupted_leaves_no_release_and_goes_on(store, done):
    old, new = made(store, 100), made(store, 10)
    record(store, new, 10)
    removal = steps(store, old)
    for _ in range(done):
        next(removal)
    assert store.releases() == [new]
    with pytest.raises(PayloadError, match="There is no"):
        store.read(old)
    (left,) = disused_releases(store, protected(store), NOW)
    assert (left.name, left.why) == (old, "its removal was interrupted")
    assert removed(store) == [old]
    assert store._fs.find(f"{store._path}/{old}") == []


def test_a_release_that_is_promoted_during_its_removal_is_whole_again(store):
    old, new = made(store, 100), made(store, 10)
    record(store, new, 10)

    def promoted_meanwhile() -> dict[str, str]:
        record(store, old, 0)
        return protected(store)

    assert list(remove_releases(store, AWAY, [old], promoted_meanwhile, 0.0)) == []
    assert store.champion() == old
    assert len(store.read(old)) == 3
    assert Removals(store.root).begun() == set()


def test_a_release_whose_removal_begins_during_its_promotion_is_not_promoted(local):
    class Racing(ReleaseStore):
        def read(self, release):
            payload = super().read(release)
            Removals(self.root).begin(release)
            return payload

    old, new = made(local, 100), made(local, 10)
    record(local, new, 10)
    with pytest.raises(PayloadError, match=f"{old} is being removed"):
        promote(Racing(local.root), AWAY, old, action="rollback", why="x", before=new)
    assert local.champion() == new


def test_an_interrupted_removal_of_what_is_kept_now_is_undone(local):
    old = made(local, 100)
    record(local, made(local, 10), 10)
    next(steps(local, old))
    KeptReleases(local.root).keep(Kept(release=old, who="ann", when=NOW, why="audit"))
    assert removed(local) == []
    assert len(local.read(old)) == 3


def test_a_folder_that_nothing_has_finished_to_write_goes_after_a_day(local):
    old, fresh = made(local, 3), made(local, 0)
    for release in (old, fresh):
        Path(local.location(release), "manifest.json").unlink()
    (found,) = disused_releases(local, protected(local), NOW)
    assert (found.name, found.why) == (old, "was never finished")
    assert removed(local) == [old]


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Iterator[ReleaseRegistry]:
    folder = tmp_path_factory.mktemp("mlflow")
    before = mlflow.get_tracking_uri()
    registry = ReleaseRegistry(empty_store(folder), "books")
    mlflow.set_tracking_uri(registry.uri)
    yield registry
    mlflow.set_tracking_uri(before)


def test_its_version_and_model_leave_mlflow_when_that_answers_and_no_others_do(local, registry):
    old, new = made(local, 100), made(local, 10)
    for release in (old, new):
        publish(local, registry, release, Path.cwd())
    record(local, new, 10)
    models = Path(registry.uri.removeprefix("sqlite:///")).parent / "artifacts"
    client = mlflow.MlflowClient(registry.uri)
    version = client.get_model_version("books", str(registry.versions()[old]))
    n_files = len(list(models.rglob("*.parquet")))
    (model,) = [one for one in client.search_logged_models(["1"]) if old[-8:] in one.name]

    assert removed(local, AWAY) == [old]
    assert set(registry.versions()) == {old, new}
    (left,) = disused_releases(local, protected(local), NOW)
    assert (left.name, left.n_bytes) == (old, 0)
    assert removed(local, registry) == [old]
    assert set(registry.versions()) == {new}
    assert len(list(models.rglob("*.parquet"))) == n_files // 2 > 0
    assert client.get_run(str(version.run_id)).info.status == "FINISHED"
    with pytest.raises(mlflow.MlflowException, match=model.model_id):
        client.get_logged_model(model.model_id)
    assert disused(local) == []
    assert removed(local, registry) == []
