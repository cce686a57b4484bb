"""A challenger answers for its share of the titles, and is marked in every answer."""

import shutil
from pathlib import Path

import pytest

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.releases.challenges import Challenge
from book_forecast.releases.challenging import end_challenge, start_challenge
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.release.watch import watch_of
from book_forecast.serving.settings import ServiceSettings
from tests.serving.servers import (
    FIRST,
    KNOWN,
    SECOND,
    UNKNOWN,
    Server,
    damage,
    eventually,
    promote,
    write,
)


@pytest.fixture
def challenged(store: ReleaseStore) -> Challenge:
    return start_challenge(store, SECOND, 0.5, "try it")


def serving(tmp_path: Path, store: ReleaseStore, **variables: str) -> Server:
    return Server(tmp_path, "--releases", store.root, **variables)


def has_challenger(server: Server) -> bool:
    return server.readiness()["challenger"] is not None


def arms_of(server: Server) -> dict[str, str]:
    """Who answers for each title, by what the service says of it."""
    found = server.predict(*({"isbn": isbn} for isbn in KNOWN)).json()["predictions"]
    return {one["isbn"]: one["arm"] for one in found}


def test_each_title_is_answered_by_its_arm_and_says_so(
    tmp_path: Path, store: ReleaseStore, challenged: Challenge
):
    readers = {name: ForecastReader(store.read(name)) for name in (FIRST, SECOND)}
    release_of = {"champion": FIRST, "challenger": SECOND}
    with serving(tmp_path, store).ready() as server:
        eventually(lambda: has_challenger(server))
        assert server.readiness()["challenger"] == {"release": SECOND, "share": 0.5}
        response = server.predict(*({"isbn": isbn} for isbn in KNOWN), {"isbn": UNKNOWN})
        assert response.headers["x-forecast-arm"] == "champion, challenger"
        assert response.headers["x-forecast-release"] == f"{FIRST}, {SECOND}"
        *found, failed = response.json()["predictions"]
        assert (failed["arm"], failed["release"]) == ("champion", FIRST)
        assert {one["arm"] for one in found} == {"champion", "challenger"}
        for one in found:
            isbn, arm = one["isbn"], challenged.arm_of(one["isbn"])
            assert (one["arm"], one["release"]) == (arm, release_of[arm])
            own = readers[release_of[arm]].forecast(isbn, 32, [])
            assert one["mean"] == pytest.approx(own.mean.tolist(), abs=1e-3)
            for route in ("forecast", "demand"):
                single = server.client.get(f"/books/{isbn}/{route}")
                assert single.headers["x-forecast-arm"] == single.json()["arm"] == arm
                assert single.headers["x-forecast-release"] == single.json()["release"]
                other = server.client.get(f"/books/{isbn}/{route}?arm=champion").json()
                assert (other["arm"], other["release"]) == ("champion", FIRST)
        metrics = server.client.get("/metrics").text
        assert f'book_forecast_challenger_share{{release="{SECOND}"}} 0.5' in metrics
        assert 'book_forecast_forecasts_total{arm="challenger"}' in metrics


def test_a_challenger_is_named_from_the_champions_first_answer_until_it_answers_itself(
    store: ReleaseStore, challenged: Challenge
):
    watch = watch_of(ServiceSettings(releases=store.root))
    assert watch.challenger is not None
    watch.check()
    current = watch.current
    assert (current.release, current.rival, current.rival_loading) == (FIRST, None, SECOND)
    watch.challenger.check()
    assert current.rival is not None
    assert current.rival.served.release == SECOND
    assert current.rival_loading is None
    # Newer weeks of the champion do not load it again.
    watch.challenger.announce(FIRST)
    assert current.rival_loading is None


def test_lists_and_sums_of_titles_are_the_champions(
    tmp_path: Path, store: ReleaseStore, challenged: Challenge
):
    with serving(tmp_path, store).ready() as server:
        eventually(lambda: has_challenger(server))
        for path in ("/books", "/totals", "/names?by=author", "/left-out"):
            response = server.client.get(path)
            assert (response.json()["arm"], response.json()["release"]) == ("champion", FIRST)
            assert response.headers["x-forecast-release"] == FIRST
        isbn = next(isbn for isbn in KNOWN if challenged.arm_of(isbn) == "challenger")
        for path in ("", "/history", "/details"):
            assert server.client.get(f"/books/{isbn}{path}").headers["x-forecast-arm"] == "champion"
        assert "x-forecast-arm" not in server.client.get("/healthz").headers


def test_a_challenge_begins_grows_and_ends_while_the_service_runs(
    tmp_path: Path, store: ReleaseStore
):
    with serving(tmp_path, store, BOOK_FORECAST_SERVE_POLL_SECONDS="600").ready() as server:
        assert set(arms_of(server).values()) == {"champion"}
        small = start_challenge(store, SECOND, 0.3, "x")
        server.wake()
        eventually(lambda: has_challenger(server))
        before = arms_of(server)
        large = start_challenge(store, SECOND, 0.8, "more")
        server.wake()
        eventually(lambda: server.readiness()["challenger"]["share"] == 0.8)
        after = arms_of(server)
        assert before == {isbn: small.arm_of(isbn) for isbn in KNOWN}
        assert after == {isbn: large.arm_of(isbn) for isbn in KNOWN}
        assert all(after[isbn] == "challenger" for isbn in KNOWN if before[isbn] == "challenger")
        loaded = 'book_forecast_challenger_loads_total{outcome="loaded"} 1.0'
        assert loaded in server.client.get("/metrics").text
        end_challenge(store, large, "withdrawn", "enough")
        server.wake()
        eventually(lambda: not has_challenger(server))
        assert set(arms_of(server).values()) == {"champion"}
        start_challenge(store, SECOND, 0.5, "again")
        server.wake()
        eventually(lambda: has_challenger(server))
        promote(store, SECOND)
        server.wake()
        eventually(lambda: server.readiness()["release"] == SECOND)
        eventually(lambda: not has_challenger(server))
        assert server.predict({"isbn": KNOWN[0]}).json()["predictions"][0]["release"] == SECOND


@pytest.mark.parametrize("how", ["damaged", "gone", "no entry"])
def test_the_champion_answers_for_all_titles_where_the_challenger_cannot(
    how: str, tmp_path: Path, store: ReleaseStore, challenged: Challenge
):
    folder = Path(store.location(SECOND))
    if how == "damaged":
        damage(folder, "distributions")
    elif how == "gone":
        shutil.rmtree(folder)
    else:
        Path(store.challenges.location, "000001.json").write_text("{")
    with serving(tmp_path, store, BOOK_FORECAST_SERVE_POLL_SECONDS="0.1").ready() as server:
        if how != "no entry":
            eventually(lambda: server.readiness()["challenger_problem"])
            assert "book_forecast_challenger_problem 1.0" in server.client.get("/metrics").text
        assert set(arms_of(server).values()) == {"champion"}
        assert server.readiness()["problem"] is None
        named = "000001.json" if how == "no entry" else SECOND
        eventually(lambda: any(named in line["message"] for line in server.log()))


def test_a_challenger_that_vanishes_is_dropped_and_comes_back(
    tmp_path: Path, store: ReleaseStore, challenged: Challenge
):
    with serving(tmp_path, store, BOOK_FORECAST_SERVE_POLL_SECONDS="600").ready() as server:
        eventually(lambda: has_challenger(server))
        shutil.move(store.location(SECOND), tmp_path / "aside")
        server.wake()
        eventually(lambda: not has_challenger(server))
        assert set(arms_of(server).values()) == {"champion"}
        shutil.move(tmp_path / "aside", store.location(SECOND))
        server.wake()
        eventually(lambda: has_challenger(server))
        assert arms_of(server) == {isbn: challenged.arm_of(isbn) for isbn in KNOWN}
        assert server.readiness()["challenger_problem"] is None


def test_a_title_that_either_release_lacks_is_the_champions(tmp_path: Path, store: ReleaseStore):
    third = "2024-07-15T05.00.00-00000003"
    write(store, third, titles=6)
    start_challenge(store, third, 0.999, "x")
    with serving(tmp_path, store).ready() as server:
        eventually(lambda: has_challenger(server))
        arms = arms_of(server)
        assert {arms[isbn] for isbn in KNOWN[6:]} == {"champion"}
        assert "challenger" in {arms[isbn] for isbn in KNOWN[:6]}


def test_newer_weeks_of_the_challenger_are_taken_in_and_it_becomes_champion_at_once(
    tmp_path: Path, store: ReleaseStore, challenged: Challenge
):
    isbn = next(isbn for isbn in KNOWN if challenged.arm_of(isbn) == "challenger")
    with serving(tmp_path, store, BOOK_FORECAST_SERVE_POLL_SECONDS="600").ready() as server:
        eventually(lambda: has_challenger(server))
        former = server.predict({"isbn": isbn}).json()["predictions"][0]
        write(store, SECOND, seed=7)
        server.wake()
        newer = eventually(
            lambda: (
                (now := server.predict({"isbn": isbn}).json()["predictions"][0]) != former and now
            )
        )
        assert newer["arm"] == "challenger"
        assert server.client.get(f"/books/{isbn}/forecast").json() == newer
        promote(store, SECOND)
        # It is in memory, whatever has become of its tables.
        damage(Path(store.location(SECOND)), "histories")
        server.wake()
        eventually(lambda: server.readiness()["release"] == SECOND)
        now = server.predict({"isbn": isbn}).json()["predictions"][0]
        assert now == newer | {"arm": "champion"}
        assert server.readiness()["problem"] is None
