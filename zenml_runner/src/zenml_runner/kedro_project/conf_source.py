"""The configuration of a run: its environment, and the source that `--conf-source` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.kedro_project.project import Project


def refuse_unknown_env(loader: Any, env: str | None) -> None:
    """Refuse an environment that has no folder in the project's configuration.

    Raises:
        RunnerError: With the nearest environment.
    """
    source = Path(loader.conf_source)
    if env and source.is_dir() and not (source / env).is_dir():
        known = [folder.name for folder in source.iterdir() if folder.is_dir()]
        refuse_unknown("environment", [env], known, where=f"in {source}")


def carried(project: Project, source: str | None) -> str | None:
    """Return a source as the plan carries it: relative if it is in the project's folder.

    Args:
        project: The project, whose folder has another place in a container.
        source: Folder, archive or address.
    """
    if source is None or is_address(source):
        return source
    path = (project.path / source).resolve()
    if path.is_relative_to(project.path):
        return path.relative_to(project.path).as_posix()
    return str(path)


def resolved(project: Project, source: str | None) -> str | None:
    """Return a source as Kedro takes it in this process.

    Raises:
        RunnerError: If the folder or archive does not exist here.
    """
    if source is None or is_address(source):
        return source
    path = project.path / source
    if not path.exists():
        raise RunnerError(
            f"--conf-source: there is no {path}. A container has the files of its image only: "
            "add the configuration to the image, or name a bucket."
        )
    return str(path)


def refuse_local(project: Project, source: str | None, stack: str) -> None:
    """Refuse a source that a container does not have.

    Args:
        project: The project, whose folder is in the image.
        source: As `carried` returns it.
        stack: Name of the stack, whose steps run in containers.

    Raises:
        RunnerError: If it is an archive on this machine, or outside of the project's folder.
    """
    if source is None or is_address(source):
        return
    if Path(source).is_absolute():
        kind = "outside of the project's folder"
    elif (project.path / source).is_file():
        kind = "an archive on this machine"
    else:
        return
    raise RunnerError(
        f"--conf-source: {project.path / source} is {kind}, so the containers of the stack {stack} "
        "do not have it: name a folder inside the project that the image has, or a bucket."
    )


def is_address(source: str) -> bool:
    """Return whether a source is an address, such as gs://bucket/conf."""
    return "://" in source
