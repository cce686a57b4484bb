"""Runs a pipeline: prints what it will do, a line for each step, and where to look."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_runner.commands.prepare import Prepared, prepare
from zenml_runner.commands.report import Report, resume_command, tell_places, tell_plan
from zenml_runner.commands.translate import translate
from zenml_runner.errors import RunnerError
from zenml_runner.plan import Plan, plan_of, version_at, version_of
from zenml_runner.project import open_project, tracking_uri

if TYPE_CHECKING:
    from zenml_runner.hosts import WholeRun


def run_pipeline(
    dry_run: bool, wait: bool, resume: str | None, project: Path | None, **arguments: Any
) -> None:
    """Run a pipeline, or what is left of a run.

    Args:
        dry_run: Whether to end before anything runs.
        wait: Whether to wait for runs elsewhere.
        resume: Name or id of a run to go on with.
        project: Folder of the Kedro project.
        arguments: Of `prepare`.

    Raises:
        RunnerError: If something asked for does not exist.
        SystemExit: If the run fails.
    """
    started = time.perf_counter()
    now = datetime.now(UTC)
    if resume is not None:
        prepared = _resumed(resume, project, **arguments)
    else:
        prepared = prepare(project, version=version_at(now), **arguments)
    tell_plan(prepared)
    if dry_run:
        return
    label = prepared.plan.run.pipeline.strip("_")
    pipeline, where = translate(prepared, f"{label}-{now:%Y_%m_%d-%H_%M_%S_%f}")
    click.echo(f"Ready after {time.perf_counter() - started:.1f} s, on the ZenML stack {where}.")
    if prepared.remote:
        _run_elsewhere(prepared, pipeline, wait=wait)
    else:
        _run_here(prepared, pipeline)


def _resumed(
    name: str, project: Path | None, *, env: str | None, stack: str | None, **arguments: Any
) -> Prepared:
    """Plan the steps that a former run has not completed, with its parameters and version."""
    from zenml_runner.client import find_run
    from zenml_runner.processes import is_at_work, settled

    if given := sorted(option for option, value in arguments.items() if _is_given(option, value)):
        raise RunnerError(
            f"--resume goes on with the pipeline, parameters, shards and slice of {name}: leave "
            f"out {', '.join('--' + option.replace('_', '-') for option in given)}."
        )
    open_project(project)
    former = settled(find_run(name))
    plan = plan_of(former)
    if plan is None:
        raise RunnerError(f"The run {name} was not made by this adapter; it cannot be resumed.")
    if is_at_work(former):
        raise RunnerError(
            f"{former.name} is still at work: wait for its end, or end it, before what is left of "
            "it runs again."
        )
    done = {s for s, step in former.steps.items() if step.status.value in ("completed", "cached")}
    left = plan.without(done)
    if not left:
        raise RunnerError(f"All {len(plan.steps)} steps of {former.name} have completed.")
    if env not in (None, plan.run.env):
        raise RunnerError(f"{former.name} ran in the environment {plan.run.env}: leave out --env.")
    prepared = prepare(
        project,
        pipeline=plan.run.pipeline,
        env=plan.run.env,
        stack=stack,
        params=plan.run.params,
        shards=None,
        version=plan.run.version or version_of(former),
        load_versions=tuple(f"{k}:{v}" for k, v in plan.run.load_versions.items()),
        **dict(plan.run.slice),
    )
    prepared.execution.narrow(node for step in left for node in step.nodes)
    resumed = Plan(run=prepared.execution.run, steps=left, resumes=former.name)
    return Prepared(prepared.execution, resumed, prepared.stack_name, prepared.stack)


def _is_given(option: str, value: Any) -> bool:
    return bool(value) and (option, value) != ("pipeline", "__default__")


def _run_here(prepared: Prepared, pipeline: Any) -> None:
    """Run all steps in this process."""
    from zenml_runner.client import find_run
    from zenml_runner.hosts import WholeRun

    # One line a step is ours to print.
    logging.getLogger("kedro.runner").setLevel(logging.WARNING)
    report = Report(prepared.plan)
    host = WholeRun(prepared.execution, report.line, tracking_uri(prepared.project, prepared.stack))
    try:
        with host.at_work():
            pipeline()
    except KeyboardInterrupt:
        _tell_rest(prepared, host)
        raise SystemExit(130) from None
    except Exception as error:
        if not host.errors:
            raise
        for name, cause in host.errors.items():
            click.echo(f"\n{name} failed: {report.describe(cause)}", err=True)
        _tell_rest(prepared, host)
        raise SystemExit(1) from error
    finally:
        prepared.execution.close()
    report.end()
    tell_places(find_run(host.zenml_run))


def _tell_rest(prepared: Prepared, host: WholeRun) -> None:
    """Print where a run that has not come to its end can be looked at and gone on with."""
    from zenml_runner.client import find_run

    if host.zenml_run is None:
        return
    zenml_run = find_run(host.zenml_run)
    tell_places(zenml_run)
    click.echo(f"Go on from there with\n  {resume_command(prepared, zenml_run)}", err=True)


def _run_elsewhere(prepared: Prepared, pipeline: Any, *, wait: bool) -> None:
    """Submit the run and, if asked to, watch it."""
    from zenml_runner.commands.watch import watch

    zenml_run = pipeline()
    tell_places(zenml_run)
    if not wait:
        click.echo(f"Follow it with\n  kedro zenml status {zenml_run.name}")
        return
    failed = watch(zenml_run, Report(prepared.plan))
    if failed:
        click.echo(f"Go on from there with\n  {resume_command(prepared, zenml_run)}", err=True)
        raise SystemExit(1)
