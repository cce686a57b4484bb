"""`kedro zenml init`, `stacks` and `promote`: what a project needs and has beside its runs."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from zenml_runner.errors import RunnerError, command
from zenml_runner.kedro_project.execution import Execution
from zenml_runner.kedro_project.project import open_project
from zenml_runner.kedro_project.settings import mlflow_uri
from zenml_runner.plan import RunSpec
from zenml_runner.settings.sections import Stage
from zenml_runner.stacks.target import choose_stack


def register_stacks(project: Path | None, env: str | None) -> None:
    """Register the stacks of zenml.yml; one that lacks settings of another environment is skipped.

    Raises:
        RunnerError: If the environment's own stack cannot be registered.
    """
    from zenml_runner.client import quiet_client
    from zenml_runner.stacks.registration import register

    opened = open_project(project)
    quiet_client()
    settings = Execution(opened, RunSpec(package=opened.package, env=env)).settings
    for name, stack in settings.stacks.items():
        try:
            full_name, changes = register(opened, name, stack)
        except RunnerError as error:
            if name == settings.stack:
                raise
            click.echo(f"{name}: skipped. {error}")
            continue
        click.echo(f"{name}: ZenML stack {full_name}" + ("" if changes else ", nothing to change"))
        for line in changes:
            click.echo(f"  {line}")
    if settings.stack not in settings.stacks:
        choose_stack(settings, None)
        click.echo(f"{settings.stack}: registered with ZenML by other means, left as it is")


def write_config(project: Path | None) -> None:
    """Write `conf/base/zenml.yml`.

    Raises:
        RunnerError: If the file exists.
    """
    opened = open_project(project)
    from kedro.framework.project import settings

    target = opened.path / settings.CONF_SOURCE / "base" / "zenml.yml"
    if target.exists():
        raise RunnerError(f"{target} exists; it is not overwritten.")
    target.parent.mkdir(parents=True, exist_ok=True)
    template = files("zenml_runner").joinpath("zenml.yml").read_text(encoding="utf-8")
    target.write_text(template, encoding="utf-8")
    click.echo(f"Wrote {target}. `{command('run', '--dry-run')}` prints the steps.")


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
    from zenml_runner.artifacts.models import follow_aliases, promote
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
