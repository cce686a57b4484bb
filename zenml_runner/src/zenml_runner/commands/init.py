"""`kedro zenml init`: writes a first `zenml.yml`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from zenml_runner.command_line import command
from zenml_runner.errors import RunnerError


def write_config(project: Path | None) -> None:
    """Write `conf/base/zenml.yml`.

    Raises:
        RunnerError: If the file exists.
    """
    from zenml_runner.kedro_project.project import open_project

    opened = open_project(project)
    from kedro.framework.project import settings

    target = opened.path / settings.CONF_SOURCE / "base" / "zenml.yml"
    if target.exists():
        raise RunnerError(f"{target} exists; it is not overwritten.")
    target.parent.mkdir(parents=True, exist_ok=True)
    template = files("zenml_runner").joinpath("zenml.yml").read_text(encoding="utf-8")
    target.write_text(template, encoding="utf-8")
    click.echo(f"Wrote {target}. `{command('run', '--dry-run')}` prints the steps.")
