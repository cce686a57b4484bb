"""Messages of runs reach the stack's alerter, with the error and without secrets."""

from pathlib import Path

import pytest

from runner_testing.projects import Runner
from runner_testing.shown import ZENML, shown_project
from zenml_runner.redaction import without_secret_values

FLAVOR = """
from kedro.framework.startup import bootstrap_project
from zenml.client import Client
from zenml.enums import StackComponentType

bootstrap_project(".")
Client().create_flavor("small.alerts.FileAlerterFlavor", StackComponentType.ALERTER)
Client().create_stack_component("notes", "file", StackComponentType.ALERTER, {})
"""
ALERTS = "alerts: {on_failure: true, on_success: true}\n"


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    home = tmp_path_factory.mktemp("alerts")
    return Runner(shown_project(home / "project", zenml=ZENML + ALERTS), home)


@pytest.mark.slow
def test_alerter_gets_one_message_for_each_end(runner: Runner, tmp_path: Path) -> None:
    alerts = tmp_path / "alerts"

    def run(**variables: str) -> str:
        alerts.write_text("")
        done = runner.zenml("run", ALERTS=str(alerts), **variables)
        assert ("BREAK" in variables) == (done.returncode == 1), done.stderr
        return done.stdout + done.stderr

    assert "the ZenML stack small-local has no alerter" in run()
    made = runner.python(FLAVOR)
    assert made.returncode == 0, made.stderr
    settings = runner.project / "conf/base/zenml.yml"
    settings.write_text(
        settings.read_text().replace("{type: local,", "{type: local, alerter: notes,")
    )

    assert "has no alerter" not in run()
    (message,) = alerts.read_text().splitlines()
    assert message.startswith("default-")
    assert message.endswith(": all steps are done")

    run(BREAK="1")
    (message,) = alerts.read_text().splitlines()
    assert "step double--fit has failed (in node fit): RuntimeError: cannot reach db://" in message
    assert "pass" not in message
    assert "secret-token" not in message
    assert "abcdef" not in message


@pytest.mark.slow
def test_unknown_alerter_is_refused(runner: Runner) -> None:
    settings = runner.project / "conf/base/zenml.yml"
    before = settings.read_text()
    settings.write_text(
        before.replace("{type: local,", "{type: local, alerter: nothing,", 1).replace(
            " alerter: notes,", ""
        )
    )
    try:
        done = runner.zenml("run")
    finally:
        settings.write_text(before)
    assert done.returncode == 1
    assert "ZenML has no alerter 'nothing'" in done.stderr


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("postgres://me:p@ss@host/db", "postgres://***@host/db"),
        ("https://host/x?token=abc&part=1", "https://host/x?token=***&part=1"),
        ("{'api_key': 'k', 'rows': 3}", "{'api_key': ***, 'rows': 3}"),
        ("Authorization: Bearer abcdef.g", "Authorization: Bearer ***"),
        ("the variable's value of-a-variable", "the variable's value ***"),
        ("node fit has 3 tokens", "node fit has 3 tokens"),
    ],
)
def test_secrets_are_removed_from_messages(
    text: str, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "of-a-variable")
    assert without_secret_values(text) == left
