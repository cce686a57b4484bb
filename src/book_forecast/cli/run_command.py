"""`kedro run`, with lists in `--params`."""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import click
from kedro.framework.cli.project import run as kedro_run
from omegaconf import OmegaConf

from book_forecast.cli.readable import ReadableCommand

_ONLY_NUMBERS = re.compile(r"\[?[\dXx\s,;-]+\]?")
_LEADING_ZERO = re.compile(r"\b0\d+")


_kedro_run = cast("Callable[..., Any]", kedro_run.callback)


def split_params(
    context: click.Context, option: click.Parameter, value: str | Mapping[str, Any]
) -> dict[str, Any]:
    """Read `--params name=value,…`, where a value may be a list: `titles=A,B,horizon=8`.

    Kedro's own reading takes every comma for the start of the next name.

    Args:
        context: Of the command.
        option: The `--params` option.
        value: The text, or what a `--config` file has in its place.

    Returns:
        Values by name, nested where names have dots.

    Raises:
        click.BadParameter: The text does not start with a name.
    """
    if isinstance(value, Mapping):
        return dict(value)
    pairs: list[str] = []
    for piece in value.split(","):
        if re.match(r"\s*[^\s=]+\s*=", piece):
            name, _, content = piece.partition("=")
            pairs.append(f"{name.strip()}={content}")
        elif pairs:
            pairs[-1] += f",{piece}"
        elif piece.strip():
            raise click.BadParameter(f"{piece!r} has no name; write name=value", context, option)
    config = OmegaConf.from_dotlist([_keep_zeros(pair) for pair in pairs])
    return cast("dict[str, Any]", OmegaConf.to_container(config))


def _keep_zeros(pair: str) -> str:
    """Quote numbers like 0722532938, an ISBN that YAML would read as an octal number."""
    name, _, content = pair.partition("=")
    if _ONLY_NUMBERS.fullmatch(content) and _LEADING_ZERO.search(content):
        content = "'" + content.strip("[]") + "'"
    return f"{name}={content}"


def _run_pipelines(**arguments: Any) -> None:
    """Call Kedro's `run`, with `--pipelines x` for `--pipeline x`, which Kedro deprecates."""
    if arguments["pipeline"] and not arguments["pipelines"]:
        arguments |= {"pipeline": None, "pipelines": [arguments["pipeline"]]}
    _kedro_run(**arguments)


def _make_run_command() -> click.Command:
    """Kedro's `run` with all its options, and lists in `--params`."""
    options = [copy.copy(option) for option in kedro_run.params]
    for option in options:
        if option.name == "params":
            option.callback = split_params
    return ReadableCommand("run", callback=_run_pipelines, params=options, help=kedro_run.help)


run = _make_run_command()
