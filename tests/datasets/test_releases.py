"""The catalog's entries for releases load what they save, and saving one only writes it."""

from pathlib import Path

import mlflow
import pytest
from kedro.io import DatasetError

from book_forecast.datasets.releases import ChampionDataset, PinDataset, ReleaseDataset
from book_forecast.payload.contents import Payload
from book_forecast.releases.assembly import RolledTitle, rolled, with_scores
from book_forecast.releases.promotion_log import Action, Promotion
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError, find_user_error
from tests.releases import payloads
from tests.serving.servers import promote


@pytest.fixture
def root(tmp_path):
    return str(tmp_path / "releases")


@pytest.fixture
def candidate(root):
    return ReleaseDataset(filepath=root, release="candidate")


def loaded(dataset: ReleaseDataset) -> Payload:
    payload = dataset.load()
    assert payload is not None
    return payload


def test_a_candidate_that_is_saved_is_the_one_that_is_loaded(root, candidate, monkeypatch):
    monkeypatch.setattr(mlflow.MlflowClient, "__init__", None)
    payload = payloads.release()
    candidate.save(payload)
    found = loaded(candidate)
    assert found.release == payload.release == ReleaseStore(root).candidate()
    assert (found.mean == payload.mean).all()
    assert ReleaseStore(root).champion() is None
    assert ReleaseStore(root).promotions() == []


def test_a_step_that_is_tried_again_makes_no_second_release(root, candidate):
    first, again = payloads.release("ab" * 8), payloads.release("ab" * 8, payloads.LATER)
    assert first.release != again.release
    for payload in (first, again):
        candidate.save(payload)
    assert ReleaseStore(root).releases() == [first.release]
    assert loaded(candidate).release == first.release
    candidate.save(payloads.release("cd" * 8))
    assert len(ReleaseStore(root).releases()) == 2


def test_a_champion_that_is_the_candidate_again_is_written_once(root, candidate, monkeypatch):
    candidate.save(payloads.release())
    champion = loaded(candidate)
    candidate.save(payloads.release("cd" * 8))
    monkeypatch.setattr(ReleaseStore, "write", None)
    candidate.save(champion)
    assert loaded(candidate).manifest == champion.manifest
    assert len(ReleaseStore(root).releases()) == 2


def test_scores_are_saved_through_an_entry_of_the_same_class(root, candidate):
    candidate.save(payloads.release())
    payload = loaded(candidate)
    table = payloads.tables()["scores"].append_column("isbn", payload.titles["isbn"])
    scored = ReleaseDataset(filepath=root, release="candidate")
    scored.save(with_scores(payload, table.take([2, 0, 1]), {"test_wape": 0.5}))
    found = loaded(scored)
    assert found.scores == payloads.tables()["scores"]
    assert found.manifest["scores"] == {"test_wape": 0.5}
    assert found.release == payload.release


def test_the_current_release_has_a_pointer_of_its_own(root, candidate):
    candidate.save(payloads.release("ab" * 8))
    first = loaded(candidate)
    current = ReleaseDataset(filepath=root, release="current")
    assert current.load() is None
    current.save(rolled(first, []))
    assert loaded(current).manifest == first.manifest
    candidate.save(payloads.release("cd" * 8))
    distribution = first.quantiles[0][:1].repeat(18, axis=0)
    newer = RolledTitle(payloads.isbn(1), "{}", 120, first.mean[0][:1].astype(float), distribution)
    current.save(rolled(first, [newer]))
    assert loaded(current).release == first.release
    assert loaded(current).manifest["checksum"] != first.manifest["checksum"]
    assert loaded(candidate).release != first.release


@pytest.mark.parametrize("release", ["champion", "2024-07-01T05.00.00-00000009"])
def test_only_candidate_and_current_are_saved(root, release):
    with pytest.raises(DatasetError, match=f"{release} cannot be saved"):
        ReleaseDataset(filepath=root, release=release).save(payloads.release())


def test_the_champion_is_the_last_of_the_promotion_log(root, candidate):
    champion = ReleaseDataset(filepath=root)
    assert champion.load() is None
    candidate.save(payloads.release())
    release = loaded(candidate).release
    ReleaseStore(root).record(
        Promotion(
            number=1,
            action="promote",
            release=release,
            before=None,
            who="ann",
            when=payloads.LATER,
            why="x",
        )
    )
    assert loaded(champion).release == release


@pytest.mark.parametrize("release", ["2024-07-01T05.00.00-00000009", "../secrets"])
def test_a_release_that_is_not_there_is_a_users_error(root, release):
    with pytest.raises((DatasetError, UserError)) as caught:
        ReleaseDataset(filepath=root, release=release).load()
    error = find_user_error(caught.value)
    assert error is not None
    assert release in str(error)
    assert "`kedro release list` shows all releases" in str(error)


def test_the_id_of_the_champion_is_that_of_the_moment_and_cannot_be_saved(root):
    now = ChampionDataset(filepath=root)
    assert now.load() is None
    release = payloads.saved(ReleaseStore(root))
    assert now.load() is None
    promote(ReleaseStore(root), release)
    assert now.load() == release
    with pytest.raises(DatasetError, match="kedro release promote"):
        now.save(release)  # type: ignore[arg-type]


def test_a_pin_is_that_of_the_moment_and_cannot_be_saved(root):
    store, pinned = ReleaseStore(root), PinDataset(filepath=root)
    assert pinned.load() is False
    release = payloads.saved(store)
    actions: dict[Action, bool] = {"promote": False, "pin": True, "unpin": False}
    for action, is_pinned in actions.items():
        promote(store, release, action=action)
        assert pinned.load() is is_pinned
    with pytest.raises(DatasetError, match="kedro release pin"):
        pinned.save(release)  # type: ignore[arg-type]


def test_a_damaged_promotion_log_is_a_users_error(root):
    store = ReleaseStore(root)
    promote(store, payloads.saved(store))
    (Path(root) / "changes/000001.json").write_text("{")
    with pytest.raises(DatasetError) as caught:
        ChampionDataset(filepath=root).load()
    assert "000001.json is damaged" in str(find_user_error(caught.value))
