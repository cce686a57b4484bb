"""A planner reads what is beside a forecast, tries plans, and signs a number."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium
from tests.browser.planner import DRAWN
from tests.serving import planning
from tests.serving.planning import CAFE, HUNGRY, PLAIN
from tests.serving.routes.test_details import write_stock
from tests.serving.servers import Server, eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRIED = "document.querySelector('#what-if-plot .scatterlayer .trace')"
WRITING = {"BOOK_FORECAST_SERVE_WRITE_OVERRIDES": "true"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("planning")
    planning.write(folder / "releases")
    write_stock(folder / "stock.parquet")
    arguments = ("--releases", str(folder / "releases"), "--stock", str(folder / "stock.parquet"))
    with Server(folder, *arguments, **WRITING) as service:
        service.ready()
        eventually(lambda: service.client.get(f"/books/{CAFE}/details").json()["stock"])
        yield service


@pytest.fixture
def page(chromium: Chromium, server: Server) -> Iterator[Chromium]:
    chromium.open(f"{server.url}/?isbn={CAFE}")
    chromium.until(DRAWN)
    yield chromium
    assert chromium.errors == []


def promotion(page: Chromium, first: str, weeks: int, percent: object, number: int = 1) -> None:
    """Fill in a promotion."""
    place = f"document.querySelectorAll('#promotions-tried .promotion')[{number - 1}]"
    for name, value in (("first", first), ("weeks", weeks), ("depth", percent)):
        page.run(f"{place}.querySelector('.{name}').value = {json.dumps(str(value))}")


def test_sums_stock_reasons_and_promotions_are_read_in_plain_words(page: Chromium) -> None:
    sums = page.run("[...document.querySelectorAll('#sum-rows tr')].map(r => r.innerText)")
    assert [text.split("\t")[0] for text in sums] == [
        *("4 weeks", "6 weeks until an order arrives", "13 weeks", "32 weeks as chosen"),
    ]
    assert page.text("#stock-order").startswith("Order 200 copies. Stock counted")
    assert "420 copies are in stock, and 300 copies are on order." in page.text("#stock-words")
    assert "A usual week sells about 40 copies" in page.text("#why-words")
    assert page.run("document.querySelectorAll('#why-plot .scatterlayer .trace').length") == 5
    assert page.run("document.querySelectorAll('#promotion-rows tr').length") == 3
    assert "(planned)" in page.text("#promotion-rows")
    assert "10 % too many" in page.text("#last-text")
    assert page.run("document.querySelectorAll('#last-plot .scatterlayer .trace').length") == 4
    assert "Owl & <b>Sons</b>" in page.text("#book-line")
    text = page.text("#book").lower()
    for word in ("boosting", "regression", "sarima", "wape", "mase", "ensemble"):
        assert word not in text


def test_a_plan_is_tried_and_its_file_downloaded(page: Chromium, server: Server) -> None:
    promotion(page, "2024-08-07", 2, 30)
    page.click("#add-promotion")
    promotion(page, "2024-09-14", 1, 12.5, number=2)
    page.click("#what-if-form button[type=submit]")
    page.until(TRIED)
    body = {
        "horizon": 32,
        "promotions": [
            {"first_week": "2024-08-07", "last_week": "2024-08-14", "depth": 0.3},
            {"first_week": "2024-09-14", "depth": 0.125},
        ],
    }
    answer = server.client.post(f"/books/{CAFE}/what-if", json=body).json()
    after = round(answer["changed"]["sum"]["mean"])
    before = round(answer["plain"]["sum"]["mean"])
    told = page.text("#what-if-summary")
    assert f"{after:,} copies are expected in 32 weeks instead of {before:,}: +" in told
    assert page.run("document.querySelectorAll('#what-if-rows tr').length") == 2
    page.click("#plan-download")
    content = page.downloaded(f"promotions-{CAFE}-2024-08-10.csv").decode()
    assert content.splitlines() == [
        "isbn,week,depth",
        f"{CAFE},2024-08-10,0.3",
        f"{CAFE},2024-08-17,0.3",
        f"{CAFE},2024-09-14,0.125",
    ]
    page.click("#clear-plan")
    page.until("document.querySelector('#what-if-answer').hidden")
    assert page.run("document.querySelectorAll('#promotions-tried .promotion').length") == 1


def test_a_plan_is_tried_again_for_another_horizon(page: Chromium) -> None:
    promotion(page, "2024-08-10", 1, 30)
    page.click("#what-if-form button[type=submit]")
    page.until(TRIED)
    page.run("document.querySelector('#horizon').focus()")
    page.press("Home")
    page.until("document.querySelector('#what-if-summary').innerText.includes('in 1 week ')")


def test_what_is_missing_or_out_of_bounds_is_said(page: Chromium) -> None:
    page.click("#what-if-form button[type=submit]")
    page.until("!document.querySelector('#what-if-problem').hidden")
    assert "The plan is empty" in page.text("#what-if-problem")
    promotion(page, "2024-08-10", 1, "")
    page.run("document.querySelector('#promotions-tried .depth').value = ''")
    page.click("#what-if-form button[type=submit]")
    page.until("document.querySelector('#what-if-problem').innerText.includes('the discount')")


def test_a_title_that_does_not_react_or_has_no_tables_says_so(
    page: Chromium, server: Server
) -> None:
    page.open(f"{server.url}/?isbn={HUNGRY}")
    page.until(DRAWN)
    assert "does not react to promotions" in page.text("#what-if-text")
    assert page.run("document.querySelectorAll('#promotions-tried .promotion').length") == 0
    page.open(f"{server.url}/?isbn={PLAIN}")
    page.until(DRAWN)
    assert "kedro run --pipeline decide" in page.text("#stock-words")
    assert "kedro run --pipeline forecast" in page.text("#why-words")
    assert page.run("document.querySelector('#why-figure').hidden")


def test_a_number_is_signed_by_keyboard_and_shown_beside_the_forecast(page: Chromium) -> None:
    before = page.text("#summary")
    page.run("document.querySelector('#override-first').value = '2024-08-10'")
    page.run("document.querySelector('#override-copies').focus()")
    page.insert("77")
    page.run("document.querySelector('#override-who').focus()")
    page.insert("Ann <i>")
    page.press("Tab")
    page.insert("A prize & more")
    page.press("Enter")
    page.until("document.querySelectorAll('#overrides li').length >= 1")
    assert "77 copies in the week to 10 Aug 2024" in page.text("#overrides")
    assert "Signed by Ann <i> on" in page.text("#overrides")
    assert page.text("#signed").startswith("Ann <i> expects 77 copies in the week to 10 Aug 2024")
    assert page.text("#summary") == before
    assert page.text("#override-done") == "Signed."


def test_a_plan_that_was_tried_is_signed(page: Chromium, server: Server) -> None:
    promotion(page, "2024-08-10", 1, 30)
    page.click("#what-if-form button[type=submit]")
    page.until(TRIED)
    page.click("#sign-plan")
    assert page.focused() == "override-who"
    assert "The plan that was tried: " in page.text("#override-plan")
    page.insert("Bob")
    page.press("Tab")
    page.insert("The promotion is agreed")
    page.press("Enter")
    page.until("document.querySelector('#overrides').innerText.includes('Signed by Bob')")
    made = server.client.get(f"/books/{CAFE}/overrides").json()["overrides"][0]
    body = {"horizon": 32, "promotions": [{"first_week": "2024-08-10", "depth": 0.3}]}
    tried = server.client.post(f"/books/{CAFE}/what-if", json=body).json()
    assert made["copies"] == tried["changed"]["mean"]
    assert page.run("document.querySelector('#override-plan').hidden")


def test_a_number_is_withdrawn_by_keyboard(page: Chromium, server: Server) -> None:
    signed = {"who": "Cid", "why": "A prize", "first_week": "2024-08-10", "copies": [66]}
    number = server.client.post(f"/books/{CAFE}/overrides", json=signed).json()["number"]
    page.open(f"{server.url}/?isbn={CAFE}")
    page.until(DRAWN)
    page.run("document.querySelector('#overrides summary').focus()")
    page.press("Enter")
    page.press("Tab")
    page.insert("Dot")
    page.press("Tab")
    page.insert("No")
    page.press("Enter")
    assert page.run("document.querySelector('#overrides .why').validity.tooShort")
    page.insert(" prize")
    page.press("Enter")
    page.until("document.querySelector('#override-withdrawn').innerText === 'Withdrawn.'")
    page.until("!document.querySelector('#overrides').innerText.includes('Cid')")
    assert page.focused() == "overrides-head"
    found = server.client.get(f"/books/{CAFE}/overrides").json()["overrides"]
    assert number not in [one["number"] for one in found]


def test_nothing_is_wider_than_a_phone(page: Chromium, server: Server) -> None:
    page.show_as(390, 844, phone=True)
    page.open(f"{server.url}/?isbn={CAFE}")
    page.until(DRAWN)
    assert page.run(
        "[...document.querySelectorAll('#sum-rows td:nth-child(2)')].every(cell => {"
        " const range = document.createRange(); range.selectNodeContents(cell);"
        " return range.getClientRects().length === 1; })"
    )
    promotion(page, "2024-08-10", 1, 30)
    page.click("#what-if-form button[type=submit]")
    page.until(TRIED)
    assert page.run("document.documentElement.scrollWidth") <= 390


def test_forms_are_not_printed_and_answers_are(page: Chromium, tmp_path: Path) -> None:
    promotion(page, "2024-08-10", 1, 30)
    page.click("#what-if-form button[type=submit]")
    page.until(TRIED)
    page.send("Emulation.setEmulatedMedia", media="print")
    visible = "getComputedStyle(document.querySelector('{}')).display !== 'none'"
    assert page.run(visible.format("#what-if-answer"))
    assert page.run(visible.format("#stock-words"))
    for hidden in ("#what-if-form", "#override-form", "#plan-file"):
        assert not page.run(visible.format(hidden))


def test_a_title_is_printed_in_full_size_and_its_plots_fit(page: Chromium) -> None:
    width = "document.querySelector('#plot .main-svg').getAttribute('width')"
    on_screen = page.run(width)
    page.run(
        "window.widths = []; new MutationObserver(changes => { for (const { target } of changes)"
        " if (target.matches('.main-svg')) widths.push(Number(target.getAttribute('width'))); })"
        ".observe(document.querySelector('#plot'), { subtree: true, attributeFilter: ['width'] })"
    )
    page.send("Page.printToPDF", preferCSSPageSize=True)
    page.until(f"widths.length && {width} === {on_screen!r}")
    # A4 without its margins has 703 pixels; a page that is too wide would be printed smaller.
    assert page.run("Math.min(...widths)") == pytest.approx(703, abs=2)


def test_all_fields_have_names(page: Chromium) -> None:
    nameless = page.run(
        "[...document.querySelectorAll('#book input, #book button, #book [role=img]')].filter(e =>"
        " !(e.labels?.length || e.textContent || e.ariaLabel || e.getAttribute('aria-labelledby')))"
        ".map(e => e.outerHTML)"
    )
    assert nameless == []
