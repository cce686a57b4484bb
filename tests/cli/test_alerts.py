"""`kedro alerts`, as it is typed, and what other commands tell people."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from book_forecast.alerts.channels import WEBHOOK
from book_forecast.alerts.events import Alert
from book_forecast.alerts.outbox import Outbox
from book_forecast.cli.alerts import alerts as commands
from book_forecast.cli.alerts import announce
from tests.alerts.servers import WebhookServer, webhook

Typed = Callable[..., str]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookServer]:
    with webhook() as found:
        monkeypatch.setenv(WEBHOOK, found.url)
        yield found


@pytest.fixture
def typed(project_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """What a command says; one that fails says why."""
    monkeypatch.chdir(project_path)
    bootstrap_project(project_path)

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(commands, [*arguments, "--data-root", str(tmp_path)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.output

    return call


def test_a_test_alert_arrives(server: WebhookServer, typed: Typed) -> None:
    assert "Sent by webhook." in typed("test")
    assert server.texts == [
        "*book_forecast, development*\n*Test*: This is a test. Alerts of book_forecast arrive here."
    ]


def test_a_channel_that_refuses_is_an_error(server: WebhookServer, typed: Typed) -> None:
    server.answers = [404]
    assert "webhook: the webhook answers 404" in typed("test")


def test_without_a_channel_the_variables_are_named(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)
    assert f"set {WEBHOOK}" in typed("test")
    assert "No alert waits" in typed("list")


def test_what_waits_is_listed_and_sent(server: WebhookServer, typed: Typed, tmp_path: Path) -> None:
    outbox = Outbox(str(tmp_path / "08_reporting/alerts"))
    outbox.add(Alert(kind="runs_out", text="3 titles"), 20)
    assert "Titles will run out: 3 titles" in typed("list")
    assert "1 alerts sent" in typed("send")
    assert "*Titles will run out*: 3 titles" in server.texts[0]
    assert "No alert waits" in typed("send")


def test_a_command_goes_on_if_its_news_cannot_be_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv(WEBHOOK, "http://example.org/secretpath")

    entry = SimpleNamespace(load=lambda: Outbox(str(tmp_path)))
    context: Any = SimpleNamespace(
        env=None, config_loader={"parameters": {}}, catalog={"alert_outbox": entry}
    )
    announce(context, Alert(kind="rollback", text="x"))
    shown = capsys.readouterr().err
    assert "The alert could not be sent" in shown
    assert "secretpath" not in shown
