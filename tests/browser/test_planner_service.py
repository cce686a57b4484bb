"""The page when the service is not ready, guarded, limited, stopped, or gets another release."""

from pathlib import Path

import pytest

from tests.browser.chromium import wait_for
from tests.browser.planner import (
    COMPARED,
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
        chromium.until(f"{DRAWN} && {COMPARED}")
        assert "Sales known to 29 Jun 2024" in chromium.text("#release-line")
        servers.promote(store, stores.BEFORE)
        wait_for(lambda: served_release(address) == stores.BEFORE, "the other release")
        chromium.run("document.querySelector('#horizon').focus()")
        chromium.press("ArrowRight")
        last = "document.querySelector('#plot').data[2].x.at(-1)"
        chromium.until(f"{last} === '2024-06-22'")
        chromium.until("document.querySelector('#release-line').innerText.includes('22 Jun 2024')")
        assert stores.BEFORE in chromium.text("#release")


def test_a_service_that_does_not_answer_is_reported_once_and_tried_again(chromium, releases):
    with serving(releases) as address:
        wait_for(lambda: is_ready(address), "the release")
        chromium.open(address)
        chromium.until(ROWS)
    chromium.click("#titles [data-sort=title] button")
    chromium.until("!document.querySelector('#alert').hidden")
    assert "does not answer" in chromium.text("#alert")
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
