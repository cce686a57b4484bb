"""Services that many tests ask."""

from collections.abc import Iterator

import pytest

from book_forecast.releases.store import ReleaseStore
from tests.serving.servers import Server, make_store


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


@pytest.fixture
def store(tmp_path) -> ReleaseStore:
    """A store to be changed."""
    return make_store(tmp_path / "releases")
