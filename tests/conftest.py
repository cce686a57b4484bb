"""What all tests share."""

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def project_path() -> Path:
    """The root of the project, where `pyproject.toml` is."""
    return PROJECT


@pytest.fixture(autouse=True)
def _no_environment_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEPLOYMENT_ENV", "KEDRO_ENV", "BOOK_FORECAST_BUCKET"):
        monkeypatch.delenv(name, raising=False)
