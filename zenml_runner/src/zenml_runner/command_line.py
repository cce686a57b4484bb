"""The commands of this package in the words that the user has typed, for messages."""

from __future__ import annotations

import shlex

import click


def command(*words: str) -> str:
    """Return a command as it is typed here: `kedro zenml …` or `python -m zenml_runner …`.

    A folder that the user has named with `--project` is named again.

    Args:
        words: The command's name and arguments.
    """
    prefix, project = "kedro zenml", None
    context = click.get_current_context(silent=True)
    while context is not None:
        project = project or context.params.get("project")
        if context.command.name == "zenml" and " " in context.command_path:
            prefix = context.command_path
        context = context.parent
    named = [] if project is None else ["--project", str(project)]
    return f"{prefix} {shlex.join([*words, *named])}"
