"""A planner finds a title and reads its forecast."""

import csv
import io
import re

import openpyxl
import pytest

from tests.browser.chromium import wait_for
from tests.browser.planner import DRAWN, open_title
from tests.serving import stores

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_title_is_found_by_a_word_without_its_accents_and_drawn(page):
    open_title(page, "cafe orsted", "Café Müller: Eine Liebe")
    assert stores.CAFE in page.text("#book-line")
    assert re.search(
        r"copies are expected in 32 weeks, to .+, and between [\d,]+ and [\d,]+ with",
        page.text("#summary"),
    )
    # Two bounds, sales and forecast; the weeks not reported, and the end of what is known.
    assert page.run("document.querySelectorAll('#plot .scatterlayer .trace').length") == 4
    assert page.run("document.querySelectorAll('#plot .shapelayer path').length") == 2
    assert "Sales known to 29 Jun 2024" in page.text("#plot")
    assert "than what sold in the same weeks a year before" in page.text("#scores-text")
    assert page.run("document.querySelectorAll('#score-rows tr').length") == 2
    assert page.run("document.activeElement.id") == "book-title"


def test_the_mouse_shows_the_numbers_of_a_week(page):
    open_title(page, "cafe", "Café Müller: Eine Liebe")
    box = "document.querySelector('#plot').getBoundingClientRect()"
    x, y = page.run(f"(b => [b.right - 100, b.top + 200])({box})")

    def is_shown():
        # A plot that was only just drawn does not listen yet.
        for dx in (0, 1):
            page.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + dx, y=y)
        return page.run("Boolean(document.querySelector('#plot .hoverlayer text'))")

    wait_for(is_shown, "the numbers of a week")
    hover = page.run("document.querySelector('#plot .hoverlayer').textContent")
    assert "Week to" in hover
    assert "expected" in hover


def test_what_looks_like_html_or_a_formula_is_a_title(page):
    open_title(page, "bold", "<b>Bold</b> & <script>alert(1)</script>")
    open_title(page, "hyperlink", '=HYPERLINK("http://evil.example")')
    page.click("#csv")
    content = page.downloaded(f"forecast-{stores.FORMULA}-2024-06-29.csv").decode("utf-8-sig")
    assert {row["title"][:2] for row in csv.DictReader(io.StringIO(content))} == {"'="}


def test_horizon_and_level_change_the_plot_the_words_and_the_address(page):
    open_title(page, "cafe", "Café Müller: Eine Liebe")
    last = "document.querySelector('#plot').data[3].x.at(-1)"
    width = (
        "(([low, high]) => high.y[0] - low.y[0])(document.querySelector('#plot').data.slice(0, 2))"
    )
    assert page.run(last) == "2025-02-08"
    narrow = page.run(width)
    page.click("label[for=level-95]")
    page.until(f"{width} > {narrow}")
    assert "95\u00a0%" in page.text("#summary")
    page.run("document.querySelector('#horizon').focus()")
    page.press("ArrowLeft", 2)
    page.until(f"{last} === '2025-01-25'")
    assert page.text("#horizon-text") == "30 weeks"
    page.click("label[for=span-all]")
    page.until("document.querySelector('#plot').layout.xaxis.range[0] === '2018-10-06'")
    assert page.run("location.search") == f"?isbn={stores.CAFE}&horizon=30&level=95&span=all"


def test_a_slider_is_dragged_to_its_end(page):
    open_title(page, "cafe", "Café Müller: Eine Liebe")
    page.click("#horizon")
    page.press("End")
    page.until("document.querySelector('#plot').data[3].x.length === 104")
    page.press("Home")
    page.until("document.querySelector('#plot').data[3].x.length === 1")
    assert "in the week to 6 Jul 2024, and between" in page.text("#summary")


def test_the_interval_of_a_single_week_is_drawn_too(page, service):
    page.open(f"{service}?isbn={stores.CAFE}&horizon=1&span=1")
    page.until(DRAWN)
    lower, upper = page.run("document.querySelector('#plot').data.slice(0, 2).map(t => t.y[0])")
    # From the lower end to the upper one, in pixels of an axis that is drawn from 0.
    height = page.run(
        "document.querySelector('#plot .yerror').getBoundingClientRect().height"
        " / document.querySelector('#plot')._fullLayout.yaxis._m"
    )
    assert abs(height) == pytest.approx(upper - lower, rel=0.02)
    # The weeks that were not reported lie further back than what is shown.
    assert "Not reported" not in page.text("#plot-key")


def test_an_address_that_was_shared_shows_the_same_and_back_leads_back(page, service):
    page.open(f"{service}?isbn={stores.CAFE}&horizon=8&level=50&span=1")
    page.until(DRAWN)
    assert page.text("#horizon-text") == "8 weeks"
    assert page.run("document.querySelector('#level-50').checked")
    assert page.run("document.querySelector('#plot').data[3].x.length") == 8
    open_title(page, "alchemist", "The Alchemist")
    assert page.run("document.title") == "The Alchemist – Book forecasts"
    page.run("history.back()")
    page.until("document.querySelector('#book-title').innerText.startsWith('Café')")
    page.click("#home")
    page.until("document.querySelector('#book').hidden")
    assert "isbn" not in page.run("location.search")


def test_what_is_downloaded_is_what_is_shown(page):
    open_title(page, "cafe", "Café Müller: Eine Liebe")
    page.click("label[for=level-90]")
    page.until("document.querySelector('#csv').href.includes('level=90')")
    shown = page.run("document.querySelector('#plot').data[3].y")
    page.click("#csv")
    content = page.downloaded(f"forecast-{stores.CAFE}-2024-06-29.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [float(row["mean"]) for row in rows] == shown
    assert {row["title"] for row in rows} == {"Café Müller: Eine Liebe"}
    assert rows[0].keys() >= {"lo-90", "hi-90"}
    page.click("#xlsx")
    book = openpyxl.load_workbook(
        io.BytesIO(page.downloaded(f"forecast-{stores.CAFE}-2024-06-29.xlsx"))
    )
    assert [row[5] for row in book["Forecast"].iter_rows(min_row=2, values_only=True)] == shown


def test_the_numbers_are_a_table_too(page):
    open_title(page, "cafe", "Café Müller: Eine Liebe")
    page.click("#numbers summary")
    page.until("document.querySelectorAll('#forecast-rows tr').length === 32")
    assert page.run("document.querySelector('#forecast-rows th').innerText") == "6 Jul 2024"
    assert page.run("document.querySelector('#forecast-rows tr').offsetHeight") < 60
    assert "not reported" in page.text("#history-rows")
    page.click("label[for=level-99]")
    page.run("document.querySelector('#horizon').focus()")
    page.press("ArrowRight")
    page.until("document.querySelectorAll('#forecast-rows tr').length === 33")


def test_an_unknown_title_is_reported_in_words(chromium, service):
    chromium.open(f"{service}?isbn=9780722532935")
    chromium.until("!document.querySelector('#alert').hidden")
    assert "9780722532935 has no forecast." in chromium.text("#alert")
    open_title(chromium, "cafe", "Café Müller: Eine Liebe")
    assert chromium.run("document.querySelector('#alert').hidden")


def test_without_plotly_the_numbers_are_shown_as_a_table(chromium, service):
    chromium.send("Network.setBlockedURLs", urls=["*plotly*"])
    chromium.open(f"{service}?isbn={stores.CAFE}")
    chromium.until("document.querySelectorAll('#forecast-rows tr').length === 32")
    assert "The plot cannot be drawn" in chromium.text("#plot-missing")
