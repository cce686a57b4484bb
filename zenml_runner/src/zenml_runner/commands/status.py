"""`kedro zenml status` and `kedro zenml logs`: show runs, their steps and logs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zenml_runner.client import find_run, quiet_client
from zenml_runner.command_line import command
from zenml_runner.errors import refuse_unknown
from zenml_runner.kedro_project.project import Project, open_project
from zenml_runner.plan import plan_of, project_tag

MAX_RUNS = 20
PAGE_LINES = 1000


def show_status(project: Path | None, run: str | None) -> None:
    """Show the last runs of the project, or the steps of the run with a name or id."""
    opened = open_project(project)
    if run is None:
        _list_runs(opened)
    else:
        _show_run(find_run(run))


def show_logs(project: Path | None, run: str, step: str | None) -> None:
    """Show the logs of a run's steps, or of one step.

    Raises:
        RunnerError: If there is no such run or step.
    """
    open_project(project)
    found = find_run(run)
    refuse_unknown("step", [step] if step else [], found.steps)
    for name, one in found.steps.items():
        if step in (None, name):
            click.echo(f"-- {name} ({one.status.value})")
            for line in _lines(one):
                click.echo(line)


def _lines(step: Any) -> list[str]:
    """Return all messages of a step, without those of its preparation."""
    found: list[str] = []
    for logs in step.log_collection or []:
        store = _log_store(logs)
        after = None
        while store is not None and logs.source == "step":
            page = store.fetch(logs, start="oldest", limit=PAGE_LINES, after=after)
            found.extend(entry.message.rstrip() for entry in page.items)
            after = page.after
            if after is None or not page.items:
                break
    return found or ["(nothing was logged)"]


def _log_store(logs: Any) -> Any:
    """Return the log store; it is part of the artifact store where the stack has none."""
    from zenml.artifacts.utils import instantiate_artifact_store
    from zenml.enums import StackComponentType
    from zenml.log_stores.artifact.artifact_log_store import ArtifactLogStore
    from zenml.stack import StackComponent

    client, kind = quiet_client(), StackComponentType
    if logs.log_store_id is not None:
        return StackComponent.from_model(
            client.get_stack_component(kind.LOG_STORE, logs.log_store_id)
        )
    if logs.artifact_store_id is None:
        return None
    model = client.get_stack_component(kind.ARTIFACT_STORE, logs.artifact_store_id)
    return ArtifactLogStore.from_artifact_store(artifact_store=instantiate_artifact_store(model))


def _list_runs(project: Project) -> None:
    from zenml_runner.processes import refreshed, runs_on_this_machine

    tag = project_tag(project.package, project.key)
    runs = quiet_client().list_pipeline_runs(sort_by="desc:created", size=MAX_RUNS, tags=[tag])
    for run in runs.items:
        # A remote run is refreshed only on request: that takes seconds.
        shown = refreshed(run) if runs_on_this_machine(run) and not run.status.is_finished else run
        click.echo(f"{shown.created:%Y-%m-%d %H:%M}  {shown.status.value:12}  {shown.name}")
    if not runs.items:
        click.echo(f"No runs of {project.package} yet.")


def _show_run(run: Any) -> None:
    from zenml_runner.commands.report import print_links
    from zenml_runner.commands.watch import reason, seconds_of, was_interrupted
    from zenml_runner.processes import refreshed

    run = refreshed(run)
    plan = plan_of(run)
    names = [step.name for step in plan.steps] if plan else list(run.steps)
    width = max(map(len, names), default=0)
    for name in names:
        step = run.steps.get(name)
        if step is None:
            click.echo(f"  {name:{width}}  not started")
            continue
        seconds = seconds_of(step)
        took = "" if seconds is None else f"{seconds:8.1f} s"
        state = "failed" if was_interrupted(run, step) else step.status.value
        click.echo(f"  {name:{width}}  {state:10}{took}")
        if state == "failed":
            click.echo(f"    {reason(step)}")
    print_links(run)
    if plan and run.status.is_finished and not run.status.is_successful:
        click.echo(f"Resume it with\n  {command('run', '--resume', run.name)}")
