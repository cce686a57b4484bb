"""Lets a pipeline run by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zenml_runner.commands.prepare import prepare
from zenml_runner.errors import RunnerError
from zenml_runner.project import open_project


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
    from zenml_runner.settings import Schedule as Configured

    prepared = prepare(project, pipeline=pipeline, **arguments)
    configured = prepared.settings.schedules.get(pipeline)
    if cron is None and configured is None:
        raise RunnerError(
            f"There is no schedule for {pipeline}: write one under schedules in zenml.yml, or "
            'give --cron "0 5 * * 1".'
        )
    if configured is not None:
        # What the command line says wins over the schedule's own parameters.
        arguments["params"] = {**configured.params, **arguments["params"]}
        arguments["shards"] = arguments["shards"] or configured.shards
        prepared = prepare(project, pipeline=pipeline, **arguments)
    if not prepared.remote:
        raise RunnerError(
            f"The stack {prepared.stack_name} has no scheduler: choose one with --stack, or let "
            f"cron run `kedro zenml run --pipeline {pipeline}`."
        )
    expression = cron or (configured.cron if configured else "")
    try:
        Configured(cron=expression)
    except ValueError:
        raise RunnerError(
            f"{expression!r} is no cron string: it needs five fields, such as 0 5 * * 1 for "
            "Mondays at 5:00 UTC."
        ) from None
    _submit(name, expression, prepared)


def _submit(name: str, expression: str, prepared: Any) -> None:
    from zenml.config.schedule import Schedule

    from zenml_runner import stacks
    from zenml_runner.client import quiet_client
    from zenml_runner.preflight import check
    from zenml_runner.translation import to_zenml

    check(prepared.project, prepared.stack)
    stack, _ = stacks.register(prepared.project, prepared.stack_name, prepared.stack)
    stacks.activate(stack)
    if quiet_client().list_schedules(name=name, size=1).items:
        raise RunnerError(
            f"The schedule {name} exists: end it with `kedro zenml schedule --pipeline "
            f"{prepared.plan.run.pipeline} --delete` first, so that no week runs twice."
        )
    run_name = f"{prepared.plan.run.pipeline.strip('_')}-{{date}}-{{time}}"
    pipeline = to_zenml(
        prepared.plan,
        prepared.settings,
        prepared.stack,
        run_name=run_name,
        schedule=Schedule(name=name, cron_expression=expression),
    )
    pipeline()
    click.echo(
        f"Scheduled {prepared.plan.run.pipeline} at {expression} (UTC) on {prepared.stack_name} "
        f"as {name}."
    )


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
