"""`kedro zenml run`: runs a pipeline, or resumes a run."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from zenml_runner.commands.prepare import Prepared, joined_name, prepare
from zenml_runner.commands.report import (
    RunReport,
    describe_error,
    print_links,
    print_plan,
    print_resume,
)
from zenml_runner.errors import NoServerError, RunnerError, command
from zenml_runner.failures import no_server
from zenml_runner.kedro_project.project import open_project, run_group
from zenml_runner.kedro_project.settings import tracking_uri
from zenml_runner.plan import Plan, StepPlan, plan_of, version_at, version_of


def run_pipeline(
    dry_run: bool, wait: bool, resume: str | None, project: Path | None, **arguments: Any
) -> None:
    """Run a pipeline, or the remaining steps of a former run.

    Args:
        dry_run: Whether to print the steps only.
        wait: Whether to wait for a remote run.
        resume: Name or id of the former run.
        project: Folder of the Kedro project.
        arguments: The other arguments of `prepare`.

    Raises:
        RunnerError: If a name does not exist, or the run cannot work.
        SystemExit: If the run fails.
    """
    started = time.perf_counter()
    now = datetime.now(UTC)
    steps: tuple[StepPlan, ...] | None = None
    if resume is None:
        arguments["version"] = version_at(now)
    else:
        open_project(project)
        resume, steps, arguments = _remaining(resume, **arguments)
    pipeline_name = joined_name(arguments["pipeline"], arguments["pipelines"])
    run_name = f"{pipeline_name.strip('_')}-{now:%Y_%m_%d-%H_%M_%S_%f}"
    with run_group(run_name):
        prepared = prepare(project, **arguments)
        if steps is not None:
            prepared = _restricted(prepared, steps, resume)
        if not prepared.plan.steps:
            click.echo("All outputs of the pipeline's nodes exist: there is nothing to run.")
            if not dry_run and not prepared.remote:
                _run_nothing(prepared)
            return
        print_plan(prepared)
        if dry_run:
            return
        pipeline, stack = prepared.translate(run_name)
        click.echo(
            f"Ready after {time.perf_counter() - started:.1f} s, on the ZenML stack {stack}."
        )
        if prepared.remote:
            _run_remotely(prepared, pipeline, run_name, wait=wait)
        else:
            _run_locally(prepared, pipeline)


def _remaining(
    name: str, *, env: str | None, stack: str | None, **arguments: Any
) -> tuple[str, tuple[StepPlan, ...], dict[str, Any]]:
    """Return a former run's name, its remaining steps, and the arguments that plan it again."""
    from zenml_runner.client import find_run
    from zenml_runner.processes import is_running, refreshed

    given = [
        option.removeprefix("is_")
        for option, value in arguments.items()
        if value and value != "__default__"
    ]
    if given:
        raise RunnerError(
            f"--resume takes pipeline, configuration, parameters, shards and slice from {name}: "
            "leave out "
            f"{', '.join('--' + option.replace('_', '-') for option in sorted(given))}."
        )
    former = refreshed(find_run(name))
    plan = plan_of(former)
    if plan is None:
        raise RunnerError(f"The run {name} is not of {command('run')}; it cannot be resumed.")
    if is_running(former):
        raise RunnerError(
            f"{former.name} is still running: wait for its end or stop it, then resume it."
        )
    done = {s for s, step in former.steps.items() if step.status.value in ("completed", "cached")}
    steps = plan.without(done)
    if not steps:
        raise RunnerError(f"All {len(plan.steps)} steps of {former.name} have completed.")
    if env not in (None, plan.run.env):
        raise RunnerError(f"{former.name} ran in the environment {plan.run.env}: leave out --env.")
    return (
        former.name,
        steps,
        {
            "pipeline": "__default__",
            "pipelines": plan.run.registered,
            "conf_source": plan.run.conf_source,
            "is_async": plan.run.is_async,
            "only_missing_outputs": plan.run.only_missing_outputs,
            "kept": {node for step in plan.steps for node in step.nodes},
            "env": plan.run.env,
            "stack": stack,
            "params": plan.run.params,
            "shards": plan.shards,
            "version": plan.run.version or version_of(former),
            "load_versions": tuple(f"{k}:{v}" for k, v in plan.run.load_versions.items()),
            **dict(plan.run.slice),
        },
    )


def _restricted(prepared: Prepared, steps: tuple[StepPlan, ...], former: str | None) -> Prepared:
    """Return a prepared run with the remaining steps of a former one."""
    execution = prepared.execution
    execution.narrow(node for step in steps for node in step.nodes)
    plan = Plan(run=execution.run, steps=steps, resumes=former)
    return replace(prepared, plan=plan)


def _run_nothing(prepared: Prepared) -> None:
    """Call the hooks around a pipeline without nodes to run, as `kedro run` does."""
    from zenml_runner.steps.runtime import LocalRun

    with LocalRun(prepared.execution, lambda *_: None, None).active():
        pass


def _run_locally(prepared: Prepared, pipeline: Any) -> None:
    """Run all steps in this process."""
    from zenml_runner.client import find_run, silent_server
    from zenml_runner.steps.runtime import LocalRun

    # The report prints a line for each step.
    logging.getLogger("kedro.runner").setLevel(logging.WARNING)
    report = RunReport(prepared.plan)
    uri = tracking_uri(prepared.project, prepared.stack)
    local = LocalRun(prepared.execution, report.line, uri)

    def print_end() -> None:
        if local.zenml_run is not None:
            zenml_run = find_run(local.zenml_run)
            print_links(zenml_run)
            print_resume(prepared, zenml_run)

    try:
        with local.active():
            pipeline()
    except KeyboardInterrupt:
        print_end()
        raise SystemExit(130) from None
    except Exception as error:
        silent = silent_server() if local.name else None
        if silent is None and not local.errors:
            raise
        for name, cause in local.errors.items():
            if silent is None or not isinstance(cause, NoServerError):
                click.echo(f"\n{name} failed: {describe_error(cause)}", err=True)
        if silent is not None:
            raise _unfinished(silent[0], prepared, local.name) from error
        print_end()
        raise SystemExit(1) from error
    report.end()
    print_links(find_run(local.zenml_run))


def _unfinished(url: str, prepared: Prepared, name: str) -> NoServerError:
    """Return the error of a run that its server has left alone."""
    resume = command("run", "--resume", name, "--stack", prepared.stack_name)
    return NoServerError(
        f"{no_server(url)} What the steps have written is kept. Once the server answers, this "
        f"command runs the steps that it does not know to have completed:\n  {resume}"
    )


def _run_remotely(prepared: Prepared, pipeline: Any, name: str, *, wait: bool) -> None:
    """Submit the run and, with `--wait`, watch it; where this process drives it, it has ended."""
    from zenml_runner.commands.report import watch
    from zenml_runner.stacks.submission import submission

    try:
        with submission(prepared.stack_name):
            zenml_run = pipeline()
    except RunnerError:
        raise
    except Exception:
        # Orchestrators that wait raise an error of their own where a step has failed.
        zenml_run = _with_unfinished_step(name) if prepared.target.is_driven_here else None
        if zenml_run is None:
            raise
    print_links(zenml_run)
    if not wait and not prepared.target.is_driven_here:
        click.echo(f"Follow it with\n  {command('status', zenml_run.name)}")
    elif watch(zenml_run, RunReport(prepared.plan)):
        print_resume(prepared, zenml_run)
        raise SystemExit(1)


def _with_unfinished_step(name: str) -> Any:
    """Return a run that has a step which began and did not complete; None if there is none."""
    from zenml_runner.client import find_run

    try:
        found = find_run(name)
    except RunnerError:
        return None
    states = {step.status.value for step in found.steps.values()}
    return found if states - {"completed", "cached"} else None
