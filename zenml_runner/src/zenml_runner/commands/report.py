"""Runs on the terminal: while they run, and with `kedro zenml status` and `logs` afterwards."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_runner.client import find_run, quiet_client, wait_for_server
from zenml_runner.errors import command, refuse_unknown
from zenml_runner.kedro_project.execution import NODE_NOTE
from zenml_runner.kedro_project.project import Project, open_project
from zenml_runner.plan import Plan, plan_of, project_tag

if TYPE_CHECKING:
    from zenml_runner.commands.prepare import Prepared

POLL_SECONDS = 5.0
NO_ERROR = "it has left no error; its process may have been killed"
ENDED = {"completed", "cached", "failed", "stopped", "cancelled", "skipped"}
MAX_RUNS = 20
PAGE_LINES = 1000


class RunReport:
    """Prints a line for each step of a run as it ends."""

    def __init__(self, plan: Plan) -> None:
        self._width = max(len(step.name) for step in plan.steps)
        self._count = len(plan.steps)
        self._done = 0
        self._started = time.perf_counter()

    def line(self, name: str, seconds: float, outcome: str) -> None:
        """Print the number of completed steps, and the step's name, seconds and outcome."""
        self._done += not outcome.startswith("failed")
        digits = len(str(self._count))
        click.echo(
            f"[{self._done:{digits}}/{self._count}] {name:{self._width}}  {seconds:7.1f} s"
            + ("" if outcome == "done" else f"  {outcome}")
        )

    def end(self) -> None:
        """Print that all steps have completed."""
        seconds = time.perf_counter() - self._started
        steps = "The only step" if self._count == 1 else f"All {self._count} steps"
        click.echo(f"{steps} done in {seconds:.1f} s.")


def describe_error(error: BaseException) -> str:
    """Return the error with its type and its node."""
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}{notes}: {error}"


def print_plan(prepared: Prepared) -> None:
    """Print the steps of a run."""
    plan = prepared.plan
    env = plan.run.env or "the project's default"
    click.echo(
        f"{plan.run.package}: pipeline {plan.run.pipeline}, environment {env}, "
        f"stack {prepared.stack_name}, {len(plan.steps)} steps"
        + (f", resuming {plan.resumes}" if plan.resumes else "")
    )
    if plan.counted is not None:
        shards = "1 shard" if plan.shards == 1 else f"{plan.shards} shards"
        click.echo(f"  {plan.counted.items} items ({plan.counted.source}), {shards}")
    for step in plan.steps:
        nodes = "" if step.nodes == (step.name,) else f": {', '.join(step.nodes) or 'no nodes'}"
        # Many shards are abbreviated.
        after = step.after if len(step.after) <= 4 else (step.after[0], "…", step.after[-1])
        click.echo(f"  {step.name}{nodes}" + (f"  after {', '.join(after)}" if after else ""))


def print_links(zenml_run: Any) -> None:
    """Print the addresses of a run in ZenML, Vertex AI and MLflow."""
    from zenml.utils.dashboard_utils import get_run_url

    from zenml_runner.tracking.mlflow_run import MLFLOW_RUN_ID, MLFLOW_URL

    metadata = zenml_run.run_metadata or {}
    click.echo(f"ZenML run {zenml_run.name} ({zenml_run.status.value})")
    click.echo(f"  {get_run_url(zenml_run) or command('status', zenml_run.name)}")
    if job := metadata.get("orchestrator_url"):
        click.echo(f"Vertex job\n  {job}")
    if run_id := metadata.get(MLFLOW_RUN_ID):
        click.echo(f"MLflow run {run_id}\n  {metadata.get(MLFLOW_URL)}")


def print_resume(prepared: Prepared, zenml_run: Any) -> None:
    """Print the command that resumes a run."""
    words = ("run", "--resume", zenml_run.name, "--stack", prepared.stack_name)
    click.echo(f"Resume it with\n  {command(*words)}", err=True)


def watch(zenml_run: Any, report: RunReport) -> bool:
    """Print a line for each step that ends, until the run does.

    Returns:
        Whether the run has failed.
    """
    from zenml_runner.processes import refreshed

    reported: set[str] = set()
    while True:
        wait_for_server()
        run = refreshed(quiet_client().get_pipeline_run(zenml_run.id))
        for name, step in run.steps.items():
            if step.status.value in ENDED and name not in reported:
                reported.add(name)
                outcome = "done" if step.status.value == "completed" else step.status.value
                report.line(name, seconds_of(step) or 0.0, outcome)
                if step.status.value == "failed":
                    click.echo(f"  {reason(step)}", err=True)
        if run.status.is_finished:
            break
        time.sleep(POLL_SECONDS)
    if run.status.value == "completed":
        report.end()
        return False
    _print_unfinished(run, reported)
    return True


def was_interrupted(run: Any, step: Any) -> bool:
    """Return whether a step of a finished run has begun but reported no end."""
    return run.status.is_finished and step.status.value not in ENDED


def _print_unfinished(run: Any, reported: set[str]) -> None:
    """Name the steps of a failed run that have not ended, each with the reason."""
    for name, step in run.steps.items():
        if was_interrupted(run, step):
            reported.add(name)
            click.echo(f"{name} failed: {NO_ERROR}", err=True)
    plan = plan_of(run)
    names = [step.name for step in plan.steps if step.name not in reported] if plan else []
    click.echo(f"\nThe run has ended: {run.status.value}.", err=True)
    if names:
        click.echo(f"Not started: {', '.join(names)}", err=True)


def reason(step: Any) -> str:
    """Return the error of a step and its node, as far as ZenML has them."""
    info = step.exception_info
    if info is None:
        return NO_ERROR
    lines = str(info.traceback).strip().splitlines()
    # Python writes notes below the error.
    notes = [line for line in lines if line.startswith(NODE_NOTE)]
    where = f" ({notes[-1]})" if notes else ""
    if not info.message:
        return f"{lines[-1]}{where}"
    kind = (info.source or "").rpartition(".")[2]
    return f"{kind or 'Error'}{where}: {info.message}"


def seconds_of(step: Any) -> float | None:
    """Return the duration of a step; None unless it has begun and ended."""
    if step.start_time is None or step.end_time is None:
        return None
    return float((step.end_time - step.start_time).total_seconds())


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
