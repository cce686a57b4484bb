"""From a command line to a plan: what `compile`, `run` and `schedule` have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zenml_runner.errors import RunnerError
from zenml_runner.execution import Execution
from zenml_runner.health import impatient
from zenml_runner.plan import Plan, RunSpec, Slice
from zenml_runner.planning import make_plan
from zenml_runner.project import Project, default_tracking, open_project
from zenml_runner.settings import LocalStack, Settings, Stack, choose_stack


@dataclass(frozen=True)
class Prepared:
    """A run that could begin.

    Attributes:
        execution: Its Kedro session.
        plan: Its steps.
        stack_name: In zenml.yml.
        stack: What it would run on.
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
    def settings(self) -> Settings:
        """Its zenml.yml."""
        return self.execution.settings

    @property
    def remote(self) -> bool:
        """Whether each step is a container of its own."""
        return not isinstance(self.stack, LocalStack)


def prepare(
    project: Path | None,
    pipeline: str,
    env: str | None,
    stack: str | None,
    params: dict[str, Any],
    shards: int | None,
    version: str | None = None,
    load_versions: tuple[str, ...] = (),
    **parts: tuple[str, ...],
) -> Prepared:
    """Open a project and plan a run.

    Args:
        project: Its folder.
        pipeline: Registered name.
        env: Configuration environment.
        stack: Of zenml.yml.
        params: Run-time parameters.
        shards: For what fans out.
        version: Under which versioned datasets are saved.
        load_versions: `dataset:version`.
        parts: Of `Slice`.

    Raises:
        RunnerError: If anything of it does not exist or cannot work.
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
    execution.refuse_unknown()
    name, chosen = choose_stack(execution.settings, stack)
    if isinstance(chosen, LocalStack):
        default_tracking(opened, chosen, execution.config_loader)
    # Plugins may ask MLflow's server here, without which no plan would need to wait.
    with impatient():
        execution.load()
    # Kedro's default depends on variables of this machine; a container must not ask its own.
    execution.run = run.model_copy(update={"env": execution.context.env})
    plan = make_plan(execution, remote=not isinstance(chosen, LocalStack), shards=shards)
    return Prepared(execution, plan, name, chosen)


def _versioned(pair: str) -> tuple[str, str]:
    name, _, version = pair.partition(":")
    if not name or not version:
        raise RunnerError(f"--load-versions: {pair!r} names no version: dataset:version.")
    return name, version
