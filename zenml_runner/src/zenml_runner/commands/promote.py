"""`kedro zenml promote`: sets the stages of models."""

from __future__ import annotations

from pathlib import Path

import click

from zenml_runner.errors import RunnerError
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.project import open_project
from zenml_runner.kedro_project.settings import mlflow_uri
from zenml_runner.plan import RunSpec
from zenml_runner.settings.shows import Stage
from zenml_runner.stacks.lookup import choose_stack


def promote_models(
    project: Path | None,
    env: str | None,
    stack: str | None,
    model: str | None,
    version: str | None,
    stage: Stage | None,
) -> None:
    """Set the stage of a version, or let all models follow MLflow's aliases.

    Args:
        project: Folder of the Kedro project.
        env: Configuration environment.
        stack: Name of a stack in zenml.yml; its MLflow is asked.
        model: Name of the model; all of zenml.yml if None.
        version: Number or name of its version.
        stage: The stage of the version.

    Raises:
        RunnerError: If there is no such version, or nothing to follow.
    """
    from zenml_runner.artifacts.stages import follow_aliases, promote
    from zenml_runner.client import quiet_client

    opened = open_project(project)
    if model is not None:
        if version is None or stage is None:
            raise RunnerError("A model needs a version and --stage; without a model all follow.")
        quiet_client()
        try:
            found = promote(model, version, stage)
        except KeyError:
            raise RunnerError(f"ZenML has no version {version} of a model {model}.") from None
        click.echo(f"{model} {found.number} is {stage}.")
        return
    execution = Execution(opened, RunSpec(package=opened.package, env=env))
    settings = execution.settings
    if not settings.followed:
        raise RunnerError(
            "zenml.yml has no models with stages: write for example "
            "`stages: {production: champion}`, or name model, version and --stage."
        )
    quiet_client()
    _, chosen = choose_stack(settings, stack)
    changes = follow_aliases(settings.followed, mlflow_uri(opened, chosen, execution.config_loader))
    for line in changes or ["All stages are as MLflow's aliases."]:
        click.echo(line)
