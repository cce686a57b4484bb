"""The log of overrides beside the releases."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from book_forecast.releases import overrides
from book_forecast.releases.overrides import FullLogError, Override, OverrideLog
from book_forecast.releases.store import ReleaseStore
from book_forecast.storage.errors import UserError
from tests.releases import payloads

FIRST = dt.date(2024, 7, 6)


pytest_plugins = ("tests.gcs",)


@pytest.fixture(params=["folder", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path)
    return f"{request.getfixturevalue('gcs_bucket')}/releases"


def made(copies: tuple[float, ...] = (10.0, 12.0), isbn: str = payloads.isbn(0)) -> Override:
    return Override(
        who="Ann",
        why="A prize",
        isbn=isbn,
        release=payloads.RELEASE,
        cutoff=payloads.CUTOFF,
        first_week=FIRST,
        copies=copies,
        replaced=(5.0,) * len(copies),
    )


def test_entries_come_back_with_their_numbers(root: str):
    log = OverrideLog(root)
    assert log.overrides() == []
    assert [log.add(made()), log.add(made((3.0,)))] == [1, 2]
    first, second = OverrideLog(root).overrides()
    assert (first.number, first.override.copies) == (1, (10.0, 12.0))
    assert first.override.weeks == [FIRST, FIRST + dt.timedelta(weeks=1)]
    assert second.withdrawal is None


def test_a_withdrawal_is_an_entry_of_its_own(tmp_path: Path):
    log = OverrideLog(str(tmp_path))
    log.add(made())
    content = (tmp_path / "overrides/000001.json").read_bytes()
    log.withdraw(1, "Bob", "by mistake")
    assert (tmp_path / "overrides/000001.json").read_bytes() == content
    (one,) = log.overrides()
    assert one.withdrawal is not None
    assert (one.withdrawal.who, one.withdrawal.of) == ("Bob", 1)
    with pytest.raises(UserError, match="was withdrawn by Bob"):
        log.withdraw(1, "Cid", "once more")
    with pytest.raises(UserError, match="no override 7"):
        log.withdraw(7, "Cid", "no such")
    assert log.add(made()) == 3
    with pytest.raises(UserError, match="why"):
        log.withdraw(3, "Cid", "")


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path):
    def write(n: int) -> int:
        return OverrideLog(str(tmp_path)).add(made((float(n),)))

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(write, range(16)))
    assert sorted(numbers) == list(range(1, 17))
    found = OverrideLog(str(tmp_path)).overrides()
    assert sorted(one.override.copies[0] for one in found) == list(range(16))
    assert not list((tmp_path / "overrides").glob(".*"))


def test_a_damaged_entry_costs_itself_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    log = OverrideLog(str(tmp_path))
    log.add(made())
    (tmp_path / "overrides/000002.json").write_text('{"kind": "override"')
    (tmp_path / "overrides/notes.txt").write_text("not an entry")
    assert log.add(made()) == 3
    assert [one.number for one in log.overrides()] == [1, 3]
    assert "000002.json is no override" in caplog.text


def test_a_full_log_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(overrides, "MOST_ENTRIES", 2)
    log = OverrideLog(str(tmp_path))
    log.add(made())
    log.add(made())
    with pytest.raises(FullLogError, match="Move it away"):
        log.add(made())


def test_the_log_is_no_release(tmp_path: Path):
    store = ReleaseStore(str(tmp_path))
    release = payloads.saved(store)
    OverrideLog(str(tmp_path)).add(made())
    assert store.releases() == [release]
