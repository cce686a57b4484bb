"""Helpers of the tests of the planner's page."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.browser.chromium import Chromium
from tests.serving import servers

ROWS = "document.querySelectorAll('#title-rows tr').length"
COMPARED = "document.querySelector('#changes-line').innerText.startsWith('Changes are against')"
TOLD = "document.querySelector('#titles-line strong')"
"""What the titles of the list sell together is there."""
DRAWN = "document.querySelector('#plot .scatterlayer .trace')"


@contextmanager
def serving(releases: Path, **environment: str) -> Iterator[str]:
    """Address of a service of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.Server(Path(folder), "--releases", str(releases), **environment) as server,
    ):
        yield f"{server.url}/"


def is_ready(address: str) -> bool:
    """Return whether the service has a release."""
    return httpx.get(f"{address}readyz", trust_env=False).status_code == 200


def served_release(address: str) -> str:
    """Return the id of the release that is served."""
    return str(httpx.get(f"{address}readyz", trust_env=False).json()["release"])


def search(page: Chromium, text: str) -> None:
    """Search until titles are offered, which is once: nothing comes later and takes their place."""
    page.click("#search")
    page.insert(text)
    page.until("document.querySelector('#search').getAttribute('aria-expanded') === 'true'")


def open_title(page: Chromium, text: str, title: str) -> None:
    search(page, text)
    page.click("#matches li")
    page.until(f"document.querySelector('#book-title').innerText === {title!r} && {DRAWN}")
