"""Opens a Kedro project, and asks Git about its folder."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from zenml_runner.errors import RunnerError
from zenml_runner.redaction import without_user

# No usage statistics, unless the user's environment asks for them.
NO_TELEMETRY = {
    "KEDRO_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ZENML_ANALYTICS_OPT_IN": "false",
}
PROJECT_VARIABLE = "ZENML_RUNNER_PROJECT"
RUN_GROUP_VARIABLE = "KEDRO_RUN_GROUP"
"""Names the ZenML run to the project's hooks, in every session of its steps."""
SECONDS = 10
"""Git on a network's disk may take longer: then nothing is known."""


@dataclass(frozen=True)
class Project:
    """A Kedro project that this process is set up for.

    Attributes:
        path: Its folder.
        package: The name of its package.
        source: The folder of its package.
    """

    path: Path
    package: str
    source: Path

    @property
    def key(self) -> str:
        """Eight letters that tell this project from others with the same package name.

        Copies of one Git repository have the same key, wherever they are.
        """
        return hashlib.blake2b(_origin(self.path).encode(), digest_size=4).hexdigest()

    @property
    def folder_key(self) -> str:
        """Eight letters that tell this folder from others, copies of the project included."""
        return hashlib.blake2b(str(self.path).encode(), digest_size=4).hexdigest()


def _origin(path: Path) -> str:
    """Return the address of a Git repository and the project's place in it, or the folder."""
    remote = ask_git(path, "config", "--get", "remote.origin.url")
    if not remote:
        return str(path)
    # The same repository has an address with and without user, and with and without suffix.
    host = re.sub(r"^\w+://", "", without_user(remote, "")).rpartition("@")[2]
    place = ask_git(path, "rev-parse", "--show-prefix") or ""
    return f"{host.removesuffix('.git').replace(':', '/')}/{place}"


@contextmanager
def environment_variable(name: str, value: str) -> Iterator[None]:
    """Set an environment variable, and restore it afterwards."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def run_group(name: str) -> AbstractContextManager[None]:
    """Mark all Kedro sessions opened within as parts of one ZenML run.

    Args:
        name: Of the ZenML run, the same in all its steps and retries.
    """
    return environment_variable(RUN_GROUP_VARIABLE, name)


def open_project(path: Path | None = None) -> Project:
    """Set this process up for a project.

    Args:
        path: The project's folder or one inside it; by default the environment variable
            `ZENML_RUNNER_PROJECT`, as in a container, or the current folder.

    Raises:
        RunnerError: If there is no project.
    """
    from kedro.framework.startup import bootstrap_project
    from kedro.utils import find_kedro_project

    # From calls of Kedro and kedro-mlflow into OmegaConf.
    warnings.filterwarnings("ignore", message=r"register_new_resolver\(\) is deprecated")
    # Google's clients warn of old Python versions.
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
    # As in `kedro run`, the current folder is the project's.
    os.chdir(found)
    return Project(Path(found), metadata.package_name, Path(metadata.source_dir))


def ask_git(folder: Path, *arguments: str) -> str | None:
    """Return Git's answer; None without Git, outside of a repository, or after `SECONDS`.

    Args:
        folder: The folder to ask about.
        arguments: Command and arguments.
    """
    git = shutil.which("git")
    if git is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603
            [git, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
