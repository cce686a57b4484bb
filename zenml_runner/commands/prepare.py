"""Plans a run and translates it for ZenML: the common part of `compile`, `run` and `schedule`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_runner.errors import RunnerError
from zenml_runner.execution import Execution
from zenml_runner.plan import Plan, RunSpec, Slice
from zenml_runner.planning import make_plan
from zenml_runner.preflight import check, few_mlflow_retries
from zenml_runner.project import Project, default_tracking, open_project
from zenml_runner.settings import LocalStack, Shards, Stack, ZenmlSettings, choose_stack
from zenml_runner.validation import misspelt_params, refuse_unknown_env

if TYPE_CHECKING:
    from zenml.config.schedule import Schedule
    from zenml.pipelines.pipeline_definition import Pipeline


@dataclass(frozen=True)
class Prepared:
    """A planned run.

    Attributes:
        execution: Its Kedro session.
        plan: Its steps.
        stack_name: Name of the stack in zenml.yml.
        stack: The stack.
    """

    execution: Execution
    plan: Plan
    stack_name: str
    stack: Stack

    @property
    def project(self) -> Project:
        """The project."""
        return self.execution.project

    @property
    def settings(self) -> ZenmlSettings:
        """The project's zenml.yml."""
        return self.execution.settings

    @property
    def remote(self) -> bool:
        """Whether each step runs in its own container."""
        return not isinstance(self.stack, LocalStack)

    def translate(self, run_name: str, schedule: Schedule | None = None) -> tuple[Pipeline, str]:
        """Build the ZenML pipeline; check, register and activate its stack in this process.

        Args:
            run_name: Name of the ZenML run; a template for schedules.
            schedule: Schedule of its runs.

        Returns:
            The pipeline, to be called, and the name of the ZenML stack.

        Raises:
            RunnerError: If a part of the stack does not answer, or cannot be registered.
        """
        from zenml_runner import stacks
        from zenml_runner.client import quiet_client
        from zenml_runner.translation import to_zenml

        quiet_client()
        check(self.project, self.stack)
        name, changes = stacks.register(self.project, self.stack_name, self.stack)
        for line in changes:
            click.echo(f"  {line}")
        stacks.activate(name)
        pipeline = to_zenml(
            self.plan,
            self.settings,
            self.stack,
            run_name=run_name,
            key=self.project.key,
            schedule=schedule,
        )
        return pipeline, name


def prepare(
    project: Path | None,
    pipeline: str,
    env: str | None,
    stack: str | None,
    params: dict[str, Any],
    shards: Shards | None,
    version: str | None = None,
    load_versions: tuple[str, ...] = (),
    **parts: tuple[str, ...],
) -> Prepared:
    """Open a project and plan a run.

    Args:
        project: Its folder.
        pipeline: Registered name.
        env: Configuration environment.
        stack: Name of a stack in zenml.yml.
        params: Runtime parameters.
        shards: Number of shards, or "auto".
        version: Version of the datasets that the run saves.
        load_versions: Pairs `dataset:version`.
        parts: The fields of `Slice`.

    Raises:
        RunnerError: If a name does not exist, or the run cannot work.
    """
    opened = open_project(project)
    run = RunSpec(
        package=opened.package,
        pipeline=pipeline,
        env=env,
        params=params,
        version=version,
        load_versions=dict(_versioned(pair) for pair in load_versions),
        slice=Slice(**parts),
    )
    execution = Execution(opened, run)
    plain = Execution(opened, run.model_copy(update={"params": {}})).config_loader
    refuse_unknown_env(plain, env)
    name, chosen = choose_stack(execution.settings, stack)
    default_tracking(opened, chosen, execution.config_loader)
    # A plugin may connect to MLflow's server here; a plan does not need it.
    with few_mlflow_retries():
        execution.load()
    inputs = {name for one in execution.registered.values() for name in one.inputs()}
    for warning in misspelt_params(params, plain, execution.parameters, inputs):
        click.echo(f"Warning: {warning}", err=True)
    # Kedro's default depends on variables of this machine, which a container lacks.
    execution.run = run.model_copy(update={"env": execution.context.env})
    plan = make_plan(execution, remote=not isinstance(chosen, LocalStack), shards=shards)
    return Prepared(execution, plan, name, chosen)


def _versioned(pair: str) -> tuple[str, str]:
    name, _, version = pair.partition(":")
    if not name or not version:
        raise RunnerError(f"--load-versions: {pair!r} has no version: write dataset:version.")
    return name, version
