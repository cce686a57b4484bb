"""Pages in a browser that cannot resolve a name: figures draw, and the index filters and sorts."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

from book_forecast.datasets import FigurePageDataset, FiguresDataset
from book_forecast.pipelines.decide.report import report_stock
from book_forecast.plots.index import index_page, index_titles
from book_forecast.plots.listing import MOST_SHOWN, Link, TitlePages
from book_forecast.plots.pages import links_script, standalone_page
from tests.browser import chromium as browsers
from tests.pipelines.decide.frames import rejected_stock, stock_advice

pytestmark = pytest.mark.browser

EVIL = "</script><script>window.evil = 1</script>"
DRAWN = "document.querySelectorAll('.js-plotly-plot .trace').length"


def figure(title: str, traces: int) -> go.Figure:
    scatters = [go.Scatter(y=[1, 2], name=EVIL) for _ in range(traces)]
    return go.Figure(scatters, {"title": {"text": f"{title}<br>a note"}})


@pytest.fixture
def offline(tmp_path, monkeypatch) -> Iterator[browsers.Chromium]:
    flags = [*browsers.FLAGS, "--host-resolver-rules=MAP * ~NOTFOUND"]
    monkeypatch.setattr(browsers, "FLAGS", flags)
    with browsers.started(tmp_path / "browser") as browser, browser.page(tmp_path):
        yield browser
        assert browser.errors == []
        assert [url for url in browser.requests if not url.startswith(("file:", "data:"))] == []
        assert not browser.run("window.evil === 1")


@pytest.fixture
def reporting(tmp_path) -> Path:
    (tmp_path / "browser").mkdir()
    return tmp_path / "08_reporting"


def test_the_page_of_a_single_figure_draws_from_one_file(reporting, offline):
    dataset = FigurePageDataset(filepath=str(reporting / "overview.json"), index="index.html")
    dataset.save(figure("All &amp; sundry", 2))
    offline.open((reporting / "overview.html").as_uri())
    offline.until(f"{DRAWN} === 2")
    assert offline.run("document.title") == "All & sundry"
    assert offline.run("document.documentElement.lang") == "en"
    assert offline.run("document.querySelector('nav a').getAttribute('href')") == "index.html"


def test_a_page_of_several_figures_shows_the_one_that_is_chosen(reporting, offline):
    reporting.mkdir()
    page = standalone_page({"1": figure("One", 1), "2": figure(EVIL, 3)}, "Title plots")
    (reporting / "titles.html").write_text(page)
    offline.open((reporting / "titles.html").as_uri())
    offline.until(f"{DRAWN} === 1")
    assert offline.run("document.title") == "Title plots"
    offline.run("document.getElementById('choice').focus()")
    offline.press("ArrowDown")
    offline.until(f"{DRAWN} === 3")


def test_a_titles_page_draws_fills_the_window_and_leads_back(reporting, offline):
    dataset = FiguresDataset(
        filepath=str(reporting / "plots"), label="forecast", index="../index.html"
    )
    dataset.save({"9780000000001": figure("The Alchemist", 2)})
    (reporting / "index.html").write_text(index_page(index_titles([]), [], [], []))
    offline.open(dataset.load()["9780000000001"])
    offline.until(f"{DRAWN} === 2")
    assert offline.run("document.title") == "The Alchemist, forecast"
    assert offline.run("document.querySelector('.main-svg').clientHeight / innerHeight") > 0.8
    offline.click("nav a")
    offline.until("document.title === 'Book forecasts: all pages'")


def test_pages_of_a_title_lead_to_each_other_and_to_the_next_title(reporting, offline):
    first, second = "9780000000001", "9780000000002"
    plots, tuning = (
        FiguresDataset(filepath=str(reporting / name), index="../index.html")
        for name in ("title plots", "tuning")
    )
    plots.save({first: figure("One", 1), second: figure(EVIL, 1)})
    tuning.save({second: figure("Search", 1)})
    kinds = [
        TitlePages("forecast", "title plots/*.html", [second, first]),
        TitlePages("stock", "stock.html#*", [second]),
        TitlePages("tuning", "tuning/*.html", [second]),
    ]
    for dataset in (plots, tuning):
        dataset.relate(links_script(kinds, {second: EVIL}))
    offline.open((reporting / "title plots" / f"{second}.html").as_uri())
    offline.until(f"{DRAWN} === 1")
    links = "[...document.querySelectorAll('nav a')].map((a) => [a.textContent, a.href])"
    there = [f"stock.html#{second}", f"tuning/{second}.html", f"title%20plots/{first}.html"]
    assert offline.run(links)[1:] == [
        [text, f"{reporting.as_uri()}/{address}"]
        for text, address in zip(["stock", "tuning", "next title →"], there, strict=True)
    ]
    assert offline.text("nav strong") == "forecast"
    offline.click("nav a:nth-of-type(3)")
    offline.until("document.querySelector('nav strong')?.textContent === 'tuning'")
    offline.click("nav a:nth-of-type(2)")
    offline.until("location.href.includes('title%20plots')")


def test_a_title_without_an_index_yet_has_a_page_without_errors(reporting, offline):
    FiguresDataset(filepath=str(reporting / "plots"), index="../index.html").save(
        {"9780000000001": figure("One", 1)}
    )
    offline.open((reporting / "plots/9780000000001.html").as_uri())
    offline.until(f"{DRAWN} === 1")


def test_advice_on_stock_is_text_fits_a_phone_and_leads_to_titles(reporting, offline):
    reporting.mkdir()
    isbns = [f"97800000000{n:02}" for n in range(3)]
    names = pd.DataFrame({"isbn": isbns, "title": [EVIL, "كتاب (1) الأيام", '"Quoted" & more']})
    pages = {isbns[0]: f"file:///elsewhere/title%20plots/{isbns[0]}.html"}
    html = report_stock(stock_advice(*isbns), rejected_stock(EVIL), names, pages)
    (reporting / "stock.html").write_text(html, encoding="utf-8")
    offline.show_as(390, 800, phone=True)
    offline.open(f"{(reporting / 'stock.html').as_uri()}#{isbns[2]}")
    assert offline.run("document.documentElement.scrollWidth <= innerWidth")
    titles = "[...document.querySelectorAll('table:first-of-type td:first-child')]"
    assert offline.run(f"{titles}.map((cell) => cell.textContent)")[:3] == [*names["title"]]
    assert offline.run("document.querySelector('tr.target td').textContent") == names["title"][2]
    assert offline.run("document.querySelector('td a').href") == (
        f"{reporting.as_uri()}/title%20plots/{isbns[0]}.html"
    )
    assert offline.run("document.querySelectorAll('td bdi').length") == 1
    assert EVIL in offline.text("main table:last-of-type")


def test_the_row_of_a_link_is_shown_among_thousands(reporting, offline):
    reporting.mkdir()
    isbns = [f"97800000{number:05}" for number in range(MOST_SHOWN + 100)]
    advice = pd.concat([stock_advice(isbn) for isbn in isbns], ignore_index=True)
    html = report_stock(advice, rejected_stock(), None)
    (reporting / "stock.html").write_text(html)
    offline.open(f"{(reporting / 'stock.html').as_uri()}#{isbns[-1]}")
    box = f"document.getElementById('{isbns[-1]}').getBoundingClientRect()"
    assert offline.run(f"{box}.height > 0 && {box}.top >= 0 && {box}.bottom <= innerHeight")
    assert offline.run("document.querySelectorAll('tbody tr:not([hidden])').length") == (
        MOST_SHOWN + 1
    )


def test_the_index_filters_sorts_and_leads_to_a_thousand_titles(reporting, offline, caplog):
    reporting.mkdir()
    isbns = [f"978000000{number:04d}" for number in range(1000)]
    names = [f"Book {number:04d}x" for number in range(1000)]
    names[7] = EVIL
    sold = pd.DataFrame({"isbn": isbns, "week": pd.Timestamp("2024-06-29"), "volume": range(1000)})
    titles = pd.DataFrame({"isbn": isbns, "title": names})
    pages = [TitlePages("forecast", "plots/*.html", isbns)]
    FiguresDataset(filepath=str(reporting / "plots")).save({isbns[42]: figure("The 42nd", 1)})
    caplog.set_level(logging.ERROR)
    table = index_titles(isbns, titles, sold)
    html = index_page(table, pages, [Link("Overview", "overview.html")], [])
    (reporting / "index.html").write_text(html)
    offline.open((reporting / "index.html").as_uri())
    first = "document.querySelector('tbody tr:not([hidden]) td').textContent"
    shown = "document.querySelectorAll('tbody tr:not([hidden])').length"
    assert offline.run(first) == "Book 0999x"
    assert offline.text("#counted") == "1000 of 1000"
    assert offline.run(shown) == MOST_SHOWN
    assert offline.text("#more") == "Show all 1000"
    offline.click("#more")
    assert offline.run(shown) == 1000
    assert offline.run("document.getElementById('more').hidden")
    offline.click("th:nth-child(3) button")
    assert offline.run(first) == "Book 0000x"
    offline.click("th button")
    assert offline.run(first) == EVIL
    offline.click("#filter")
    offline.insert("0042X book")
    assert offline.run(shown) == 1
    offline.click("tbody tr:not([hidden]) a")
    offline.until(f"{DRAWN} === 1")
    assert offline.run("document.title") == "The 42nd"


def test_the_index_can_be_read_on_a_phone(reporting, offline):
    reporting.mkdir()
    (reporting / "index.html").write_text(index_page(index_titles(["1" * 13]), [], [], []))
    offline.show_as(390, 800, phone=True)
    offline.open((reporting / "index.html").as_uri())
    assert offline.run("document.documentElement.scrollWidth <= innerWidth")
