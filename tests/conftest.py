"""What all tests share."""

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

PROJECT = Path(__file__).resolve().parents[1]
CLOUD = "tests of a cloud"
# Where tests are given to one process together, by the beginnings of their paths.
TOGETHER = {
    # Each process would start a ZenML server of its own.
    CLOUD: ("tests/vertex/", "tests/kubernetes/"),
    # Each would import ZenML and create its store.
    "commands on ZenML": ("tests/test_zenml_run.py", "tests/test_refresh_on_zenml.py"),
}
ALL_ARE_SLOW = re.compile(r"^pytestmark = .*\bmark\.slow\b", re.MULTILINE)

# How long an example takes says more of what else the machine does than of the law it tests. CI
# tries the same examples each time: what a change broke must not depend on luck.
settings.register_profile("untimed", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("untimed")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files without a test that is asked for: to import all takes half of a minute.

    They are those that are slow as a whole with `-m "not slow"`, and not at all with `-m slow`.
    """
    wanted = config.getoption("markexpr")
    if wanted not in ("slow", "not slow") or not collection_path.match("test_*.py"):
        return None
    text = collection_path.read_text(encoding="utf-8")
    is_left_out = ALL_ARE_SLOW.search(text) if wanted == "not slow" else "mark.slow" not in text
    return True if is_left_out else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest: a whole run that is left to the end keeps one process busy.

    Tests of a cloud take longest together. Whole runs are in `tests` itself, and the fewer tests a
    file has the longer each takes. Files of browser tests are short enough to be the last.
    """
    if config.getoption("markexpr") == "slow":
        counts = Counter(item.path for item in items)
        items.sort(
            key=lambda item: (
                not _is_of_a_cloud(item.nodeid),
                item.path.parent != PROJECT / "tests",
                item.path.parent.name == "browser",
                counts[item.path],
            )
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Give the tests of `TOGETHER` to one process each."""
    if config.getoption("dist") != "loadfile":
        return None
    return _Together(config, log)


class _Together(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        found = (name for name, paths in TOGETHER.items() if nodeid.startswith(paths))
        return next(found, super()._split_scope(nodeid))


def _is_of_a_cloud(nodeid: str) -> bool:
    """Whether a test has `tests.vertex.shared`."""
    return nodeid.startswith(TOGETHER[CLOUD])


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
