"""`kedro zenml schedule`: creates, lists and deletes schedules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zenml_runner.commands.prepare import joined_name, prepare
from zenml_runner.errors import RunnerError, command
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.project import Project, open_project
from zenml_runner.kedro_project.settings import carried
from zenml_runner.plan import RunSpec
from zenml_runner.settings.sections import ScheduleSettings, Shards


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
        cron: Five fields, in the schedule's time zone; as in zenml.yml if None.
        delete: Whether to delete the pipeline's schedules.
        list_: Whether to list the project's.
        project: Folder of the Kedro project.
        arguments: The other arguments of `prepare`.

    Raises:
        RunnerError: If there is no cron string, or the stack has no scheduler.
    """
    opened = open_project(project)
    if list_:
        _list(opened)
    elif delete:
        _delete(_schedule_name(opened, joined_name(pipeline, pipelines)))
    else:
        chosen = pipelines or (pipeline,)
        name = joined_name(pipeline, pipelines)
        _create(opened, name, cron, arguments | {"project": project, "pipelines": chosen})


def _create(opened: Project, pipeline: str, cron: str | None, arguments: dict[str, Any]) -> None:
    from zenml_runner.client import quiet_client
    from zenml_runner.stacks.calendars import (
        zenml_schedule,
        zone_of_cron_jobs,
        zone_settings,
    )
    from zenml_runner.stacks.submission import submission

    source = carried(opened, arguments["conf_source"])
    run = RunSpec(
        package=opened.package, pipeline=pipeline, env=arguments["env"], conf_source=source
    )
    configured = Execution(opened, run).settings.schedules.get(pipeline)
    chosen = choose_schedule(configured, pipeline, cron, arguments["params"], arguments["shards"])
    own = {"params": chosen.params, "shards": chosen.shards}
    prepared = prepare(pipeline="__default__", **arguments | own)
    option = ("--pipelines", ",".join(arguments["pipelines"]))
    target = prepared.target
    if not target.is_schedulable:
        raise RunnerError(
            f"The stack {prepared.stack_name} has no scheduler (its orchestrator is "
            f"{target.flavor}), so schedules in zenml.yml have no effect: choose another one with "
            f"--stack, or let cron run `{command('run', *option)}`."
        )
    name = _schedule_name(opened, pipeline)
    schedule = zenml_schedule(chosen, target, name)
    if quiet_client().list_schedules(name=name, size=1).items:
        raise RunnerError(
            f"The schedule {name} exists: delete it first with "
            f"`{command('schedule', *option, '--delete')}`, so that no week runs twice."
        )
    run_name = f"{pipeline.strip('_')}-{{date}}-{{time}}"
    scheduled, _ = prepared.translate(run_name, schedule, zone_settings(chosen, target))
    with zone_of_cron_jobs(chosen, target), submission(prepared.stack_name):
        scheduled()
    click.echo(
        f"Scheduled {pipeline} at {chosen.cron} ({chosen.zone}) on {prepared.stack_name} as {name}."
    )


def _schedule_name(project: Project, pipeline: str) -> str:
    """Return the name of a pipeline's schedule, which no other project has."""
    return f"{project.package}-{pipeline}-{project.key}"


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
    given: dict[str, Any] = {"cron": cron or "", "params": params, "shards": shards}
    if configured is not None:
        given = configured.model_dump() | {
            "cron": cron or configured.cron,
            "params": {**configured.params, **params},
            "shards": shards or configured.shards,
        }
    try:
        return ScheduleSettings(**given)
    except ValueError:
        raise RunnerError(
            f"{cron!r} is no cron string: it needs five fields, such as 0 5 * * 1 for Mondays at "
            "5:00."
        ) from None


def _list(project: Project) -> None:
    from zenml_runner.client import quiet_client

    own = f"endswith:-{project.key}"
    listed = quiet_client().list_schedules(name=own, size=1000).items
    found = [one for one in listed if one.name.startswith(f"{project.package}-")]
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
        # ZenML renames what it has deleted.
        ends = _ends_with_zenmls(client, schedule)
        client.delete_schedule(schedule.id)
        click.echo(f"Deleted the schedule {name}.")
        if not ends:
            click.echo(
                f"Warning: ZenML cannot end it on its orchestrator, where {name} goes on: delete "
                "it there too.",
                err=True,
            )


def _ends_with_zenmls(client: Any, schedule: Any) -> bool:
    """Return whether an orchestrator deletes its schedule when ZenML does."""
    from zenml.enums import StackComponentType
    from zenml.stack import StackComponent

    if schedule.orchestrator_id is None:
        return False
    kind = StackComponentType.ORCHESTRATOR
    component = StackComponent.from_model(
        client.get_stack_component(kind, schedule.orchestrator_id)
    )
    return bool(getattr(component, "supports_schedule_deletion", False))
