"""Finds a Kedro project, and reads what it says about ZenML."""

from __future__ import annotations

import importlib.util
import os
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zenml_runner.errors import RunnerError
from zenml_runner.settings import Settings, Stack, read_settings

# Kedro's and MLflow's and ZenML's usage statistics; whoever wants them sets these otherwise.
NO_TELEMETRY = {
    "KEDRO_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ZENML_ANALYTICS_OPT_IN": "false",
}
PROJECT_VARIABLE = "ZENML_RUNNER_PROJECT"
CONFIG = "zenml"
_LOCAL_DATABASE = re.compile(r"^(sqlite:///)(?!/)(.+)$")


@dataclass(frozen=True)
class Project:
    """A Kedro project that this process has been set up for.

    Attributes:
        path: Its folder.
        package: The name of its package.
        source: The folder that its package lies in.
        named: Whether the user has named it, rather than stood in it.
    """

    path: Path
    package: str
    source: Path
    named: bool = False


def open_project(path: Path | None = None) -> Project:
    """Set this process up for a project.

    Args:
        path: The project's folder or one inside it. Otherwise what the environment variable
            `ZENML_RUNNER_PROJECT` says, as in a container; otherwise the current folder.

    Returns:
        The project.

    Raises:
        RunnerError: If there is no project.
    """
    from kedro.framework.startup import bootstrap_project
    from kedro.utils import find_kedro_project

    # Kedro's and kedro-mlflow's calls into OmegaConf, which nobody here can change.
    warnings.filterwarnings("ignore", message=r"register_new_resolver\(\) is deprecated")
    # Google's words on the age of this Python.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"google\.api_core")
    for name, value in NO_TELEMETRY.items():
        os.environ.setdefault(name, value)
    start = Path(path or os.environ.get(PROJECT_VARIABLE, "") or Path.cwd()).resolve()
    found = find_kedro_project(start)
    if found is None:
        raise RunnerError(
            f"{start} is not in a Kedro project (no pyproject.toml with [tool.kedro]): go to the "
            "project's folder, or name it with --project."
        )
    metadata = bootstrap_project(Path(found))
    # Plugins and projects take the current folder for the project's, as `kedro run` has it.
    os.chdir(found)
    return Project(
        Path(found), metadata.package_name, Path(metadata.source_dir), named=path is not None
    )


def settings_of(loader: Any) -> Settings:
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
        # An environment changes single keys of a section, not the whole of it.
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
    """Where runs of a stack are tracked; paths of databases count from the project's folder."""
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
    """Let plugins track where the stack does, unless the user or `mlflow.yml` says otherwise.

    Args:
        project: The project.
        stack: Of it.
        loader: The configuration loader of the project's session.
    """
    uri = tracking_uri(project, stack)
    if uri is not None and _uri_of_plugin(loader) is None:
        os.environ.setdefault("MLFLOW_TRACKING_URI", uri)


def _uri_of_plugin(loader: Any) -> str | None:
    """What `mlflow.yml` of kedro-mlflow says."""
    from kedro.config import MissingConfigException

    loader.config_patterns.setdefault("mlflow", ["mlflow*", "mlflow*/**", "**/mlflow*"])
    try:
        server = loader["mlflow"].get("server") or {}
    except MissingConfigException:
        return None
    found: str | None = server.get("mlflow_tracking_uri")
    return found
