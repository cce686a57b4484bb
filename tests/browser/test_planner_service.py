"""The page when the service is not ready, guarded, limited, stopped, or gets another release."""

import contextlib
import signal
from pathlib import Path

import pytest

from tests.browser.chromium import wait_for
from tests.browser.planner import (
    DRAWN,
    ROWS,
    is_ready,
    open_title,
    served_release,
    serving,
)
from tests.serving import servers, stores

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOKEN = "planners-only"


def test_a_service_without_a_release_says_so_and_recovers(chromium, tmp_path):
    root = tmp_path / "releases"
    with serving(root, BOOK_FORECAST_SERVE_POLL_SECONDS="0.2") as address:
        chromium.open(address)
        chromium.until("!document.querySelector('#alert').hidden")
        assert "There are no forecasts to show yet" in chromium.text("#alert")
        assert "champion" in chromium.text("#alert")
        stores.write(root, titles=12)
        # It asks again by itself.
        chromium.until(ROWS)
        assert chromium.run("document.querySelector('#alert').hidden")


def test_a_service_with_a_token_asks_for_it_once(chromium, releases):
    with serving(releases, BOOK_FORECAST_TOKEN=TOKEN) as address:
        chromium.open(address)
        chromium.until("document.activeElement.id === 'token'")
        chromium.type("wrong-one")
        chromium.press("Enter")
        chromium.until("document.querySelector('#token-why').innerText.includes('not take')")
        chromium.type(TOKEN)
        chromium.press("Enter")
        chromium.until(ROWS)
        open_title(chromium, "cafe", "Café Müller: Eine Liebe")
        chromium.click("#csv")
        assert chromium.downloaded(f"forecast-{stores.CAFE}-2024-06-29.csv")
        chromium.open(address)
        chromium.until(ROWS)
        assert TOKEN not in chromium.run("document.cookie + JSON.stringify(localStorage)")


def test_a_service_with_a_shorter_horizon_is_asked_for_no_more(chromium, releases):
    with serving(releases, BOOK_FORECAST_SERVE_MAX_HORIZON="20") as address:
        wait_for(lambda: is_ready(address), "the release")
        chromium.open(f"{address}?isbn={stores.CAFE}&horizon=60")
        chromium.until(DRAWN)
        assert chromium.text("#horizon-text") == "20 weeks"
        chromium.open(f"{address}?isbn={stores.ALCHEMIST}")
        chromium.until(DRAWN)
        assert "20 weeks" in chromium.text("#summary")


def test_a_page_that_is_open_while_another_release_comes_shows_all_of_it(chromium, tmp_path):
    store = stores.write(tmp_path / "releases", titles=12)
    with serving(Path(store.root), BOOK_FORECAST_SERVE_POLL_SECONDS="0.2") as address:
        wait_for(lambda: is_ready(address), "the release")
        chromium.open(f"{address}?isbn={stores.CAFE}")
        chromium.until(DRAWN)
        assert "Sales to 29 June 2024" in chromium.text("#release-line")
        servers.promote(store, stores.BEFORE)
        wait_for(lambda: served_release(address) == stores.BEFORE, "the other release")
        chromium.run("document.querySelector('#horizon').focus()")
        chromium.press("ArrowRight")
        last = "document.querySelector('#plot').data[2].x.at(-1)"
        chromium.until(f"{last} === '2024-06-22'")
        chromium.until("document.querySelector('#release-line').innerText.includes('22 June 2024')")
        chromium.click(".release summary")
        assert stores.BEFORE in chromium.text("#release")


@pytest.fixture
def stoppable(releases, tmp_path):
    """A service whose process can be stopped, and another be started in its place."""
    with servers.Server(tmp_path, "--releases", str(releases)) as server:
        yield server.ready()


def restarted(server, releases, folder):
    """The service at the same address."""
    return servers.Server(folder, "--releases", str(releases), AIP_HTTP_PORT=str(server.port))


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGSTOP], ids=["ended", "frozen"])
def test_what_is_open_stays_while_the_service_is_away_and_goes_on_when_it_is_back(
    chromium, stoppable, releases, tmp_path, stop
):
    address = f"{stoppable.url}/"
    chromium.open(f"{address}?view=changed&imprint=Imprint+3")
    chromium.until(f"{ROWS} > 3")
    chromium.click("#title-rows a")
    chromium.until(DRAWN)
    title = chromium.text("#book-title")
    stoppable.process.send_signal(stop)
    if stop == signal.SIGTERM:
        stoppable.process.wait(timeout=30)
    chromium.click("label[for=level-95]")
    chromium.until("!document.querySelector('#alert').hidden")
    assert "does not answer" in chromium.text("#alert")
    assert "What is shown stays here" in chromium.text("#alert")
    assert chromium.text("#book-title") == title
    assert chromium.run(f"!document.querySelector('#book').hidden && Boolean({DRAWN})")
    chromium.click("#back a")
    chromium.run("new Promise((done) => setTimeout(done, 300))")
    assert chromium.text("#book-title") == title
    if stop == signal.SIGTERM:
        again = restarted(stoppable, releases, tmp_path)
    else:
        stoppable.process.send_signal(signal.SIGCONT)
        again = contextlib.nullcontext()
    with again:
        # By itself, to what was asked for last.
        chromium.until(f"{ROWS} > 3 && !document.querySelector('#list').hidden")
        assert chromium.text("#list-head") == "What changed most"
        chromium.until("document.querySelector('#alert').hidden")
        assert chromium.run("document.querySelector('#filter-imprint').value") == "=Imprint 3"


def test_a_service_that_does_not_answer_is_reported_once_and_tried_again(chromium, releases):
    with serving(releases) as address:
        wait_for(lambda: is_ready(address), "the release")
        chromium.open(address)
        chromium.until(ROWS)
    chromium.click("#title-heads [data-sort=title] button")
    chromium.until("!document.querySelector('#alert').hidden")
    assert "does not answer" in chromium.text("#alert")
    assert chromium.run(ROWS) == 50
    chromium.run(
        """
        window.changes = 0;
        new MutationObserver(() => (window.changes += 1)).observe(
          document.querySelector("#alert"),
          { attributes: true, characterData: true, childList: true, subtree: true },
        );
        document.querySelector("#retry").focus();
        """
    )
    tried = len(chromium.requests)
    chromium.press("Enter")
    wait_for(lambda: len(chromium.requests) > tried + 1, "another try")
    assert chromium.run("new Promise((done) => setTimeout(() => done(window.changes), 300))") == 0
    assert chromium.focused() == "retry"
