"""The commands `kedro zenml …`, or `python -m zenml_runner …` for any project.

The functions import their modules, so that help does not wait for ZenML.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from zenml_runner.commands.options import (
    FriendlyGroup,
    NumberOrAuto,
    conf_source,
    config_file,
    names,
    parameters,
    refused,
)

PROJECT = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="Folder of the Kedro project; the current one if not given.",
)
ENV = click.option("--env", "-e", help="Configuration environment, as in kedro run.")
STACK = click.option(
    "--stack", help="A stack of zenml.yml or of ZenML; the environment's own if not given."
)
PIPELINE = click.option("--pipeline", "-p", default="__default__", show_default=True)
PIPELINES = click.option(
    "--pipelines",
    callback=names,
    default="",
    help="Comma-separated; several registered pipelines that run as one.",
)
CONFIG = click.option(
    "--config",
    "-c",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    callback=config_file,
    is_eager=True,
    expose_value=False,
    help="YAML file with options under the key run, as in kedro run; the command line wins.",
)
CONF_SOURCE = click.option(
    "--conf-source",
    callback=conf_source,
    help="Folder, archive or address of the configuration, as in kedro run.",
)
ASYNC = click.option(
    "--async", "is_async", is_flag=True, help="Load and save the data of a node in threads."
)
ONLY_MISSING = click.option(
    "--only-missing-outputs", is_flag=True, help="Leave out nodes whose outputs exist."
)
LOAD_VERSIONS = click.option(
    "--load-versions", callback=names, default="", help="dataset:version, …"
)
PARAMS = click.option(
    "--params",
    type=click.UNPROCESSED,
    multiple=True,
    callback=parameters,
    help="name=value, as in kedro run; may be given several times.",
)
SHARDS = click.option(
    "--shards",
    type=NumberOrAuto(1, 1000),
    help="Number of shards of nodes that fan out; auto: from the number of items.",
)
SLICE = [
    click.option(f"--{name}", callback=names, default="", help=f"Comma-separated; {text}")
    for name, text in (
        ("tags", "only nodes with one of these tags."),
        ("nodes", "only these nodes."),
        ("from-nodes", "these nodes and those that depend on them."),
        ("to-nodes", "these nodes and those they depend on."),
        ("from-inputs", "nodes that depend on these datasets."),
        ("to-outputs", "nodes that these datasets depend on."),
        ("namespaces", "only nodes in these namespaces."),
    )
]


# What a run is planned from; a schedule has no part of a pipeline.
PLANNED = (PROJECT, CONFIG, PIPELINE, PIPELINES, ENV, CONF_SOURCE, STACK, PARAMS, SHARDS, ASYNC)
PART = (*SLICE, LOAD_VERSIONS, ONLY_MISSING)

Command = Callable[..., None]


def _with(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(function: Command) -> Command:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.group(cls=FriendlyGroup)
@PROJECT
@click.pass_context
def zenml(context: click.Context, project: Path | None) -> None:
    """Run Kedro pipelines with ZenML, on any of its stacks."""
    context.obj = project


@zenml.command()
@_with(PROJECT)
def init(**arguments: Any) -> None:
    """Write conf/base/zenml.yml with comments on its keys."""
    from zenml_runner.commands.stacks import write_config

    write_config(**arguments)


@zenml.command()
@_with(PROJECT, ENV)
def stacks(**arguments: Any) -> None:
    """Register the stacks of zenml.yml with ZenML."""
    from zenml_runner.commands.stacks import register_stacks

    register_stacks(**arguments)


@zenml.command(name="compile")
@_with(*PLANNED, *PART)
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False, resolve_path=True))
def compile_(**arguments: Any) -> None:
    """Write the compiled pipeline as YAML, to the terminal if no output is given."""
    from zenml_runner.commands.compile import compile_pipeline

    compile_pipeline(**arguments)


@zenml.command()
@_with(*PLANNED, *PART)
@click.option("--dry-run", is_flag=True, help="Print the steps only.")
@click.option("--wait", is_flag=True, help="Wait for a remote run, with a line for each step.")
@click.option("--resume", help="Name or id of a failed run: run its remaining steps.")
def run(**arguments: Any) -> None:
    """Run a pipeline."""
    from zenml_runner.commands.run import run_pipeline

    run_pipeline(**arguments)


@zenml.command()
@_with(*PLANNED)
@click.option(
    "--only-missing-outputs",
    is_flag=True,
    hidden=True,
    expose_value=False,
    callback=refused(
        "the steps of a schedule are fixed when it is created, so each of its runs would leave "
        "out the same nodes: use it with the command run."
    ),
)
@click.option("--cron", help="Five fields; as in zenml.yml if not given.")
@click.option("--delete", is_flag=True, help="Delete the pipeline's schedules.")
@click.option("--list", "list_", is_flag=True, help="Show the project's schedules.")
def schedule(**arguments: Any) -> None:
    """Create, list or delete schedules of a pipeline."""
    from zenml_runner.commands.schedule import schedule_pipeline

    schedule_pipeline(**arguments)


@zenml.command()
@_with(PROJECT)
@click.argument("run", required=False)
def status(**arguments: Any) -> None:
    """Show the last runs, or the steps of one."""
    from zenml_runner.commands.report import show_status

    show_status(**arguments)


@zenml.command()
@_with(PROJECT)
@click.argument("run")
@click.option("--step", help="Only this step.")
def logs(**arguments: Any) -> None:
    """Show the logs of a run's steps."""
    from zenml_runner.commands.report import show_logs

    show_logs(**arguments)


@zenml.command()
@_with(PROJECT, ENV, STACK)
@click.argument("model", required=False)
@click.argument("version", required=False)
@click.option("--stage", type=click.Choice(["staging", "production", "archived"]))
def promote(**arguments: Any) -> None:
    """Set the stage of a MODEL's VERSION; without them, follow the aliases in MLflow."""
    from zenml_runner.commands.stacks import promote_models

    promote_models(**arguments)


@click.group()
def commands() -> None:
    """The group that Kedro merges with its own commands."""


commands.add_command(zenml)
