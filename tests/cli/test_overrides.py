"""`kedro override`, as it is typed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from book_forecast.cli.overrides import override
from book_forecast.releases.overrides import OverrideLog
from tests.releases import payloads
from tests.releases.test_overrides import made

Typed = Callable[..., str]


@pytest.fixture
def log(tmp_path: Path) -> OverrideLog:
    return OverrideLog(str(tmp_path / "data/06_models/releases"))


@pytest.fixture
def typed(project_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """What a command says; one that fails says why."""
    monkeypatch.chdir(project_path)
    bootstrap_project(project_path)

    def call(*arguments: str) -> str:
        line = [*arguments, "--data-root", str(tmp_path / "data")]
        done = CliRunner().invoke(override, line)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return call


def test_overrides_are_listed_and_withdrawn(log: OverrideLog, typed: Typed) -> None:
    assert "There are no overrides" in typed("list")
    log.add(made())
    log.add(made((30.0,), payloads.isbn(1)))
    listed = typed("list").splitlines()
    assert len(listed) == 2
    assert listed[0].split()[:2] == ["2", payloads.isbn(1)]
    assert "2024-07-06 to 2024-07-13  22 copies, not 10" in listed[1]
    assert typed("list", "--isbn", payloads.isbn(1)).splitlines() == listed[:1]
    told = typed("withdraw", "1", "--who", "Bob", "--why", "the prize went elsewhere")
    assert told == f"Withdrew override 1 of {payloads.isbn(0)} by Ann.\n"
    assert "Bob: the prize went elsewhere" in typed("list")
    assert [one.number for one in log.overrides() if one.withdrawal is None] == [2]


def test_a_withdrawal_is_signed_by_whom_the_environment_names(
    log: OverrideLog, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOOK_FORECAST_USER", "Cid")
    log.add(made())
    typed("withdraw", "1")
    (one,) = log.overrides()
    assert one.withdrawal is not None
    assert one.withdrawal.who == "Cid"


def test_what_cannot_be_withdrawn_is_said(log: OverrideLog, typed: Typed) -> None:
    log.add(made())
    typed("withdraw", "1")
    assert "was withdrawn by" in typed("withdraw", "1")
    assert "no override 7" in typed("withdraw", "7")
    assert "--isbn 'x'" in typed("list", "--isbn", "x")
