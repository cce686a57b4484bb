"""Follows a remote run until its end."""

from __future__ import annotations

import time
from typing import Any

import click

from zenml_runner.client import quiet_client
from zenml_runner.commands.report import RunReport
from zenml_runner.kedro_project.execution import NODE_NOTE
from zenml_runner.plan import plan_of
from zenml_runner.processes import refreshed

POLL_SECONDS = 5.0
NO_ERROR = "it has left no error; its process may have been killed"
ENDED = {"completed", "cached", "failed", "stopped", "cancelled", "skipped"}


def watch(zenml_run: Any, report: RunReport) -> bool:
    """Print a line for each step that ends, until the run does.

    Returns:
        Whether the run has failed.
    """
    reported: set[str] = set()
    while True:
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
