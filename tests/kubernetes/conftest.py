"""ZenML's server, which all tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.vertex.servers import ZenmlServer, zenml_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZenmlServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        with zenml_server(tmp_path_factory.mktemp("zenml")) as made:
            yield made
