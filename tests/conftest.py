"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

PROJECT = Path(__file__).resolve().parents[1]

# How long an example takes says more of what else the machine does than of the law it tests.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def project_path() -> Path:
    """The root of the project, where `pyproject.toml` is."""
    return PROJECT


@pytest.fixture(autouse=True)
def _no_environment_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEPLOYMENT_ENV", "KEDRO_ENV", "BOOK_FORECAST_BUCKET"):
        monkeypatch.delenv(name, raising=False)
