"""The list of titles: views, filters, sorts, totals, files, and what has no forecast."""

import csv
import io
from urllib.parse import parse_qs

import openpyxl
import pytest

from tests.browser.chromium import Chromium
from tests.browser.planner import COMPARED, DRAWN, ROWS, TOLD, is_ready, serving
from tests.releases import payloads
from tests.serving import stores
from tests.serving.servers import eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LEFT_OUT = payloads.isbn(60)


def column(page: Chromium, head: str) -> list[str]:
    """The texts of a column of the list, by its head."""
    cells: list[str] = page.run(
        """((head) => {
          const heads = [...document.querySelectorAll("#title-heads th")];
          const at = heads.findIndex((h) => h.innerText.replace(/\\s+/g, " ").startsWith(head));
          return [...document.querySelectorAll("#title-rows tr")].map((r) => r.cells[at].innerText);
        })"""
        f"({head!r})"
    )
    return cells


def numbers(page: Chromium, head: str) -> list[float]:
    texts = (text.replace("\u2212", "-").replace(",", "") for text in column(page, head))
    return [float(text) for text in texts if text != "–"]


def query_of(page: Chromium) -> dict[str, list[str]]:
    return parse_qs(str(page.run("location.search.slice(1)")), keep_blank_values=True)


def choose(page: Chromium, selector: str, value: str) -> None:
    """Choose an option as a keyboard does."""
    page.run(
        f"""((control) => {{
          control.value = {value!r};
          control.dispatchEvent(new Event("change", {{ bubbles: true }}));
        }})(document.querySelector({selector!r}))"""
    )


def test_all_titles_are_listed_with_what_they_sell_and_how_old_that_is(page):
    page.until(f"{COMPARED} && {TOLD}")
    sizes = numbers(page, "Next 13 weeks")
    assert len(sizes) == 50
    assert sizes == sorted(sizes, reverse=True)
    assert page.text("#titles-line").startswith("60 titles. In the next 13 weeks they sell about")
    assert "Sales to 29 June 2024" in page.text("#release-line")
    assert "weeks ago: newer sales are missing" in page.text("#release-line")
    colour = page.run("getComputedStyle(document.querySelector('#release-line')).color")
    assert colour == "rgb(179, 38, 30)"
    assert page.run("document.querySelectorAll('#title-rows svg.spark path').length") == 100
    sparkline = "document.querySelector('#title-rows svg').ariaLabel"
    assert "sold a week in 26 weeks" in page.run(sparkline)
    page.click("#list-pager button:last-of-type")
    page.until(f"{ROWS} === 10")
    assert "51–60 of 60 titles" in page.text("#list-pager")
    assert query_of(page) == {"page": ["2"]}


def test_a_view_is_shared_by_its_address_and_back_leads_back(page, service):
    page.click("#views [data-view=changed]")
    page.until("document.querySelector('#list-head').innerText === 'What changed most'")
    changes = numbers(page, "Change")
    assert [abs(n) for n in changes] == sorted(map(abs, changes), reverse=True)
    assert min(changes) < 0 < max(changes)
    choose(page, "#filter-product_class", "=S2.0")
    page.until(f"{ROWS} === 20")
    page.click("#title-heads [data-sort=change_copies] button")
    page.until("document.querySelector('[data-sort=change_copies]').ariaSort === 'ascending'")
    assert page.run("document.activeElement.innerText") == "Change"
    shared = page.run("location.href")
    titles = column(page, "Title")
    page.click("#title-rows tr:nth-child(3) a")
    page.until(f"{DRAWN} && document.querySelector('#list').hidden")
    assert page.run("document.activeElement.id") == "book-title"
    page.click("#back a")
    page.until("!document.querySelector('#list').hidden")
    assert page.run("location.href") == shared
    assert titles[2].startswith(str(page.run("document.activeElement.innerText")))
    page.open(service)
    page.until(ROWS)
    page.open(shared)
    page.until(f"{ROWS} === 20")
    assert column(page, "Title") == titles
    assert page.run("document.querySelector('#filter-product_class').value") == "=S2.0"
    page.run("history.back()")
    page.until(f"{ROWS} === 50")


def test_filters_tell_how_many_titles_they_leave(page):
    page.until("document.querySelectorAll('#filter-imprint option').length > 5")
    options = page.run("[...document.querySelectorAll('#filter-imprint option')].map(o => o.text)")
    assert options[0] == "All"
    assert "Imprint 3 (6)" in options
    choose(page, "#filter-imprint", "=Imprint 3")
    page.until(f"{ROWS} === 6")
    page.click("#filter-author")
    page.insert("carle")
    page.press("Enter")
    page.until("document.querySelector('#filter-status').innerText.startsWith('No author')")
    page.click("#filter-reset")
    page.until(f"{ROWS} === 50")
    page.click("#filter-author")
    page.insert("carle")
    page.press("Enter")
    page.until(f"{ROWS} === 1")
    assert query_of(page) == {"author": ["Carle, Eric"]}


def test_words_with_a_typo_are_listed_and_one_match_is_opened(page):
    page.click("#search")
    page.insert("autor 3")
    page.press("Enter")
    page.until(f"{ROWS} > 3 && {ROWS} < 50 && {TOLD}")
    assert page.text("#titles-line").startswith("No title has exactly these words.")
    assert query_of(page)["q"] == ["autor 3"]
    page.click("#search")
    page.insert("alchimsit")
    page.press("Enter")
    page.until(f"document.querySelector('#book-title').innerText === 'The Alchemist' && {DRAWN}")


def test_totals_lead_to_the_titles_of_a_group_and_on_to_a_title(page):
    page.click("#views [data-view=totals]")
    rows = "document.querySelectorAll('#totals-rows tr').length"
    page.until(f"{rows} === 4")
    choose(page, "#totals-by", "imprint")
    page.until(f"{rows} === 12")
    expected = page.run(
        "[...document.querySelectorAll('#totals-rows tr')]"
        ".map(r => Number(r.cells[2].innerText.replaceAll(',', '')))"
    )
    assert sum(expected[1:]) == pytest.approx(expected[0], rel=1e-3)
    choose(page, "#totals-weeks", "4")
    page.until("document.querySelector('#totals-line').innerText.includes('27 Jul 2024')")
    assert query_of(page) == {"view": ["totals"], "by": ["imprint"], "weeks": ["4"]}
    name = page.text("#totals-rows tr:nth-child(2) a")
    page.click("#totals-rows tr:nth-child(2) a")
    page.until(f"{ROWS} && {ROWS} < 10")
    assert query_of(page)["imprint"] == [name]
    page.click("#title-rows a")
    page.until(DRAWN)
    page.run("history.go(-2)")
    page.until("!document.querySelector('#totals-page').hidden")


def test_an_address_that_cannot_be_is_told_above_the_list(chromium, service):
    chromium.open(f"{service}?view=totals&from=100&weeks=20")
    chromium.until(f"{ROWS} === 50")
    assert "20 weeks from week 100 on end with week 119" in chromium.text("#alert")
    chromium.click("#views [data-view=changed]")
    chromium.until("document.querySelector('#alert').hidden")
    assert chromium.text("#list-head") == "What changed most"
    assert query_of(chromium) == {"view": ["changed"]}


def test_a_page_beyond_the_last_one_leads_back_to_it(page):
    page.open(page.run("location.origin") + "/?page=999")
    page.until("document.querySelector('#list-pager span').innerText === 'There are 60 titles'")
    page.click("#list-pager button")
    page.until(f"{ROWS} === 10")
    assert query_of(page) == {"page": ["2"]}


def test_why_a_title_has_no_forecast_is_told(page):
    page.click("#search")
    page.insert(LEFT_OUT)
    wanted = "A short book has no forecast: 20 weeks of sales, 52 are needed"
    page.until(f"document.querySelector('#search-status').innerText === {wanted!r}")
    page.press("Enter")
    page.until("!document.querySelector('#left-out-beside').hidden")
    assert "20 weeks of sales" in page.text("#left-out-beside")
    page.open(page.run("location.origin") + f"/?isbn={LEFT_OUT}")
    page.until("!document.querySelector('#alert').hidden")
    told = f"{LEFT_OUT} has no forecast: 20 weeks of sales, 52 are needed."
    assert page.text("#alert") == told
    page.until(ROWS)
    page.errors.clear()  # of a 404, on purpose
    page.click("#views [data-view=left_out]")
    page.until("document.querySelectorAll('#left-out-rows tr').length === 1")
    assert page.text("#left-out-line") == "1 title was delivered, but has no forecast."
    page.click("#left-out-csv")
    content = page.downloaded("without-a-forecast-2024-06-29.csv").decode("utf-8-sig")
    assert content.splitlines() == [
        "ISBN,Title,Why",
        f'{LEFT_OUT},A short book,"20 weeks of sales, 52 are needed"',
    ]


def test_a_window_that_becomes_narrow_shows_the_open_view_and_whole_isbns(page):
    page.click("#views [data-view=left_out]")
    page.until("document.querySelectorAll('#left-out-rows tr').length === 1")
    page.show_as(390, 844, phone=True)
    box = "document.querySelector('#views [aria-current]').getBoundingClientRect()"
    page.until(f"{box}.left >= 0 && {box}.right <= 390")
    lines = (
        "(cell => { const range = document.createRange(); range.selectNodeContents(cell);"
        " return range.getClientRects().length; })"
    )
    assert page.run(f"{lines}(document.querySelector('#left-out-rows td'))") == 1
    assert page.run("document.documentElement.scrollWidth") <= 390


def test_words_that_no_title_without_a_forecast_has_can_be_cleared(page):
    page.open(page.run("location.origin") + "/?view=left_out&q=alchemist")
    told = "No title without a forecast matches the words alchemist."
    page.until(f"document.querySelector('#left-out-line').innerText === {told!r}")
    assert page.run("document.querySelector('#left-out-files').hidden")
    page.click("#left-out-all")
    page.until("document.querySelectorAll('#left-out-rows tr').length === 1")
    assert query_of(page) == {"view": ["left_out"]}
    assert page.focused() == "left-out-head"


def test_what_is_listed_and_everything_can_be_downloaded(page):
    page.click("#views [data-view=changed]")
    page.until("document.querySelector('#list-head').innerText === 'What changed most'")
    choose(page, "#filter-product_class", "=Y3.4")
    page.until(f"{ROWS} === 20 || {ROWS} === 19")
    shown = page.run(
        "[...document.querySelectorAll('#title-rows a[data-isbn]')].map(a => a.dataset.isbn)"
    )
    page.click("#list-csv")
    content = page.downloaded("books-2024-06-29-changed.csv").decode("utf-8-sig")
    assert [row["ISBN"] for row in csv.DictReader(io.StringIO(content))] == shown
    page.click("#all-xlsx")
    book = openpyxl.load_workbook(io.BytesIO(page.downloaded("books-2024-06-29.xlsx")))
    assert "Runs out first" in book.sheetnames
    assert book["All titles"].max_row == 61


def test_on_paper_there_are_heads_and_filters_but_no_controls(page):
    choose(page, "#filter-imprint", "=Imprint 3")
    page.until(f"{ROWS} === 6 && {TOLD}")
    page.send("Emulation.setEmulatedMedia", media="print")
    shown = "[...document.querySelectorAll('{}')].filter(e => e.checkVisibility()).length"
    assert page.run(shown.format("button:not(thead button), input, select, nav, .button")) == 0
    assert "Imprint: Imprint 3" in page.text("#list")
    assert "Next 13 weeks" in page.text("#title-heads").replace("\n", " ")
    assert page.run(shown.format("#title-rows tr")) == 6
    page.send("Emulation.setEmulatedMedia", media="")


def test_titles_and_authors_are_shown_as_text_in_their_own_direction(page):
    choose(page, "#filter-product_class", "=S2.0")
    page.until(f"{ROWS} === 20")
    link = f"document.querySelector('#title-rows a[data-isbn=\"{stores.HEBREW}\"]')"
    assert page.run(f"{link}.innerText") == 'מלחמה ושלום, "כרך א"'
    assert page.run(f"{link}.firstElementChild.tagName") == "BDI"
    page.click("#filter-reset")
    page.until(f"{ROWS} === 50")
    assert page.run("document.querySelectorAll('#title-rows b, #title-rows script').length") == 0
    titles = column(page, "Title")
    assert any(text.startswith("<b>Bold</b> & <script>alert(1)</script>") for text in titles)
    page.click("#search")
    page.insert("מלחמה")
    page.until("document.querySelectorAll('#matches li').length === 1")
    page.press("Enter")
    page.until(DRAWN)
    direction = "getComputedStyle(document.querySelector('#book-title')).direction"
    assert page.run(direction) == "rtl"


def test_stock_puts_what_runs_out_first_on_the_list(chromium, releases, tmp_path):
    path = tmp_path / "advice.parquet"
    stores.write_stock(path, {stores.CAFE: 0.9, stores.ALCHEMIST: 0.6, stores.TAGS: 0.1})
    with serving(releases, BOOK_FORECAST_SERVE_STOCK=str(path)) as address:
        eventually(lambda: is_ready(address))
        chromium.open(f"{address}?view=runs_out")
        chromium.until(f"{ROWS} === 3")
        assert column(chromium, "Chance to run out") == ["90\u00a0%", "60\u00a0%", "10\u00a0%"]
        assert column(chromium, "Runs out") == ["13 Jul 2024", "3 Aug 2024", "not soon"]
        assert column(chromium, "Order now") == ["90", "60", "10"]
        assert "It was counted on 29 June 2024." in chromium.text("#list-about")


def test_what_the_release_is_can_be_read(page):
    page.until(COMPARED)
    page.click(".release summary")
    about = page.text("#release")
    for text in (stores.NOW, "29 Jun 2024", "SARIMA: 40", "by ann", "better on the test weeks"):
        assert text in about
