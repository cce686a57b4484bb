"""What the terminal shows of a run."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from zenml_runner.plan import Plan

if TYPE_CHECKING:
    from zenml_runner.commands.prepare import Prepared


class Report:
    """A line for each step of a run as it ends."""

    def __init__(self, plan: Plan) -> None:
        self._width = max(len(step.name) for step in plan.steps)
        self._count = len(plan.steps)
        self._done = 0
        self._started = time.perf_counter()

    def line(self, name: str, seconds: float, outcome: str) -> None:
        """Print a line: how many steps are done, name, seconds, outcome."""
        self._done += not outcome.startswith("failed")
        digits = len(str(self._count))
        click.echo(
            f"[{self._done:{digits}}/{self._count}] {name:{self._width}}  {seconds:7.1f} s"
            + ("" if outcome == "done" else f"  {outcome}")
        )

    def end(self) -> None:
        """Print that all is done."""
        seconds = time.perf_counter() - self._started
        click.echo(f"All {self._count} steps done in {seconds:.1f} s.")

    @staticmethod
    def describe(error: BaseException) -> str:
        """The error itself, with the node it came from."""
        notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
        return f"{type(error).__name__}{notes}: {error}"


def tell_plan(prepared: Prepared) -> None:
    """Print what a run will do."""
    plan = prepared.plan
    env = plan.run.env or "the project's default"
    click.echo(
        f"{plan.run.package}: pipeline {plan.run.pipeline}, environment {env}, "
        f"stack {prepared.stack_name}, {len(plan.steps)} steps"
        + (f", going on with {plan.resumes}" if plan.resumes else "")
    )
    for step in plan.steps:
        nodes = "" if step.nodes == (step.name,) else f": {', '.join(step.nodes)}"
        after = f"  after {', '.join(_folded(step.after))}" if step.after else ""
        click.echo(f"  {step.name}{nodes}{after}")


def _folded(names: tuple[str, ...]) -> list[str]:
    """Many shards as one."""
    if len(names) <= 4:
        return list(names)
    return [names[0], "…", names[-1]]


def tell_places(zenml_run: Any) -> None:
    """Print where a run can be looked at."""
    from zenml.utils.dashboard_utils import get_run_url

    from zenml_runner.tracking import MLFLOW_PLACE, MLFLOW_RUN

    metadata = zenml_run.run_metadata or {}
    click.echo(f"ZenML run {zenml_run.name} ({zenml_run.status.value})")
    click.echo(f"  {get_run_url(zenml_run) or f'kedro zenml status {zenml_run.name}'}")
    if job := metadata.get("orchestrator_url"):
        click.echo(f"Vertex job\n  {job}")
    if run_id := metadata.get(MLFLOW_RUN):
        click.echo(f"MLflow run {run_id}\n  {metadata.get(MLFLOW_PLACE)}")


def resume_command(prepared: Prepared, zenml_run: Any) -> str:
    """The command that runs what is left of a run."""
    in_project = sys.argv[0].endswith("kedro")
    command = ["kedro", "zenml"] if in_project else ["python", "-m", "zenml_runner"]
    command += ["run", "--resume", zenml_run.name, "--stack", prepared.stack_name]
    if not in_project or prepared.project.named:
        command += ["--project", str(prepared.project.path)]
    return shlex.join(command)
