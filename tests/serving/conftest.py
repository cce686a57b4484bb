"""Services and stores that many tests use."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.app import create_app
from book_forecast.serving.settings import ServiceSettings
from tests.serving import stores
from tests.serving.servers import Server, eventually, make_store

TITLES = 40


@contextmanager
def in_process(settings: ServiceSettings) -> Iterator[TestClient]:
    """Run a service in this process, and wait until its release is there and compared."""
    with TestClient(create_app(settings)) as client:
        eventually(lambda: client.get("/readyz").status_code == 200)
        eventually(lambda: client.get("/books").json()["changes"]["state"] != "pending")
        yield client


@pytest.fixture(scope="session")
def served_store(tmp_path_factory: pytest.TempPathFactory) -> ReleaseStore:
    """A store that no test changes."""
    return make_store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def server(
    served_store: ReleaseStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A service with the settings that it has of its own."""
    with Server(tmp_path_factory.mktemp("log"), "--releases", served_store.root) as service:
        yield service.ready()


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two releases of named titles, one champion after the other."""
    root = tmp_path_factory.mktemp("releases")
    stores.write(root, titles=TITLES)
    return str(root)


@pytest.fixture(scope="session")
def client(releases: str) -> Iterator[TestClient]:
    """A service in this process, which has compared the two."""
    with in_process(ServiceSettings(releases=releases)) as service:
        yield service


@pytest.fixture
def store(tmp_path) -> ReleaseStore:
    """A store to be changed."""
    return make_store(tmp_path / "releases")
