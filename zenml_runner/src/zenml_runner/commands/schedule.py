"""`kedro zenml schedule`: creates, lists and deletes schedules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zenml_runner.command_line import command
from zenml_runner.commands.prepare import joined_name, prepare
from zenml_runner.errors import RunnerError
from zenml_runner.kedro_project.conf_source import carried
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.project import Project, open_project
from zenml_runner.plan import RunSpec
from zenml_runner.settings.zenml_yml import ScheduleSettings, Shards


def schedule_pipeline(
    pipeline: str,
    pipelines: tuple[str, ...],
    cron: str | None,
    delete: bool,
    list_: bool,
    project: Path | None,
    **arguments: Any,
) -> None:
    """Create, list or delete schedules.

    Args:
        pipeline: Registered name.
        pipelines: Registered names of several pipelines, in place of `pipeline`.
        cron: Five fields; as in zenml.yml if None.
        delete: Whether to delete the pipeline's schedules.
        list_: Whether to list the project's.
        project: Folder of the Kedro project.
        arguments: The other arguments of `prepare`.

    Raises:
        RunnerError: If there is no cron string, or the stack has no scheduler.
    """
    opened = open_project(project)
    if list_:
        _list(f"{opened.package}-")
    elif delete:
        _delete(f"{opened.package}-{joined_name(pipeline, pipelines)}")
    else:
        chosen = pipelines or (pipeline,)
        name = joined_name(pipeline, pipelines)
        _create(opened, name, cron, arguments | {"project": project, "pipelines": chosen})


def _create(opened: Project, pipeline: str, cron: str | None, arguments: dict[str, Any]) -> None:
    from zenml.config.schedule import Schedule

    from zenml_runner.client import quiet_client

    source = carried(opened, arguments["conf_source"])
    run = RunSpec(
        package=opened.package, pipeline=pipeline, env=arguments["env"], conf_source=source
    )
    configured = Execution(opened, run).settings.schedules.get(pipeline)
    chosen = choose_schedule(configured, pipeline, cron, arguments["params"], arguments["shards"])
    own = {"params": chosen.params, "shards": chosen.shards}
    prepared = prepare(pipeline="__default__", **arguments | own)
    option = ("--pipelines", ",".join(arguments["pipelines"]))
    if not prepared.remote:
        raise RunnerError(
            f"The stack {prepared.stack_name} has no scheduler: choose one with --stack, or let "
            f"cron run `{command('run', *option)}`."
        )
    name = f"{opened.package}-{pipeline}"
    if quiet_client().list_schedules(name=name, size=1).items:
        raise RunnerError(
            f"The schedule {name} exists: delete it first with "
            f"`{command('schedule', *option, '--delete')}`, so that no week runs twice."
        )
    schedule = Schedule(name=name, cron_expression=chosen.cron)
    scheduled, _ = prepared.translate(f"{pipeline.strip('_')}-{{date}}-{{time}}", schedule)
    scheduled()
    click.echo(f"Scheduled {pipeline} at {chosen.cron} (UTC) on {prepared.stack_name} as {name}.")


def choose_schedule(
    configured: ScheduleSettings | None,
    pipeline: str,
    cron: str | None,
    params: dict[str, Any],
    shards: Shards | None,
) -> ScheduleSettings:
    """Return the schedule of zenml.yml with the values of the command line in its place.

    Raises:
        RunnerError: If there is no cron string, or it is invalid.
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
        return ScheduleSettings(cron=cron or "", params=params, shards=shards)
    except ValueError:
        raise RunnerError(
            f"{cron!r} is no cron string: it needs five fields, such as 0 5 * * 1 for Mondays at "
            "5:00 UTC."
        ) from None


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
        raise RunnerError(
            f"There is no schedule {name}: `{command('schedule', '--list')}` shows all."
        )
    for schedule in found:
        client.delete_schedule(schedule.id)
        click.echo(f"Deleted the schedule {schedule.name}.")
