"""Errors that the user can fix, and commands in the words that the user has typed."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from difflib import get_close_matches

import click


class RunnerError(Exception):
    """An error whose message says what is wrong and what to do."""


class NoServerError(RunnerError):
    """ZenML's server does not answer."""


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return the nearest known name as a question, or all of them where none is near."""
    names = sorted(map(str, known))
    near = get_close_matches(str(name), names, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(names)}." if names else "there are none."


def refuse_unknown(
    kind: str, given: Iterable[str], known: Iterable[str], *, where: str = ""
) -> None:
    """Refuse the first name that is not known.

    Args:
        kind: Kind of the names, for the message: "node", "tag".
        given: The names to check.
        known: The names that exist.
        where: Place of the known names, for the message: "in zenml.yml".

    Raises:
        RunnerError: With the nearest known name.
    """
    known = set(known)
    for name in given:
        if name not in known:
            thing = f"{kind} {name!r} {where}".rstrip()
            raise RunnerError(f"There is no {thing}: {did_you_mean(name, known)}")


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
