"""Services and stores that many tests use."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.settings import ServiceSettings
from tests.serving import stores
from tests.serving.servers import Server, in_process, make_store

TITLES = 40


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
