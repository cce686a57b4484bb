"""The output of a run on the terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from zenml_runner.command_line import command
from zenml_runner.plan import Plan

if TYPE_CHECKING:
    from zenml_runner.commands.prepare import Prepared


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
