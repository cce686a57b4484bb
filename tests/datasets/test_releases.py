"""The catalog's entries for releases."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest
from kedro.io import DatasetError

from book_forecast.datasets.releases import (
    CurrentReleaseDataset,
    PromotionDataset,
    ReleaseDataset,
    ReleaseScoresDataset,
)
from book_forecast.releases.draft import Draft
from book_forecast.releases.gates import Gate, Verdict
from book_forecast.releases.promotion import crown
from book_forecast.releases.publishing import publish
from book_forecast.releases.refresh import Refresh
from book_forecast.releases.registry import Registry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError, find_user_error
from tests.releases import payloads

AWAY = Registry("http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def _mlflow_is_away():
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(AWAY.uri)
    yield
    mlflow.set_tracking_uri(before)


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "releases")


@pytest.fixture
def store(root):
    return ReleaseStore(root)


@pytest.fixture
def promotion(root, tmp_path):
    return PromotionDataset(filepath=str(tmp_path / "promotion.json"), releases=root)


def make(store: ReleaseStore, seed: int = 0) -> str:
    return publish(store, AWAY, Draft(payloads.tables(seed=seed)), Path.cwd())


def verdict(release: str, champion: str | None, *, passed: bool = True) -> dict:
    gate = Gate(name="fallbacks", passed=passed, reason="0.5 of the titles")
    promote = passed or champion is None
    made = Verdict(release=release, champion=champion, promote=promote, gates=(gate,))
    return made.model_dump(mode="json")


def test_before_the_first_verdict_there_is_none(promotion):
    assert promotion.load() == {}


def test_a_verdict_makes_the_candidate_champion(store, promotion):
    first = make(store)
    promotion.save(verdict(first, None))
    second = make(store, seed=1)
    promotion.save(verdict(second, first))
    assert store.champion() == second
    assert promotion.load()["promoted"] is True
    assert [change.why for change in store.promotions()] == ["passed all gates"] * 2


def test_the_first_release_of_all_is_promoted_with_a_warning(store, promotion, caplog):
    first = make(store)
    promotion.save(verdict(first, None, passed=False))
    assert store.champion() == first
    assert "the first release of all, though it failed fallbacks" in caplog.text


def test_a_candidate_that_failed_leaves_the_champion(store, promotion, caplog):
    first, second = make(store), make(store, seed=1)
    promotion.save(verdict(first, None))
    promotion.save(verdict(second, first, passed=False))
    assert store.champion() == first
    assert promotion.load()["promoted"] is False
    assert f"{second} is not promoted: it failed fallbacks" in caplog.text


def test_a_pinned_champion_stays_whatever_a_person_does_until_the_pin_is_off(
    store, promotion, caplog
):
    first, second, third = (make(store, seed=seed) for seed in range(3))
    crown(store, AWAY, first, action="pin", why="x", before=None)
    promotion.save(verdict(second, first))
    assert store.champion() == first
    assert f"{first} is pinned: {second} is not promoted" in caplog.text
    crown(store, AWAY, third, action="rollback", why="x", before=first)
    promotion.save(verdict(second, third))
    assert store.champion() == third
    crown(store, AWAY, first, action="unpin", why="x", before=third)
    promotion.save(verdict(second, first))
    assert store.champion() == second


@pytest.mark.parametrize("passed", [True, False])
def test_a_champion_that_is_judged_again_is_champion_still(store, promotion, passed):
    first = make(store)
    promotion.save(verdict(first, None))
    promotion.save(verdict(first, first, passed=passed))
    assert len(store.promotions()) == 1
    assert promotion.load()["promoted"] is True


def test_a_verdict_that_another_run_has_acted_on_is_no_error(store, promotion):
    first, second = make(store), make(store, seed=1)
    promotion.save(verdict(first, None))
    for _ in range(2):
        promotion.save(verdict(second, first))
    assert promotion.load()["promoted"] is True
    assert len(store.promotions()) == 2


def test_a_verdict_against_a_champion_that_has_gone_is_refused(store, promotion):
    first, second, third = (make(store, seed=seed) for seed in range(3))
    promotion.save(verdict(first, None))
    promotion.save(verdict(second, first))
    with pytest.raises(DatasetError) as caught:
        promotion.save(verdict(third, first))
    error = find_user_error(caught.value)
    assert error is not None
    assert f"The champion is {second} by now, not {first}" in str(error)
    assert store.champion() == second


def test_only_the_candidates_entry_publishes(root, store):
    candidate = ReleaseDataset(filepath=root, release="candidate")
    candidate.save(Draft(payloads.tables()))
    loaded = candidate.load()
    assert loaded is not None
    assert loaded.release == store.candidate()
    with pytest.raises(DatasetError, match="Only a candidate is published, not champion"):
        ReleaseDataset(filepath=root).save(Draft(payloads.tables()))


def test_a_champion_that_is_not_there_yet_is_none(root):
    assert ReleaseDataset(filepath=root).load() is None


@pytest.mark.parametrize("release", ["2024-07-01T05.00.00-00000009", "../secrets"])
def test_a_release_that_is_not_there_is_a_users_error(root, release):
    with pytest.raises((DatasetError, UserError)) as caught:
        ReleaseDataset(filepath=root, release=release).load()
    error = find_user_error(caught.value)
    assert error is not None
    assert release in str(error)
    assert "`kedro release list` shows all releases" in str(error)


def test_a_refreshed_release_is_the_current_one(root, store):
    release = make(store)
    manifest = store.manifest(release)
    dataset = CurrentReleaseDataset(filepath=root)
    dataset.save(Refresh(release, {}))
    assert dataset.load().manifest["checksum"] == manifest["checksum"]
    dataset.save(Refresh(release, {"titles": payloads.tables(seed=5)["titles"]}))
    assert dataset.load().release == release
    assert dataset.load().manifest["checksum"] == manifest["checksum"]
    other = payloads.tables(seed=5)["distributions"]
    dataset.save(Refresh(release, {"distributions": other}))
    assert dataset.load().manifest["checksum"] != manifest["checksum"]


def test_weeks_that_are_rolled_in_while_scores_are_added_cost_neither(root, store):
    release = make(store)
    payload = store.read(release)
    scores = pd.DataFrame(payloads.tables()["scores"].to_pydict())
    table = scores.assign(isbn=payload.titles["isbn"].to_pylist())
    refreshed = Refresh(release, {"distributions": payloads.tables(seed=5)["distributions"]})
    ReleaseScoresDataset(filepath=root).save(
        {"release": release, "table": table, "summary": {"test_wape": 0.5}}
    )
    CurrentReleaseDataset(filepath=root).save(refreshed)
    after = store.read(release)
    assert after.manifest["scores"] == {"test_wape": 0.5}
    assert (after.mean != payload.mean).any()


def test_the_candidates_scores_over_all_titles_are_its_own(root, store):
    assert ReleaseScoresDataset(filepath=root).load() == {}
    make(store)
    assert ReleaseScoresDataset(filepath=root).load() == {}
