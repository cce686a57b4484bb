"""Reads the file of `--config`, with the keys of `kedro run --config`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from zenml_runner.errors import RunnerError, did_you_mean

SECTION = "run"
# Kedro's names of options that have another name here.
_RENAMED = {"node_names": "nodes"}


def config_file(context: click.Context, option: click.Parameter, path: str | None) -> None:
    """Let a file's values take the place of the options that the command line does not give.

    Raises:
        click.BadParameter: If the file has no section `run`, or a key without a meaning here.
    """
    if path is None:
        return
    try:
        values = dict(_values(context, path))
    except RunnerError as error:
        raise click.BadParameter(f"{path} {error}", context, option) from error
    context.default_map = {**(context.default_map or {}), **values}


def _values(context: click.Context, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the value of each option, in the form of the command line."""
    known = {str(p.name) for p in context.command.params} - {"config", "traceback"}
    for key, value in _section(path).items():
        name = _RENAMED.get(key, key)
        if value is None:
            continue
        if key == "runner":
            _refuse_runner(value)
        elif key == "runner_params":
            yield "is_async", _is_async(value)
        elif name not in known:
            raise RunnerError(
                f"sets {key!r}, which {context.info_name} does not have: "
                f"{did_you_mean(key, known | set(_RENAMED))}"
            )
        elif name == "params":
            yield name, tuple(value) if isinstance(value, list) else (value,)
        else:
            yield name, _as_text(value)


def _section(path: str) -> dict[str, Any]:
    from omegaconf import OmegaConf

    try:
        content: Any = OmegaConf.to_container(OmegaConf.load(path))
    except Exception as error:
        raise RunnerError(f"cannot be read as YAML: {' '.join(str(error).split())}") from error
    section = content.get(SECTION) if isinstance(content, dict) else None
    if not isinstance(section, dict):
        raise RunnerError(f"has no section {SECTION!r} of options, as for `kedro run`.")
    return {str(key): value for key, value in section.items()}


def _as_text(value: Any) -> Any:
    """Return lists and mappings as the command line has them; flags stay as they are."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{entry}" for key, entry in value.items())
    return value


def _refuse_runner(value: Any) -> None:
    if str(value).rpartition(".")[2] != "SequentialRunner":
        raise RunnerError(f"sets the runner {value}, but ZenML runs the nodes: leave out 'runner'.")


def _is_async(value: Any) -> bool:
    """Return whether the parameters of a runner ask for `--async`, the only one with a meaning."""
    pairs = (pair.partition("=") for pair in str(value).split(",") if pair.strip())
    given = value if isinstance(value, Mapping) else {k.strip(): v.strip() for k, _, v in pairs}
    for key in given:
        if key != "is_async":
            raise RunnerError(
                f"sets {key!r} under 'runner_params', but ZenML runs the nodes: only 'is_async' "
                "has a meaning there."
            )
    return str(given.get("is_async", False)).lower() == "true"
