"""What all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

PROJECT = Path(__file__).resolve().parents[1]

# How long an example takes says more of what else the machine does than of the law it tests. CI
# tries the same examples each time: what a change broke must not depend on luck.
settings.register_profile("untimed", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def project_path() -> Path:
    """The root of the project, where `pyproject.toml` is."""
    return PROJECT


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory, project_path: Path) -> Path:
    """The data root of a whole run on a small export, made once for all processes of the tests.

    Read it, or copy it before anything else runs in it.
    """
    from tests import runs

    folder = tmp_path_factory.getbasetemp()
    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    return runs.whole_run(folder.parent if is_one_of_several else folder, project_path)


@pytest.fixture(autouse=True)
def _no_environment_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEPLOYMENT_ENV", "KEDRO_ENV", "BOOK_FORECAST_BUCKET"):
        monkeypatch.delenv(name, raising=False)
