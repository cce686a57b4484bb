"""The table of titles, sorted by the change of their forecasts, and the release."""

import pytest

from tests.browser.chromium import Chromium
from tests.browser.planner import COMPARED, DRAWN, ROWS
from tests.serving import stores

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def changes(page: Chromium) -> list[int]:
    """The copies of the table's third column."""
    cells = page.run(
        "[...document.querySelectorAll('#title-rows tr')].map(r => r.cells[2].innerText)"
    )
    return [round(float(c.replace("\u2212", "-").replace(",", ""))) for c in cells if c != "–"]


def test_titles_are_sorted_by_how_much_their_forecast_changed(page):
    page.until(COMPARED)
    found = changes(page)
    assert len(found) == 25
    assert [abs(n) for n in found] == sorted(map(abs, found), reverse=True)
    assert min(found) < 0 < max(found)
    page.click("#titles [data-sort=change_copies] button")
    page.until("document.querySelector('[data-sort=change_copies]').ariaSort === 'ascending'")
    found = changes(page)
    assert [abs(n) for n in found] == sorted(map(abs, found))
    page.click("#titles [data-sort=title] button")
    page.until("document.querySelector('#title-rows a').innerText.startsWith('A Brief')")
    page.click("#more")
    page.until(f"{ROWS} === 50")
    page.click("#more")
    page.until(f"{ROWS} === 60")
    assert page.run("document.querySelector('#more').hidden")
    page.click("#title-rows tr:nth-child(3) a")
    page.until(f"{DRAWN} && !document.querySelector('#book').hidden")


def test_what_the_release_is_can_be_read(page):
    page.until(COMPARED)
    about = page.text("#release")
    for text in (stores.NOW, "29 Jun 2024", "SARIMA: 40", "by ann", "better on the test weeks"):
        assert text in about
