"""Shows runs, their steps and what these have logged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zenml_runner.client import find_run, quiet_client
from zenml_runner.errors import refuse_unknown
from zenml_runner.plan import plan_of, project_tag
from zenml_runner.project import open_project

MOST_RUNS = 20
LINES_A_PAGE = 1000


def show_status(project: Path | None, run: str | None) -> None:
    """Show the last runs of the project, or the steps of one.

    Args:
        project: Folder of the Kedro project.
        run: Name or id of a run.
    """
    opened = open_project(project)
    if run is None:
        _list_runs(opened.package)
    else:
        _show_run(find_run(run))


def show_logs(project: Path | None, run: str, step: str | None) -> None:
    """Show what the steps of a run have logged.

    Args:
        project: Folder of the Kedro project.
        run: Name or id of the run.
        step: Only this one.

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
    """All messages that are stored of a step, what its preparation logged left out."""
    found: list[str] = []
    for logs in step.log_collection or []:
        store = _log_store(logs)
        after = None
        while store is not None and logs.source == "step":
            page = store.fetch(logs, start="oldest", limit=LINES_A_PAGE, after=after)
            found.extend(entry.message.rstrip() for entry in page.items)
            after = page.after
            if after is None or not page.items:
                break
    return _once(found) or ["(nothing was logged)"]


def _once(messages: list[str]) -> list[str]:
    """Without lines that are stored twice: as logged, and as the terminal showed them."""
    following = [*messages[1:], ""]
    return [m for m, after in zip(messages, following, strict=True) if not (after and after in m)]


def _log_store(logs: Any) -> Any:
    """Where logs lie: in a log store, or beside the artifacts where the stack has none."""
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


def _list_runs(package: str) -> None:
    tag = project_tag(package)
    runs = quiet_client().list_pipeline_runs(sort_by="desc:created", size=MOST_RUNS, tags=[tag])
    for run in map(_settled_here, runs.items):
        click.echo(f"{run.created:%Y-%m-%d %H:%M}  {run.status.value:12}  {run.name}")
    if not runs.items:
        click.echo(f"No runs of {package} yet.")


def _settled_here(run: Any) -> Any:
    """A run of this machine in its true state; others are asked about one by one."""
    from zenml_runner.processes import runs_here, settled

    return settled(run) if not run.status.is_finished and runs_here(run) else run


def _show_run(run: Any) -> None:
    from zenml_runner.commands.report import tell_places
    from zenml_runner.commands.watch import lost, reason
    from zenml_runner.processes import settled

    run = settled(run)
    plan = plan_of(run)
    names = [step.name for step in plan.steps] if plan else list(run.steps)
    width = max(map(len, names), default=0)
    for name in names:
        step = run.steps.get(name)
        if step is None:
            click.echo(f"  {name:{width}}  not started")
            continue
        seconds = (step.end_time - step.start_time).total_seconds() if step.end_time else None
        took = f"{seconds:8.1f} s" if seconds is not None else ""
        state = "failed" if lost(run, step) else step.status.value
        click.echo(f"  {name:{width}}  {state:10}{took}")
        if state == "failed":
            click.echo(f"    {reason(step)}")
    tell_places(run)
    if plan and run.status.is_finished and not run.status.is_successful:
        click.echo(f"Go on from there with\n  kedro zenml run --resume {run.name}")
