"""What a person does with releases."""

from dataclasses import replace
from pathlib import Path

import mlflow
import pandas as pd
import pyarrow as pa
import pytest

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.assembly import assemble, with_titles_of
from book_forecast.releases.manager import ReleaseManager
from book_forecast.releases.post_release import post_release_errors
from book_forecast.releases.promotion import promote
from book_forecast.releases.promotion_log import ChampionChangedError
from book_forecast.releases.publishing import publish, synchronise
from book_forecast.releases.registry import ReleaseRegistry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError
from tests.mlflow_stores import empty_store
from tests.releases import payloads

AWAY = ReleaseRegistry("http://127.0.0.1:9", "books")


@pytest.fixture
def manager(tmp_path):
    """Three releases, of which none is champion; MLflow does not answer."""
    store = ReleaseStore(str(tmp_path / "releases"))
    for seed in range(3):
        store.point("candidate", payloads.saved(store, seed))
    return ReleaseManager(store, AWAY, Path.cwd())


@pytest.fixture
def three(manager):
    """The ids of the releases; candidate is the last of them."""
    last = manager.find("candidate")
    return [*(name for name in manager.store.releases() if name != last), last]


def test_a_release_is_found_by_its_id_and_by_either_end_of_it(manager, three):
    name = three[1]
    assert manager.find(name) == manager.find(name[-8:]) == name


def test_the_end_of_an_id_may_look_like_a_number(manager):
    name = "2024-07-01T05.00.00-12345678"
    manager.store.write(name, assemble(name, payloads.tables(), {}))
    assert manager.find("12345678") == name
    with pytest.raises(UserError, match="No release matches ''"):
        manager.find("")


def test_what_several_releases_begin_with_means_none_of_them(manager):
    with pytest.raises(UserError, match=r"^Several releases match '20\d\d-': `kedro rel"):
        manager.find(f"{manager.find('candidate')[:4]}-")


def test_what_no_release_is_called_is_refused(manager):
    with pytest.raises(UserError, match="No release matches 'X': `kedro release list` shows"):
        manager.find("X")


def test_a_version_cannot_be_looked_up_while_mlflow_is_away(manager):
    with pytest.raises(UserError, match="Name the release by its id"):
        manager.find("1")


def test_a_version_of_mlflow_names_a_release(manager, tmp_path):
    before = mlflow.get_tracking_uri()
    registry = ReleaseRegistry(empty_store(tmp_path), "books")
    try:
        again = ReleaseManager(manager.store, registry, manager.project)
        release = payloads.saved(manager.store, 9)
        publish(manager.store, registry, release, Path.cwd())
        assert again.find("1") == release
    finally:
        mlflow.set_tracking_uri(before)


def test_there_is_no_champion_before_one_is_made(manager):
    with pytest.raises(UserError, match="no champion yet: run the train and evaluate pipelines"):
        manager.find("champion")
    with pytest.raises(UserError, match="no former champion"):
        manager.former_champion()


def test_going_back_twice_goes_back_two_releases(manager, three):
    for name in three:
        manager.promote(name, "promote", "x")
    assert manager.promote(manager.former_champion(), "rollback", "bad").release == three[1]
    assert manager.promote(manager.former_champion(), "rollback", "bad").release == three[0]
    with pytest.raises(UserError, match="no former champion"):
        manager.former_champion()
    assert manager.store.champion() == three[0]


def test_a_release_that_is_promoted_again_comes_after_the_one_between(manager, three):
    for name in (three[0], three[1], three[0]):
        manager.promote(name, "promote", "x")
    assert manager.promote(manager.former_champion(), "rollback", "bad").release == three[1]
    assert manager.former_champion() == three[0]


def test_a_promotion_that_comes_between_looking_and_recording_is_not_overwritten(
    manager, three, monkeypatch
):
    manager.promote(three[0], "promote", "x")
    looks = ReleaseStore.champion

    def looked(store):
        found = looks(store)
        monkeypatch.undo()
        manager.promote(three[2], "promote", "faster")
        return found

    monkeypatch.setattr(ReleaseStore, "champion", looked)
    with pytest.raises(ChampionChangedError):
        promote(manager.store, AWAY, three[1], action="promote", why="x", before=three[0])
    assert manager.store.champion() == three[2]


def test_nothing_but_the_promotion_log_decides_who_is_champion(manager, three, tmp_path):
    before = mlflow.get_tracking_uri()
    registry = ReleaseRegistry(empty_store(tmp_path), "books")
    try:
        there = ReleaseManager(manager.store, registry, manager.project)
        synchronise(there.store, registry)
        there.promote(three[0], "promote", "x")
        registry.set_alias(three[1])
        assert there.find("champion") == three[0]
        assert there.promote(three[2], "promote", "x").before == three[0]
    finally:
        mlflow.set_tracking_uri(before)


def test_a_record_says_who_made_it_when_and_why(manager, three, monkeypatch):
    monkeypatch.setenv("BOOK_FORECAST_USER", "ann")
    manager.promote(three[0], "promote", "first")
    record = manager.promote(three[1], "promote", "better")
    assert (record.number, record.before, record.release) == (2, three[0], three[1])
    assert (record.who, record.why, record.action) == ("ann", "better", "promote")
    assert manager.store.promotions()[-1] == record


@pytest.mark.parametrize("kind", ["titles", "histories", "distributions"])
def test_a_damaged_release_does_not_become_champion(manager, three, kind):
    manager.promote(three[0], "promote", "x")
    folder = manager.store.local_folder(three[1])
    table = next(folder.glob(f"{kind}-*.parquet"))
    table.write_bytes(table.read_bytes()[:-1])
    with pytest.raises(UserError, match=f"{table.name} is damaged"):
        manager.promote(three[1], "rollback", "x")
    assert manager.store.champion() == three[0]


def test_a_partial_rollback_takes_the_specifications_of_its_titles(manager, three):
    older, newer = (
        replace(
            manager.store.read(name),
            specifications=pa.table(
                {"isbn": [payloads.isbn(n) for n in range(3)], "specification": [mark] * 3}
            ),
        )
        for name, mark in ((three[0], "older"), (three[1], "newer"))
    )
    made = with_titles_of(newer, older, [payloads.isbn(1)])
    assert made.specifications is not None
    assert made.specifications["specification"].to_pylist() == ["newer", "older", "newer"]
    assert made.manifest["fingerprint"] not in (None, newer.manifest["fingerprint"])


def test_titles_go_back_alone_in_a_release_of_their_own(manager, three):
    older, newer = (manager.store.read(name) for name in three[:2])
    manager.promote(three[1], "promote", "x")
    title, other = payloads.isbn(1), payloads.isbn(2)
    made = manager.roll_back_titles(three[0], [title], "too high").release
    assert made not in three
    assert manager.store.champion() == made
    assert manager.store.candidate() == three[2]
    partial = manager.store.read(made)
    for isbn, source in ((title, older), (other, newer)):
        ours, theirs = (ForecastReader(p).forecast(isbn, 104, [80.0]) for p in (partial, source))
        assert ours.mean.tolist() == theirs.mean.tolist()
        row = ForecastReader(partial).row(isbn)
        assert partial.volumes[row] == source.volumes[row]
        assert partial.titles.slice(row, 1) == source.titles.slice(row, 1)
    assert partial.manifest["partial_rollback"] == {
        "of": three[1],
        "from": three[0],
        "isbns": [title],
    }


def test_a_title_that_a_release_lacks_is_named_and_nothing_is_made(manager, three):
    manager.promote(three[1], "promote", "x")
    with pytest.raises(UserError, match=f"no title {payloads.isbn(7)}"):
        manager.roll_back_titles(three[0], [payloads.isbn(7)], "x")
    assert manager.store.champion() == three[1]
    assert sorted(manager.store.releases()) == sorted(three)


def test_releases_are_compared_on_weeks_that_neither_has_seen(manager, three):
    releases = [manager.store.read(name) for name in three[:2]]
    isbn = payloads.isbn(1)
    weeks = pd.Timestamp(payloads.CUTOFF) + pd.to_timedelta([-7, 0, 7, 14], unit="D")
    means = [ForecastReader(release).forecast(isbn, 2, []).mean for release in releases]
    # What the first of them has forecast comes true.
    sales = pd.DataFrame({"isbn": isbn, "week": weeks, "volume": [1.0, 1.0, *means[0]]})
    table = post_release_errors(releases, sales)
    assert table is not None
    assert table["weeks"].tolist() == [2, 2]
    wape = abs(means[1] - means[0]).sum() / means[0].sum()
    assert table["wape"].tolist() == pytest.approx([0.0, wape])
    assert post_release_errors(releases, sales[:2]) is None
