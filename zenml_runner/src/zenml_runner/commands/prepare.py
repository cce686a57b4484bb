"""Plans a run and translates it for ZenML: the common part of `compile`, `run` and `schedule`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zenml_runner.errors import RunnerError
from zenml_runner.failures import few_mlflow_retries
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.parameters import misspelt_params
from zenml_runner.kedro_project.project import Project, open_project
from zenml_runner.kedro_project.settings import (
    carried,
    default_tracking,
    refuse_local,
    refuse_unknown_env,
)
from zenml_runner.plan import Plan, RunSpec, Slice
from zenml_runner.planning.planner import make_plan
from zenml_runner.settings.sections import Shards
from zenml_runner.settings.zenml_yml import RegisteredStack, Stack, ZenmlSettings
from zenml_runner.stacks.step_options import checked_settings, pipeline_settings, warnings_of
from zenml_runner.stacks.submission import check, secret_ids, set_secrets
from zenml_runner.stacks.target import Target, choose_stack, target_of

if TYPE_CHECKING:
    from zenml.config.schedule import Schedule
    from zenml.pipelines.pipeline_definition import Pipeline


@dataclass(frozen=True)
class Prepared:
    """A planned run.

    Attributes:
        execution: Its Kedro session.
        plan: Its steps.
        stack_name: Name of the stack in zenml.yml, or in ZenML.
        stack: The stack.
        target: What it can do.
    """

    execution: Execution
    plan: Plan
    stack_name: str
    stack: Stack
    target: Target

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
        """Whether each step is a Kedro run of its own, in a container."""
        return not self.target.in_process

    def translate(
        self,
        run_name: str,
        schedule: Schedule | None = None,
        orchestrator: dict[str, Any] | None = None,
    ) -> tuple[Pipeline, str]:
        """Build the ZenML pipeline; check, register and activate its stack in this process.

        Args:
            run_name: Name of the ZenML run; a template for schedules.
            schedule: Schedule of its runs.
            orchestrator: Settings of the orchestrator that the schedule needs.

        Returns:
            The pipeline, to be called, and the name of the ZenML stack.

        Raises:
            RunnerError: If a part of the stack does not answer, or cannot be registered.
        """
        from zenml_runner.client import quiet_client
        from zenml_runner.stacks import registration as stacks
        from zenml_runner.translation import to_zenml

        quiet_client()
        check(self.project, self.stack)
        name = self.stack_name
        if not isinstance(self.stack, RegisteredStack):
            name, changes = stacks.register(self.project, name, self.stack)
            for line in changes:
                click.echo(f"  {line}")
        stacks.activate(name)
        self._warn_of_silence(name)
        named = [secret for step in self.plan.steps for secret in step.settings.secrets]
        pipeline = to_zenml(
            self.plan,
            self.settings,
            self.target,
            run_name=run_name,
            key=self.project.key,
            schedule=schedule,
            orchestrator=orchestrator,
            secrets=secret_ids(self.project, named, in_process=self.target.in_process),
        )
        return pipeline, name

    def _warn_of_silence(self, stack: str) -> None:
        """Warn of messages that nothing can send."""
        from zenml.client import Client

        if self.settings.alerts.any and Client().active_stack.alerter is None:
            click.echo(
                f"Warning: zenml.yml asks for alerts, but the ZenML stack {stack} has no alerter: "
                "create one with `zenml alerter register`, and name it under alerter of the stack "
                f"in zenml.yml or with `zenml stack update {stack} --alerter NAME`.",
                err=True,
            )


def prepare(
    project: Path | None,
    pipeline: str,
    env: str | None,
    stack: str | None,
    params: dict[str, Any],
    shards: Shards | None,
    version: str | None = None,
    load_versions: tuple[str, ...] = (),
    *,
    pipelines: tuple[str, ...] = (),
    conf_source: str | None = None,
    is_async: bool = False,
    only_missing_outputs: bool = False,
    kept: Iterable[str] | None = None,
    **parts: tuple[str, ...],
) -> Prepared:
    """Open a project and plan a run.

    Args:
        project: Its folder.
        pipeline: Registered name.
        env: Configuration environment.
        stack: Name of a stack in zenml.yml, or of one that is registered with ZenML.
        params: Runtime parameters.
        shards: Number of shards, or "auto".
        version: Version of the datasets that the run saves.
        load_versions: Pairs `dataset:version`.
        pipelines: Registered names of several pipelines, in place of `pipeline`.
        conf_source: Folder, archive or address of the configuration.
        is_async: Whether a node's data are loaded and saved in threads.
        only_missing_outputs: Whether to leave out nodes whose outputs exist.
        kept: The nodes that a former run with `only_missing_outputs` did not leave out.
        parts: The fields of `Slice`.

    Raises:
        RunnerError: If a name does not exist, or the run cannot work.
    """
    opened = open_project(project)
    run = RunSpec(
        package=opened.package,
        pipeline=joined_name(pipeline, pipelines),
        pipelines=tuple(dict.fromkeys(pipelines)) if len(set(pipelines)) > 1 else (),
        env=env,
        conf_source=carried(opened, conf_source),
        params=params,
        version=version,
        load_versions=dict(_versioned(pair) for pair in load_versions),
        slice=Slice(**parts),
        only_missing_outputs=only_missing_outputs,
        is_async=is_async,
    )
    execution = Execution(opened, run)
    plain = Execution(opened, run.model_copy(update={"params": {}})).config_loader
    refuse_unknown_env(plain, env)
    name, chosen = choose_stack(execution.settings, stack)
    target = target_of(name, chosen)
    remote = not target.in_process
    if remote:
        refuse_local(opened, run.conf_source, name)
    default_tracking(opened, chosen, execution.config_loader)
    if named := [secret for own in execution.settings.steps.every() for secret in own.secrets]:
        set_secrets(opened, named)
    # A plugin may connect to MLflow's server here; a plan does not need it.
    with few_mlflow_retries():
        execution.load()
    inputs = {name for one in execution.registered.values() for name in one.inputs()}
    for warning in misspelt_params(params, plain, execution.parameters, inputs):
        click.echo(f"Warning: {warning}", err=True)
    # Kedro's default depends on variables of this machine, which a container lacks.
    shows = execution.settings.shows(run.registered)
    execution.run = run.model_copy(update={"env": execution.context.env, "shows": shows})
    if only_missing_outputs:
        if kept is None:
            execution.leave_out_existing()
        else:
            execution.keep(kept)
    plan = make_plan(execution, remote=remote, shards=shards)
    _refuse_impossible(plan, execution.settings, target)
    return Prepared(execution, plan, name, chosen, target)


def _refuse_impossible(plan: Plan, settings: ZenmlSettings, target: Target) -> None:
    """Refuse what the stack cannot do, and tell what it does in its own way."""
    if target.in_process:
        return
    for step in plan.steps:
        checked_settings(step, target)
    if settings.settings and settings.image is not None:
        pipeline_settings(settings, target)
    for warning in warnings_of(plan.steps, target):
        click.echo(f"Warning: {warning}", err=True)


def joined_name(pipeline: str, pipelines: tuple[str, ...]) -> str:
    """Return the name of a run's pipeline in ZenML.

    Raises:
        RunnerError: If both options are given.
    """
    if not pipelines:
        return pipeline
    if pipeline != "__default__":
        raise RunnerError("--pipeline and --pipelines cannot be used together: leave out one.")
    return "-".join(dict.fromkeys(pipelines))


def _versioned(pair: str) -> tuple[str, str]:
    name, _, version = pair.partition(":")
    if not name or not version:
        raise RunnerError(f"--load-versions: {pair!r} has no version: write dataset:version.")
    return name, version
