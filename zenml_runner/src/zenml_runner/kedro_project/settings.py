"""Reads a project's `zenml.yml`, and lets its plugins use the MLflow of a stack."""

from __future__ import annotations

import importlib.util
import os
import re
from typing import Any

from zenml_runner.errors import RunnerError
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
