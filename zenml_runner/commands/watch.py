"""Watches a run that goes on elsewhere."""

from __future__ import annotations

import time
from typing import Any

import click

from zenml_runner.client import quiet_client
from zenml_runner.commands.report import Report
from zenml_runner.plan import plan_of
from zenml_runner.processes import settled

POLL_SECONDS = 5.0
ENDED_FROM_OUTSIDE = "it has left no error; its process may have been ended from outside"
ENDED = {"completed", "cached", "failed", "stopped", "cancelled", "skipped"}


def watch(zenml_run: Any, report: Report) -> bool:
    """Print a line for each step that ends, until the run does.

    Args:
        zenml_run: The run.
        report: Prints the lines.

    Returns:
        Whether the run has failed.
    """
    told: set[str] = set()
    while True:
        run = quiet_client().get_pipeline_run(zenml_run.id)
        run = settled(run)
        for name, step in run.steps.items():
            if step.status.value in ENDED and name not in told:
                told.add(name)
                report.line(name, _seconds(step), _outcome(step))
                if step.status.value == "failed":
                    click.echo(f"  {reason(step)}", err=True)
        if run.status.is_finished:
            break
        time.sleep(POLL_SECONDS)
    failed = run.status.value != "completed"
    if failed:
        _tell_the_rest(run, told)
    else:
        report.end()
    return failed


def lost(run: Any, step: Any) -> bool:
    """Whether a step has begun, but never told how it ended before its run did."""
    return run.status.is_finished and step.status.value not in ENDED


def _tell_the_rest(run: Any, told: set[str]) -> None:
    """Name the steps of a failed run that have not ended, each with the reason."""
    for name, step in run.steps.items():
        if lost(run, step):
            told.add(name)
            click.echo(f"{name} failed: {ENDED_FROM_OUTSIDE}", err=True)
    plan = plan_of(run)
    names = [step.name for step in plan.steps if step.name not in told] if plan else []
    click.echo(f"\nThe run has ended: {run.status.value}.", err=True)
    if names:
        click.echo(f"Not started: {', '.join(names)}", err=True)


def reason(step: Any) -> str:
    """The error of a step, as far as ZenML has it."""
    info = step.exception_info
    if info is None:
        return ENDED_FROM_OUTSIDE
    return str(info.traceback).strip().splitlines()[-1]


def _seconds(step: Any) -> float:
    if step.start_time is None or step.end_time is None:
        return 0.0
    return float((step.end_time - step.start_time).total_seconds())


def _outcome(step: Any) -> str:
    return "done" if step.status.value == "completed" else str(step.status.value)
