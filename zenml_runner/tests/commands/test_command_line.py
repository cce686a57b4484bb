"""Messages name commands as the user has typed them."""

import re
from pathlib import Path

import click
import pytest

import zenml_runner
from zenml_runner.errors import command


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        (["kedro", "zenml", "run"], "kedro zenml status 'my run'"),
        (["python -m zenml_runner", "run"], "python -m zenml_runner status 'my run'"),
        (["python -m kedro", "zenml", "run"], "python -m kedro zenml status 'my run'"),
        ([], "kedro zenml status 'my run'"),
    ],
)
def test_a_command_has_the_words_that_called_this_one(path, typed):
    context = None
    for name in path:
        kind = "zenml" if name in ("zenml", "python -m zenml_runner") else name
        context = click.Context(click.Command(kind), info_name=name, parent=context)
    if context is None:
        assert command("status", "my run") == typed
        return
    with context:
        assert command("status", "my run") == typed


def test_a_folder_that_was_named_is_named_again():
    context = click.Context(click.Command("zenml"), info_name="python -m zenml_runner")
    run = click.Context(click.Command("run"), info_name="run", parent=context)
    run.params["project"] = Path("/books/my project")
    with run:
        typed = "python -m zenml_runner run --resume x --project '/books/my project'"
        assert command("run", "--resume", "x") == typed


def test_no_message_names_what_only_one_repository_has():
    for path in Path(zenml_runner.__file__).parent.rglob("*.py"):
        assert not re.search(r"\bmake [a-z-]+`|deploy/|`kedro zenml", _code(path)), path


def _code(path):
    """The text of a module without its docstrings."""
    return re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL)
