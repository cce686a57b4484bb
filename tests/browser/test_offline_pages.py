"""Pages in a browser that cannot resolve a name: figures draw, and the index filters and sorts."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import pytest

from book_forecast.datasets import FigurePageDataset, FiguresDataset
from book_forecast.plots.index import Link, index_page, index_titles
from book_forecast.plots.pages import standalone_page
from tests.browser import chromium as browsers

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
    with browsers.started(tmp_path / "browser") as browser:
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
    (reporting / "index.html").write_text(index_page(index_titles([]), {}, [], []))
    offline.open(dataset.load()["9780000000001"])
    offline.until(f"{DRAWN} === 2")
    assert offline.run("document.title") == "The Alchemist, forecast"
    assert offline.run("document.querySelector('.main-svg').clientHeight / innerHeight") > 0.8
    offline.click("nav a")
    offline.until("document.title === 'Book forecasts: all pages'")


def test_the_index_filters_sorts_and_leads_to_a_thousand_titles(reporting, offline, caplog):
    reporting.mkdir()
    isbns = [f"978000000{number:04d}" for number in range(1000)]
    names = [f"Book {number:04d}x" for number in range(1000)]
    names[7] = EVIL
    sold = pd.DataFrame({"isbn": isbns, "week": pd.Timestamp("2024-06-29"), "volume": range(1000)})
    titles = pd.DataFrame({"isbn": isbns, "title": names})
    pages = {"forecast": {isbn: f"plots/{isbn}.html" for isbn in isbns}}
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
    (reporting / "index.html").write_text(index_page(index_titles(["1" * 13]), {}, [], []))
    offline.show_as(390, 800, phone=True)
    offline.open((reporting / "index.html").as_uri())
    assert offline.run("document.documentElement.scrollWidth <= innerWidth")
