"""What a user types: `kedro zenml …`, or `python -m zenml_runner …` for any project.

Nothing heavy is imported here: help must not wait for ZenML.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from zenml_runner.commands.options import FriendlyGroup, names, parameters

PROJECT = click.option(
    "--project",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="Folder of the Kedro project; the current one if not given.",
)
ENV = click.option("--env", "-e", help="Configuration environment, as of kedro run.")
STACK = click.option("--stack", help="One of zenml.yml; the environment's own if not given.")
PIPELINE = click.option("--pipeline", "-p", default="__default__", show_default=True)
PARAMS = click.option(
    "--params",
    multiple=True,
    callback=parameters,
    help="name=value, as of kedro run; may be given several times.",
)
SHARDS = click.option("--shards", type=click.IntRange(1, 1000), help="How many, for what fans out.")
SLICE = [
    click.option(f"--{name}", callback=names, default="", help=f"Comma-separated; {text}")
    for name, text in (
        ("tags", "only nodes with one of these tags."),
        ("nodes", "only these nodes."),
        ("from-nodes", "these nodes and what follows."),
        ("to-nodes", "these nodes and what they need."),
        ("from-inputs", "what follows from these datasets."),
        ("to-outputs", "what these datasets need."),
        ("namespaces", "only nodes in these namespaces."),
    )
]


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
    """Run Kedro pipelines with ZenML, here or on Vertex AI."""
    context.obj = project


@zenml.command()
@_with(PROJECT)
def init(**arguments: Any) -> None:
    """Write conf/base/zenml.yml with all keys explained."""
    from zenml_runner.commands.init import write_config

    write_config(**arguments)


@zenml.command()
@_with(PROJECT, ENV)
def stacks(**arguments: Any) -> None:
    """Register the stacks of zenml.yml with ZenML."""
    from zenml_runner.commands.stacks import register_stacks

    register_stacks(**arguments)


@zenml.command(name="compile")
@_with(PROJECT, PIPELINE, ENV, STACK, PARAMS, SHARDS, *SLICE)
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False, resolve_path=True))
def compile_(**arguments: Any) -> None:
    """Write what would be submitted as YAML, to the terminal if no output is given."""
    from zenml_runner.commands.compile import compile_pipeline

    compile_pipeline(**arguments)


@zenml.command()
@_with(PROJECT, PIPELINE, ENV, STACK, PARAMS, SHARDS, *SLICE)
@click.option("--load-versions", callback=names, default="", help="dataset:version, …")
@click.option("--dry-run", is_flag=True, help="Print the steps and end.")
@click.option("--wait", is_flag=True, help="Wait for runs elsewhere, a line for each step.")
@click.option("--resume", help="Name or id of a run: run what is left of it.")
def run(**arguments: Any) -> None:
    """Run a pipeline."""
    from zenml_runner.commands.run import run_pipeline

    run_pipeline(**arguments)


@zenml.command()
@_with(PROJECT, PIPELINE, ENV, STACK, PARAMS, SHARDS)
@click.option("--cron", help="Five fields, in UTC; that of zenml.yml if not given.")
@click.option("--delete", is_flag=True, help="End the pipeline's schedules.")
@click.option("--list", "list_", is_flag=True, help="Show the project's schedules.")
def schedule(**arguments: Any) -> None:
    """Let a pipeline run by itself."""
    from zenml_runner.commands.schedule import schedule_pipeline

    schedule_pipeline(**arguments)


@zenml.command()
@_with(PROJECT)
@click.argument("run", required=False)
def status(**arguments: Any) -> None:
    """Show the last runs, or the steps of one."""
    from zenml_runner.commands.status import show_status

    show_status(**arguments)


@zenml.command()
@_with(PROJECT)
@click.argument("run")
@click.option("--step", help="Only this step.")
def logs(**arguments: Any) -> None:
    """Show what the steps of a run have logged."""
    from zenml_runner.commands.status import show_logs

    show_logs(**arguments)


@click.group()
def commands() -> None:
    """The group that Kedro merges with its own commands."""


commands.add_command(zenml)
