"""What a person does with releases."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.assembly import assemble
from book_forecast.releases.draft import Draft
from book_forecast.releases.manager import ReleaseManager
from book_forecast.releases.post_release import post_release_errors
from book_forecast.releases.promotion_log import ChampionChangedError
from book_forecast.releases.publishing import publish
from book_forecast.releases.registry import Registry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError
from tests.releases import payloads

AWAY = Registry("http://127.0.0.1:9")


@pytest.fixture
def desk(tmp_path):
    """Three releases, of which none is champion; MLflow does not answer."""
    store = ReleaseStore(str(tmp_path / "releases"))
    for seed in range(3):
        publish(store, AWAY, Draft(payloads.tables(seed=seed)), Path.cwd())
    return ReleaseManager(store, AWAY, Path.cwd())


@pytest.fixture
def three(desk):
    """The ids of the releases; candidate is the last of them."""
    last = desk.find("candidate")
    return [*(name for name in desk.store.releases() if name != last), last]


def test_a_release_is_found_by_its_id_and_by_either_end_of_it(desk, three):
    name = three[1]
    assert desk.find(name) == desk.find(name[-8:]) == name


def test_the_end_of_an_id_may_look_like_a_number(desk):
    name = "2024-07-01T05.00.00-12345678"
    desk.store.write(name, assemble(name, payloads.tables(), {}))
    assert desk.find("12345678") == name
    with pytest.raises(UserError, match="No release is meant by ''"):
        desk.find("")


def test_what_several_releases_begin_with_means_none_of_them(desk):
    with pytest.raises(UserError, match=r"^Several releases are meant by '20\d\d-': `kedro rel"):
        desk.find(f"{desk.find('candidate')[:4]}-")


def test_what_no_release_is_called_is_refused(desk):
    with pytest.raises(UserError, match="No release is meant by 'X': `kedro release list` shows"):
        desk.find("X")


def test_a_version_cannot_be_looked_up_while_mlflow_is_away(desk):
    with pytest.raises(UserError, match="Name the release by its id"):
        desk.find("1")


def test_a_version_of_mlflow_names_a_release(desk, three, tmp_path):
    before = mlflow.get_tracking_uri()
    registry = Registry(f"sqlite:///{tmp_path}/mlflow.db")
    try:
        again = ReleaseManager(desk.store, registry, desk.project)
        publish(desk.store, registry, Draft(payloads.tables(seed=9)), Path.cwd())
        assert again.find("1") == again.find("candidate")
        assert again.find("1") not in three
    finally:
        mlflow.set_tracking_uri(before)


def test_there_is_no_champion_before_one_is_made(desk):
    with pytest.raises(UserError, match="no champion yet: run the train and evaluate pipelines"):
        desk.find("champion")
    with pytest.raises(UserError, match="no former champion"):
        desk.former_champion()


def test_going_back_twice_goes_back_two_releases(desk, three):
    for name in three:
        desk.promote(name, "promote", "x")
    assert desk.promote(desk.former_champion(), "rollback", "bad").release == three[1]
    assert desk.promote(desk.former_champion(), "rollback", "bad").release == three[0]
    with pytest.raises(UserError, match="no former champion"):
        desk.former_champion()
    assert desk.champion() == three[0]


def test_a_release_that_is_promoted_again_comes_after_the_one_between(desk, three):
    for name in (three[0], three[1], three[0]):
        desk.promote(name, "promote", "x")
    assert desk.promote(desk.former_champion(), "rollback", "bad").release == three[1]
    assert desk.former_champion() == three[0]


def test_going_back_from_a_champion_that_was_set_in_mlflow_goes_to_the_one_before(
    desk, three, monkeypatch
):
    desk.promote(three[0], "promote", "x")
    desk.promote(three[1], "promote", "x")
    monkeypatch.setattr(Registry, "champion", lambda _: three[2])
    assert desk.champion() == three[2]
    assert desk.former_champion() == three[1]


def test_a_change_that_comes_between_looking_and_recording_is_not_overwritten(
    desk, three, monkeypatch
):
    from book_forecast.releases import promotion

    desk.promote(three[0], "promote", "x")
    looks = promotion.champion_of

    def looked(store, registry):
        found = looks(store, registry)
        monkeypatch.undo()
        desk.promote(three[2], "promote", "faster")
        return found

    monkeypatch.setattr(promotion, "champion_of", looked)
    with pytest.raises(ChampionChangedError):
        promotion.crown(
            desk.store, desk.registry, three[1], action="promote", why="x", before=three[0]
        )
    assert desk.champion() == three[2]


def test_a_change_tells_who_made_it_when_and_why(desk, three, monkeypatch):
    monkeypatch.setenv("BOOK_FORECAST_USER", "ann")
    desk.promote(three[0], "promote", "first")
    change = desk.promote(three[1], "promote", "better")
    assert (change.number, change.before, change.release) == (2, three[0], three[1])
    assert (change.who, change.why, change.action) == ("ann", "better", "promote")
    assert desk.store.promotions()[-1] == change


@pytest.mark.parametrize("kind", ["titles", "histories", "distributions"])
def test_a_damaged_release_does_not_become_champion(desk, three, kind):
    desk.promote(three[0], "promote", "x")
    folder = desk.store.local_folder(three[1])
    table = next(folder.glob(f"{kind}-*.parquet"))
    table.write_bytes(table.read_bytes()[:-1])
    with pytest.raises(UserError, match=f"{table.name} is damaged"):
        desk.promote(three[1], "rollback", "x")
    assert desk.champion() == three[0]


def test_titles_go_back_alone_in_a_release_of_their_own(desk, three):
    older, newer = (desk.store.read(name) for name in three[:2])
    desk.promote(three[1], "promote", "x")
    title, other = payloads.isbn(1), payloads.isbn(2)
    made = desk.mend(three[0], [title], "too high").release
    assert made not in three
    assert desk.champion() == made
    assert desk.store.candidate() == three[2]
    mended = desk.store.read(made)
    for isbn, source in ((title, older), (other, newer)):
        ours, theirs = (ForecastReader(p).forecast(isbn, 104, [80.0]) for p in (mended, source))
        assert ours.mean.tolist() == theirs.mean.tolist()
        row = ForecastReader(mended).row(isbn)
        assert mended.volumes[row] == source.volumes[row]
        assert mended.titles.slice(row, 1) == source.titles.slice(row, 1)
    assert mended.manifest["mended"] == {"of": three[1], "from": three[0], "isbns": [title]}


def test_a_title_that_a_release_lacks_is_named_and_nothing_is_made(desk, three):
    desk.promote(three[1], "promote", "x")
    with pytest.raises(UserError, match=f"no title {payloads.isbn(7)}"):
        desk.mend(three[0], [payloads.isbn(7)], "x")
    assert desk.champion() == three[1]
    assert sorted(desk.store.releases()) == sorted(three)


def test_releases_are_compared_on_weeks_that_neither_has_seen(desk, three):
    releases = [desk.store.read(name) for name in three[:2]]
    isbn = payloads.isbn(1)
    weeks = pd.Timestamp(payloads.CUTOFF) + pd.to_timedelta([-7, 0, 7, 14], unit="D")
    said = [ForecastReader(release).forecast(isbn, 2, []).mean for release in releases]
    # What the first of them has forecast comes true.
    sales = pd.DataFrame({"isbn": isbn, "week": weeks, "volume": [1.0, 1.0, *said[0]]})
    table = post_release_errors(releases, sales)
    assert table is not None
    assert table["weeks"].tolist() == [2, 2]
    wrong = abs(said[1] - said[0]).sum() / said[0].sum()
    assert table["wape"].tolist() == pytest.approx([0.0, wrong])
    assert post_release_errors(releases, sales[:2]) is None
