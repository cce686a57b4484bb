"""Parses options and prints errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from zenml_runner.errors import RunnerError

_STARTS_PAIR = re.compile(r"\s*[^\W\d][\w.-]*\s*=")
# YAML reads 0722532938 as an octal number, or not, by its digits; it is an ISBN or the like.
_LEADING_ZERO = re.compile(r"0\d+")


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
