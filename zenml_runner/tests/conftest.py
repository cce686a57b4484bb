"""Projects that are opened in this process, and a ZenML for those that run in their own."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import settings

from runner_testing.projects import write_files
from zenml_runner.kedro_project.project import PROJECT_VARIABLE, RUN_GROUP_VARIABLE, open_project

# How long an example takes says more of what else the machine does than of the law it tests. CI
# tries the same examples each time: what a change broke must not depend on luck.
settings.register_profile("untimed", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _no_environment_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEDRO_ENV", RUN_GROUP_VARIABLE, PROJECT_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], Path]]:
    """Writes and opens a project in this process; afterwards nothing of it is left."""
    before = Path.cwd()
    modules = set(sys.modules)
    folder = tmp_path / "project"

    def open_(files: dict[str, str]) -> Path:
        return open_project(write_files(folder, files)).path

    with mock.patch.dict(os.environ), mock.patch.object(sys, "path", list(sys.path)):
        yield open_
    os.chdir(before)
    for name in set(sys.modules) - modules:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for ZenML's settings and store, which take seconds to create."""
    return tmp_path_factory.mktemp("home")
