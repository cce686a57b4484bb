"""Lets a pipeline run by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zenml_runner.commands.prepare import Prepared, prepare
from zenml_runner.commands.translate import translate
from zenml_runner.errors import RunnerError
from zenml_runner.execution import Execution
from zenml_runner.plan import RunSpec
from zenml_runner.project import open_project
from zenml_runner.settings import Schedule


def schedule_pipeline(
    pipeline: str,
    cron: str | None,
    delete: bool,
    list_: bool,
    project: Path | None,
    **arguments: Any,
) -> None:
    """Make, list or end schedules.

    Args:
        pipeline: Registered name.
        cron: Five fields; what zenml.yml says if None.
        delete: Whether to end the pipeline's schedules.
        list_: Whether to list the project's.
        project: Folder of the Kedro project.
        arguments: Of `prepare`.

    Raises:
        RunnerError: If there is no cron string, or the stack has no scheduler.
    """
    opened = open_project(project)
    prefix = f"{opened.package}-"
    if list_:
        _list(prefix)
    elif delete:
        _delete(prefix + pipeline)
    else:
        _make(prefix + pipeline, pipeline, cron, project, arguments)


def _make(
    name: str, pipeline: str, cron: str | None, project: Path | None, arguments: dict[str, Any]
) -> None:
    opened = open_project(project)
    run = RunSpec(package=opened.package, pipeline=pipeline, env=arguments["env"])
    configured = Execution(opened, run).settings.schedules.get(pipeline)
    chosen = merged(configured, pipeline, cron, arguments["params"], arguments["shards"])
    prepared = prepare(
        project,
        pipeline=pipeline,
        **arguments | {"params": chosen.params, "shards": chosen.shards},
    )
    if not prepared.remote:
        raise RunnerError(
            f"The stack {prepared.stack_name} has no scheduler: choose one with --stack, or let "
            f"cron run `kedro zenml run --pipeline {pipeline}`."
        )
    _submit(name, chosen.cron, prepared)


def merged(
    configured: Schedule | None,
    pipeline: str,
    cron: str | None,
    params: dict[str, Any],
    shards: int | None,
) -> Schedule:
    """The schedule of zenml.yml, with what the command line says in its place.

    Args:
        configured: That of zenml.yml, if it has one.
        pipeline: For messages.
        cron: Of the command line.
        params: Of the command line.
        shards: Of the command line.

    Raises:
        RunnerError: If nobody says when, or what is said is no cron string.
    """
    if cron is None and configured is None:
        raise RunnerError(
            f"There is no schedule for {pipeline}: write one under schedules in zenml.yml, or "
            'give --cron "0 5 * * 1".'
        )
    if configured is not None:
        cron = cron or configured.cron
        params = {**configured.params, **params}
        shards = shards or configured.shards
    try:
        return Schedule(cron=cron or "", params=params, shards=shards)
    except ValueError:
        raise RunnerError(
            f"{cron!r} is no cron string: it needs five fields, such as 0 5 * * 1 for Mondays at "
            "5:00 UTC."
        ) from None


def _submit(name: str, cron: str, prepared: Prepared) -> None:
    from zenml.config.schedule import Schedule as ZenmlSchedule

    from zenml_runner.client import quiet_client

    pipeline = prepared.plan.run.pipeline
    if quiet_client().list_schedules(name=name, size=1).items:
        raise RunnerError(
            f"The schedule {name} exists: end it with `kedro zenml schedule --pipeline "
            f"{pipeline} --delete` first, so that no week runs twice."
        )
    schedule = ZenmlSchedule(name=name, cron_expression=cron)
    scheduled, _ = translate(prepared, f"{pipeline.strip('_')}-{{date}}-{{time}}", schedule)
    scheduled()
    click.echo(f"Scheduled {pipeline} at {cron} (UTC) on {prepared.stack_name} as {name}.")


def _list(prefix: str) -> None:
    from zenml_runner.client import quiet_client

    found = quiet_client().list_schedules(name=f"startswith:{prefix}", size=1000).items
    for schedule in found:
        state = "active" if schedule.active else "paused"
        click.echo(f"{schedule.name}  {schedule.cron_expression}  {state}")
    if not found:
        click.echo("No schedules.")


def _delete(name: str) -> None:
    from zenml_runner.client import quiet_client

    client = quiet_client()
    found = client.list_schedules(name=name, size=100).items
    if not found:
        raise RunnerError(f"There is no schedule {name}: `kedro zenml schedule --list` shows all.")
    for schedule in found:
        client.delete_schedule(schedule.id)
        click.echo(f"Ended the schedule {schedule.name}.")
