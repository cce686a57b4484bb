"""A headless Chromium, where the machine has one."""

import shutil
import subprocess
from collections.abc import Callable

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--window-size=1500,950",
]
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
