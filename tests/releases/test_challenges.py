"""A second release answers for a share of the titles."""

import logging
from concurrent.futures import ThreadPoolExecutor
from math import sqrt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from book_forecast.payload.manifest import PayloadError
from book_forecast.releases.challenges import Challenge, Ending
from book_forecast.releases.challenging import challenge_alert, end_challenge, start_challenge
from book_forecast.releases.manager import ReleaseManager
from book_forecast.releases.registry import ReleaseRegistry
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError
from tests.releases import payloads

AWAY = ReleaseRegistry("http://127.0.0.1:9", "books")
pytest_plugins = ("tests.gcs",)

ISBNS = [payloads.isbn(n) for n in range(4000)]


def managed(root: str) -> tuple[ReleaseManager, list[str]]:
    """Three releases, the first being champion; MLflow does not answer."""
    store = ReleaseStore(root)
    three = [payloads.saved(store, seed) for seed in range(3)]
    manager = ReleaseManager(store, AWAY, Path.cwd())
    manager.promote(three[0], "promote", "x")
    return manager, three


@pytest.fixture
def manager(tmp_path: Path) -> ReleaseManager:
    return managed(str(tmp_path))[0]


def others(manager: ReleaseManager) -> list[str]:
    return [name for name in manager.store.releases() if name != manager.store.champion()]


def champion_of(manager: ReleaseManager) -> str:
    found = manager.store.champion()
    assert found is not None
    return found


def challenge(share: float, salt: str = "salt") -> Challenge:
    entry = {"number": 1, "who": "ann", "why": "x", "test": 1, "since": payloads.CUTOFF}
    releases = {"release": "b", "champion": "a", "promotion": 1}
    return Challenge(**entry, **releases, share=share, salt=salt)


def served(share: float, salt: str) -> set[str]:
    one = challenge(share, salt)
    return {isbn for isbn in ISBNS if one.arm_of(isbn) == "challenger"}


shares = st.floats(0.001, 0.999)
salts = st.text(min_size=1, max_size=20)


@given(share=shares, salt=salts)
def test_the_share_of_titles_is_the_one_that_is_asked_for(share: float, salt: str):
    n = len(ISBNS)
    # Beyond six standard deviations of a binomial number lies one draw in a billion.
    assert abs(len(served(share, salt)) - share * n) <= 6 * sqrt(share * (1 - share) * n) + 1


@given(first=shares, second=shares, salt=salts)
def test_a_larger_share_takes_no_title_from_the_challenger(first: float, second: float, salt: str):
    assert served(min(first, second), salt) <= served(max(first, second), salt)


@given(share=st.floats(0.2, 0.8), one=salts, other=salts)
def test_another_salt_splits_anew(share: float, one: str, other: str):
    if one == other:
        assert served(share, one) == served(share, other)
        return
    both = len(served(share, one) & served(share, other))
    assert both / len(ISBNS) == pytest.approx(share**2, abs=0.06)


def test_the_split_is_the_same_in_every_process_and_version():
    arms = [challenge(0.5, "0123456789abcdef").arm_of(isbn) for isbn in ISBNS[:8]]
    own = [arm == "challenger" for arm in arms]
    assert own == [True, True, True, True, False, True, False, False]


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_a_challenge_is_read_back_and_taken_back(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
):
    root = str(tmp_path) if place == "folder" else request.getfixturevalue("gcs_bucket")
    manager, (champion, challenger, _) = managed(f"{root}/releases")
    assert manager.store.challenge() is None
    made = start_challenge(manager.store, challenger, 0.2, "try it")
    again = ReleaseStore(f"{root}/releases")
    assert again.challenge() == made
    assert (made.champion, made.release, made.share) == (champion, challenger, 0.2)
    assert manager.find("challenger") == challenger
    end_challenge(again, made, "withdrawn", "enough")
    assert manager.store.challenge() is None
    assert [type(entry) for entry in again.challenges.entries()] == [Challenge, Ending]
    with pytest.raises(UserError, match="No release challenges"):
        manager.find("challenger")


def test_another_share_keeps_the_split_and_the_test(manager: ReleaseManager):
    name = others(manager)[0]
    first = start_challenge(manager.store, name, 0.1, "x")
    second = start_challenge(manager.store, name, 0.5, "more")
    assert (second.salt, second.test, second.since) == (first.salt, 1, payloads.CUTOFF)
    assert (second.share, second.number, second.why) == (0.5, 2, "more")
    end_challenge(manager.store, second, "withdrawn", "x")
    assert start_challenge(manager.store, name, 0.5, "anew").salt != first.salt


def test_the_promotion_of_any_other_release_ends_the_challenge(manager: ReleaseManager):
    store = manager.store
    for promoted, outcome in ((0, "promoted"), (1, "overtaken")):
        two = others(manager)
        start_challenge(store, two[0], 0.2, "x")
        manager.promote(two[promoted], "promote", "better")
        assert store.challenge() is None
        last = store.challenges.last()
        assert isinstance(last, Ending)
        assert last.outcome == outcome


def test_a_change_of_the_champion_ends_it_even_if_nobody_wrote_so(manager: ReleaseManager):
    store, champion = manager.store, champion_of(manager)
    two = others(manager)
    made = start_challenge(store, two[0], 0.2, "x")
    manager.promote(two[1], "promote", "x")
    Path(store.challenges.location, f"{made.number + 1:06d}.json").unlink()
    assert store.challenge() is None
    # Also after the former champion is back: its test has been interrupted.
    manager.promote(champion, "rollback", "x")
    assert store.challenge() is None


def test_a_pin_of_the_champion_ends_nothing(manager: ReleaseManager):
    made = start_challenge(manager.store, others(manager)[0], 0.2, "x")
    manager.promote(champion_of(manager), "pin", "x")
    assert manager.store.challenge() == made


def test_what_cannot_challenge_is_refused_with_the_reason(manager: ReleaseManager):
    store = manager.store
    one, other = others(manager)
    for share in (0.0, 1.0, -0.1, 2.0, float("nan")):
        with pytest.raises(UserError, match="above 0 and below 1"):
            start_challenge(store, one, share, "x")
    for why in ("", " \n"):
        with pytest.raises(UserError, match="--why is empty"):
            start_challenge(store, one, 0.2, why)
    assert store.challenges.entries() == []
    with pytest.raises(UserError, match="is champion"):
        start_challenge(store, champion_of(manager), 0.2, "x")
    with pytest.raises(PayloadError, match="holds no release"):
        start_challenge(store, "2024-01-01T00.00.00-00000000", 0.2, "x")
    start_challenge(store, one, 0.2, "x")
    with pytest.raises(UserError, match="take it back"):
        start_challenge(store, other, 0.2, "x")


def test_without_a_champion_there_is_nothing_to_challenge(tmp_path: Path):
    store = ReleaseStore(str(tmp_path))
    name = payloads.saved(store, 1)
    with pytest.raises(UserError, match="no champion yet"):
        start_challenge(store, name, 0.2, "x")


def test_of_several_at_once_one_starts(manager: ReleaseManager):
    name = others(manager)[0]
    root = manager.store.root

    def start(_: int) -> bool:
        try:
            start_challenge(ReleaseStore(root), name, 0.2, "x")
        except UserError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(start, range(4)))
    assert sum(started) == len(manager.store.challenges.entries()) >= 1
    running = manager.store.challenge()
    assert running is not None
    assert running.release == name


def test_a_damaged_entry_counts_as_the_end(
    manager: ReleaseManager, caplog: pytest.LogCaptureFixture
):
    store = manager.store
    name = others(manager)[0]
    start_challenge(store, name, 0.2, "x")
    path = Path(store.challenges.location, "000001.json")
    for content in (b"", b"\xff\xfe", b"[null]", path.read_bytes().replace(b"0.2", b"7.5")):
        path.write_bytes(content)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert store.challenge() is None
            assert store.challenge() is None
        assert caplog.text.count("000001.json is no entry of a challenge") == 1
    assert start_challenge(store, name, 0.3, "again").number == 2


def test_an_entry_can_be_told_as_an_alert(manager: ReleaseManager):
    made = start_challenge(manager.store, others(manager)[0], 0.2, "try it")
    assert "20.0% of the titles" in challenge_alert(made).text
    ended = end_challenge(manager.store, made, "lost", "worse by 5 %")
    assert "has lost, and was taken back" in challenge_alert(ended).text
    assert {challenge_alert(one).kind for one in (made, ended)} == {
        "challenge_started",
        "challenger_withdrawn",
    }


def test_the_log_of_challenges_is_no_release(manager: ReleaseManager):
    before = manager.store.releases()
    start_challenge(manager.store, others(manager)[0], 0.2, "x")
    assert manager.store.releases() == before
