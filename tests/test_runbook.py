"""The runbook has a section for each alert, and its commands exist."""

import re
from pathlib import Path
from typing import get_args

import click
import pytest

from book_forecast.alerts.events import HEADINGS, Kind
from book_forecast.cli import cli
from book_forecast.options.alerts import AlertOptions

_SECTION = re.compile(r"^### `(\w+)`: ([^\n]+)\n\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def runbook(project_path: Path) -> str:
    return (project_path / "docs/operations.md").read_text()


@pytest.fixture(scope="module")
def sections(runbook: str) -> dict[str, tuple[str, str]]:
    """Heading and text by the kind of the alert."""
    return {kind: (heading, text) for kind, heading, text in _SECTION.findall(runbook)}


def test_each_kind_of_alert_has_a_section_and_no_other_has(sections):
    assert set(sections) == set(get_args(Kind))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_a_section_has_the_heading_of_the_message_a_meaning_and_a_command(sections, kind):
    heading, text = sections[kind]
    assert heading == HEADINGS[kind]
    meaning, _, commands = text.partition("```sh\n")
    assert len(meaning.split()) >= 15
    assert re.search(r"^kedro \w+", commands, re.MULTILINE)


def test_each_kind_goes_out_at_once_or_in_the_digest():
    options = AlertOptions()
    assert {*options.immediate, *options.digest} | {"test"} == set(get_args(Kind))
    assert not set(options.immediate) & set(options.digest)


def test_the_projects_commands_in_the_runbook_exist_with_their_options(runbook):
    lines = re.findall(r"(?:^|`)kedro (\w+)((?: [^`\n#]+)?)", runbook, re.MULTILINE)
    checked = 0
    for name, rest in lines:
        command: click.Command | None = cli.commands.get(name)
        words = rest.split()
        if isinstance(command, click.Group):
            if not words or not re.fullmatch(r"[a-z]+", words[0]):
                continue  # the group itself is named
            command = command.commands.get(words[0])
            assert command is not None, f"kedro {name}{rest}"
        if command is None:
            assert name in {"zenml", "jupyter", "mlflow"}, name
            continue
        known = {option for parameter in command.params for option in parameter.opts}
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given <= known, f"kedro {name}{rest}"
        checked += 1
    assert checked > 25
