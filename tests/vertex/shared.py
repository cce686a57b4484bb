"""One ZenML server for the test modules that have it with `pytest_plugins`."""

from collections.abc import Iterator

import pytest

from tests.vertex.servers import ZenmlServer, zenml_server


@pytest.fixture(scope="session")
def shared_zenml(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZenmlServer]:
    """ZenML's server, which takes many seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        with zenml_server(tmp_path_factory.mktemp("zenml")) as made:
            yield made
