"""The project's commands, beside and in place of Kedro's own."""

import copy
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args

import click
from kedro.framework.cli.project import run as kedro_run
from omegaconf import OmegaConf

from book_forecast.readable import ReadableCommand
from book_forecast.release_commands import release

Format = Literal["xlsx", "parquet", "csv"]

_ONLY_NUMBERS = re.compile(r"\[?[\dXx\s,;-]+\]?")
_LEADING_ZERO = re.compile(r"\b0\d+")


_kedro_run = cast("Callable[..., Any]", kedro_run.callback)


@click.group(name="book_forecast")
def cli() -> None:
    """Commands of this project."""


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
    """Call Kedro's `run`, with `--pipelines x` for `--pipeline x`, of which Kedro warns."""
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
cli.add_command(run)
cli.add_command(release)


@cli.command(cls=ReadableCommand)
@click.option("--titles", type=click.IntRange(min=1), help="How many; else the sample's own.")
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(get_args(Format)),
    default="xlsx",
    show_default=True,
    help="A workbook holds some thousand titles; use parquet or csv beyond.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write, as data/01_raw/sales/sample.xlsx.",
)
def sample(titles: int | None, seed: int, file_format: Format, output: Path) -> None:
    """Write a BookScan-style export with generated sales."""
    from book_forecast.bookscan.sample import write_sample

    click.echo(f"Wrote {write_sample(output, titles, seed, file_format)}")


@cli.command(cls=ReadableCommand)
@click.option("--env", "-e", help="Environment whose releases are served.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True)
@click.option("--releases", help="Folder of all releases; else the environment's.")
def serve(env: str | None, host: str, port: int, releases: str | None) -> None:
    """Serve the champion's forecasts over HTTP."""
    from kedro.framework.session import KedroSession

    with KedroSession.create(project_path=Path.cwd(), env=env) as session:
        context = cast("Any", session).load_context()
        releases = releases or context.config_loader["catalog"]["candidate"]["filepath"]
        registry = context.mlflow.server.mlflow_tracking_uri
        project = Path(context.project_path)
    if "://" not in releases:
        releases = str(project / releases)
    # The process becomes the service, so that nothing of Kedro stays in memory.
    command = [sys.executable, "-m", "book_forecast.serving", "--host", host, "--port", str(port)]
    os.execv(  # noqa: S606
        sys.executable, [*command, "--releases", releases, "--registry", registry]
    )
