"""Parses options and files of options, and prints errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from zenml_runner.errors import RunnerError, did_you_mean

_STARTS_PAIR = re.compile(r"\s*[^\W\d][\w.-]*\s*=")
# YAML reads 0722532938 as an octal number, or not, by its digits; it is an ISBN or the like.
_LEADING_ZERO = re.compile(r"0\d+")
SECTION = "run"
# Kedro's names of options that have another name here.
_RENAMED = {"node_names": "nodes"}


class FriendlyCommand(click.Command):
    """Prints errors in one paragraph, unless `--traceback` asks for more."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        help_text = "Show where in the code an error arose."
        self.params.append(click.Option(["--traceback"], is_flag=True, help=help_text))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; its errors become a `click.ClickException`."""
        traceback = ctx.params.pop("traceback")
        # --project is valid before and after the command.
        ctx.params["project"] = ctx.params.get("project") or ctx.obj
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except RunnerError as error:
            raise click.ClickException(str(error)) from None
        except Exception as error:
            if traceback:
                raise
            from zenml_runner.failures import explain

            raise click.ClickException(explain(error)) from None


class FriendlyGroup(click.Group):
    """A group of such commands."""

    command_class = FriendlyCommand


class NumberOrAuto(click.IntRange):
    """A number within limits, or the word auto."""

    name = "integer range or auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or "auto"."""
        return value if value == "auto" else super().convert(value, param, ctx)


def names(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    """Split names at commas; a comma in brackets belongs to the name, as in Kedro's options."""
    parts, depth = [""], 0
    for letter in value:
        depth += (letter in "[(") - (letter in "])")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return tuple(part.strip() for part in parts if part.strip())


def parameters(
    context: click.Context, option: click.Parameter, values: tuple[Any, ...]
) -> dict[str, Any]:
    """Parse `name=value,other=value`, with types as in YAML, nested where names have dots.

    A piece without a name belongs to the value before it: `titles=A,B`. A file of `--config` may
    have a mapping in place of a text.

    Raises:
        click.BadParameter: If a text does not start with a name, or a value is not valid YAML.
    """
    mappings = [value for value in values if isinstance(value, Mapping)]
    if mappings:
        return {key: value for mapping in mappings for key, value in mapping.items()}
    pairs: list[str] = []
    for text in values:
        first = len(pairs)
        for piece in text.split(","):
            if _STARTS_PAIR.match(piece):
                name, _, content = piece.partition("=")
                pairs.append(f"{name.strip()}={content}")
            elif len(pairs) > first:
                pairs[-1] += f",{piece}"
            else:
                raise click.BadParameter(f"{piece!r} has no name: name=value", context, option)
    if not pairs:
        return {}
    from omegaconf import OmegaConf

    for pair in pairs:
        try:
            OmegaConf.from_dotlist([_quoted(pair)])
        except Exception as error:
            name, _, content = pair.partition("=")
            raise click.BadParameter(
                f"the value of {name}, {content}, is neither text nor YAML: put it in quotes, "
                f"{name}='{content}'",
                context,
                option,
            ) from error
    plain: Any = OmegaConf.to_container(OmegaConf.from_dotlist([_quoted(p) for p in pairs]))
    return dict(plain)


def conf_source(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the absolute path of a folder or archive; an address stays as it is.

    Raises:
        click.BadParameter: If there is no such path.
    """
    if not value or "://" in value:
        return value or None
    path = Path(value).resolve()
    if not path.exists():
        raise click.BadParameter(f"there is no folder or archive {path}.", context, option)
    return str(path)


def refused(reason: str) -> Callable[[click.Context, click.Parameter, bool], None]:
    """Return what refuses a flag of `kedro run` that has no meaning for a command."""

    def refuse(context: click.Context, option: click.Parameter, value: bool) -> None:
        if value:
            raise click.BadParameter(reason, context, option)

    return refuse


def _quoted(pair: str) -> str:
    name, _, content = pair.partition("=")
    return f"{name}='{content}'" if _LEADING_ZERO.fullmatch(content) else pair


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
