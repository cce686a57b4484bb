"""`kedro run`, with lists in `--params`, `--data-root`, and errors that a user can read."""

from __future__ import annotations

import copy
import difflib
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from typing import Any, cast

import click
import yaml
from kedro.framework.cli.project import run as kedro_run
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from book_forecast.cli.data_root import data_root_option
from book_forecast.cli.readable import ReadableCommand
from book_forecast.storage.data_root import given_data_root
from book_forecast.storage.errors import UserError

_ONLY_NUMBERS = re.compile(r"\[?[\dXx\s,;-]+\]?")
_LEADING_ZERO = re.compile(r"\b0\d+")
# Their values are texts with characters that YAML reads as something else.
_TEXTS = ("data_root",)
_RUNNERS = ("SequentialRunner", "kedro.runner.SequentialRunner")
_NOTHING_TO_RUN = ("Pipeline does not contain", "Pipeline contains no nodes")
_DEFAULT_PIPELINE = "__default__"

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
        click.BadParameter: The text does not start with a name, or a value cannot be read.
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
    found: dict[str, Any] = {}
    for pair in pairs:
        name, _, content = pair.partition("=")
        content = content if name in _TEXTS else content.strip(" ,")
        if not content:
            raise click.BadParameter(f"{name} has no value; null is none", context, option)
        if name in _TEXTS:
            found[name] = content
            continue
        try:
            one = OmegaConf.to_container(OmegaConf.from_dotlist([_keep_zeros(name, content)]))
        except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
            raise click.BadParameter(
                f"{content!r} is no value for {name}: give a number, a word or a list such as a,b",
                *(context, option),
            ) from error
        _merge(found, cast("dict[str, Any]", one))
    return found


def _merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value


def _keep_zeros(name: str, content: str) -> str:
    """Quote numbers like 0722532938, an ISBN that YAML would read as an octal number."""
    if _ONLY_NUMBERS.fullmatch(content) and _LEADING_ZERO.search(content):
        content = "'" + content.strip("[]") + "'"
    return f"{name}={content}"


def _run_pipelines(data_root: str | None, **arguments: Any) -> None:
    """Call Kedro's `run`, with `--pipelines x` for `--pipeline x`, which Kedro deprecates.

    Raises:
        UserError: A pipeline does not exist, or the runner cannot run this project.
    """
    if arguments["pipeline"] and not arguments["pipelines"]:
        arguments |= {"pipeline": None, "pipelines": [arguments["pipeline"]]}
    _check_runner(arguments)
    _check_pipelines(arguments["pipelines"] or [])
    params = dict(arguments["params"] or {})
    if data_root is not None:
        params["data_root"] = data_root
    elif "data_root" in params:
        params["data_root"] = given_data_root(params["data_root"])
    arguments["params"] = params
    try:
        _kedro_run(**arguments)
    except ValueError as error:
        # What Kedro says of nodes, tags and datasets that its options name.
        if str(error).startswith(_NOTHING_TO_RUN):
            raise UserError(f"{error} `kedro registry describe` lists all nodes.") from error
        raise


def _check_runner(arguments: Mapping[str, Any]) -> None:
    """Refuse runners that run nodes at the same time."""
    runner, params = arguments["runner"], arguments["runner_params"] or {}
    if arguments["is_async"] or params.get("is_async"):
        what = "--async"
    elif runner and runner not in _RUNNERS:
        what = f"--runner={runner}"
    else:
        return
    raise UserError(
        f"{what} is not for this project: nodes run one after the other, and each works on several "
        "titles at a time. Leave it out; execution.n_jobs is the number of processes."
    )


def _check_pipelines(names: Iterable[str]) -> None:
    """Refuse names that no pipeline has, without a look at the others where all is well."""
    folder = resources.files("book_forecast") / "pipelines"
    known = {module.name for module in pkgutil.iter_modules([str(folder)])} | {_DEFAULT_PIPELINE}
    if known.issuperset(names):
        return
    from kedro.framework.project import pipelines

    known = set(pipelines)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            shown = ", ".join(sorted(known - {_DEFAULT_PIPELINE}))
            hint = f"did you mean {near[0]}?" if near else f"there are {shown}."
            raise UserError(f"There is no pipeline {name!r}: {hint}")


def _make_run_command() -> click.Command:
    """Kedro's `run` with all its options, lists in `--params` and `--data-root`."""
    options = [copy.copy(option) for option in kedro_run.params]
    for option in options:
        if option.name == "params":
            option.callback = split_params
    command = ReadableCommand("run", callback=_run_pipelines, params=options, help=kedro_run.help)
    return data_root_option(command)


run = _make_run_command()
