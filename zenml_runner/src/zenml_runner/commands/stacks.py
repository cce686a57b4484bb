"""`kedro zenml stacks`: registers the stacks of `zenml.yml`."""

from __future__ import annotations

from pathlib import Path

import click

from zenml_runner.errors import RunnerError
from zenml_runner.plan import RunSpec


def register_stacks(project: Path | None, env: str | None) -> None:
    """Register the stacks of zenml.yml; one that lacks settings of another environment is skipped.

    Raises:
        RunnerError: If the environment's own stack cannot be registered.
    """
    from zenml_runner.client import quiet_client
    from zenml_runner.kedro_project.execution import Execution
    from zenml_runner.kedro_project.project import open_project
    from zenml_runner.stacks.lookup import choose_stack
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
