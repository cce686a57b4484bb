"""A headless Chromium, where the machine has one, and the planner's page in it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import FLAGS, NAMES, Chromium, started, wait_for
from tests.browser.planner import ROWS, is_ready, serving
from tests.serving import stores

# Of the page's own clock: scripts have so long to draw what they draw.
BUDGET_MS = 10_000


@pytest.fixture(scope="session")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """A function that opens an address and gives the page as scripts have left it."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    if not found:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")

    def open_page(address: str) -> str:
        profile = tmp_path_factory.mktemp("profile")
        command = [found[0], *FLAGS, f"--user-data-dir={profile}"]
        command += [f"--virtual-time-budget={BUDGET_MS}", "--dump-dom", address]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=profile)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return open_page


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("releases")
    stores.write(root)
    return root


@pytest.fixture(scope="session")
def service(releases: Path) -> Iterator[str]:
    with serving(releases) as address:
        wait_for(lambda: is_ready(address), "the release")
        yield address


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with started(tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.fixture
def chromium(browser: Chromium, tmp_path: Path) -> Iterator[Chromium]:
    """The browser with a new page, which knows nothing of those before."""
    with browser.page(tmp_path):
        yield browser


@pytest.fixture
def page(chromium: Chromium, service: str) -> Iterator[Chromium]:
    """The page before a title is chosen; it must log no error and use the service alone."""
    chromium.open(service)
    chromium.until(ROWS)
    yield chromium
    assert chromium.errors == []
    within = (service, "data:", "blob:")
    assert [url for url in chromium.requests if not url.startswith(within)] == []
