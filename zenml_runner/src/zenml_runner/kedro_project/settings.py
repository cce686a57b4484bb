"""The project's configuration: environment and source, its `zenml.yml`, and MLflow's address."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

from zenml_runner.errors import RunnerError, refuse_unknown
from zenml_runner.kedro_project.project import Project
from zenml_runner.settings.zenml_yml import Stack, ZenmlSettings, read_settings

CONFIG = "zenml"
_LOCAL_DATABASE = re.compile(r"^(sqlite:///)(?!/)(.+)$")


def settings_of(loader: Any) -> ZenmlSettings:
    """Read `zenml.yml` of the environment over that of the base environment.

    Args:
        loader: The configuration loader of the project's session.

    Returns:
        The settings; all defaults where the project has no such file.

    Raises:
        RunnerError: If the file has mistakes.
    """
    from kedro.config import MissingConfigException

    loader.config_patterns.setdefault(CONFIG, [f"{CONFIG}*", f"{CONFIG}*/**", f"**/{CONFIG}*"])
    if isinstance(getattr(loader, "merge_strategy", None), dict):
        # An environment overrides single keys of a section.
        loader.merge_strategy.setdefault(CONFIG, "soft")
    origin = f"{CONFIG}.yml of the environment {loader.env or 'base'}"
    try:
        content = loader[CONFIG]
    except MissingConfigException:
        content = {}
    except Exception as error:
        reason = " ".join(str(error).split())
        raise RunnerError(f"{origin} cannot be read as keys and their values: {reason}") from error
    return read_settings(dict(content), origin)


def tracking_uri(project: Project, stack: Stack) -> str | None:
    """Return MLflow's address for a stack, with database paths below the project's folder."""
    if stack.mlflow is None or stack.mlflow.tracking_uri is None:
        return None
    if importlib.util.find_spec("mlflow") is None:
        return None
    match = _LOCAL_DATABASE.match(stack.mlflow.tracking_uri)
    if match is None:
        return stack.mlflow.tracking_uri
    path = project.path / match[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    return f"{match[1]}{path}"


def default_tracking(project: Project, stack: Stack, loader: Any) -> None:
    """Let plugins use the stack's MLflow, unless the user or `mlflow.yml` names another one."""
    uri = tracking_uri(project, stack)
    if uri is not None and _uri_of_plugin(loader) is None:
        os.environ.setdefault("MLFLOW_TRACKING_URI", uri)


def mlflow_uri(project: Project, stack: Stack, loader: Any) -> str | None:
    """Return MLflow's address for a stack: that of `mlflow.yml`, or the stack's own."""
    return _uri_of_plugin(loader) or tracking_uri(project, stack)


def _uri_of_plugin(loader: Any) -> str | None:
    """Return the address in kedro-mlflow's `mlflow.yml`."""
    from kedro.config import MissingConfigException

    loader.config_patterns.setdefault("mlflow", ["mlflow*", "mlflow*/**", "**/mlflow*"])
    try:
        server = loader["mlflow"].get("server") or {}
    except MissingConfigException:
        return None
    found: str | None = server.get("mlflow_tracking_uri")
    return found


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
