"""A planner finds a title and reads its forecast: real clicks and keys in a headless Chromium."""

import csv
import io
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openpyxl
import pytest

from tests.browser.chromium import Chromium, started, wait_for
from tests.serving import servers, stores

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TOKEN = "planners-only"
ROWS = "document.querySelectorAll('#title-rows tr').length"
COMPARED = "document.querySelector('#titles-line').innerText.startsWith('Changes against')"
DRAWN = "document.querySelector('#plot .scatterlayer .trace')"
# Contrast of all texts with what is behind them, after WCAG 2; gives those that have too little.
FAINT = """
(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => c.slice(0, 3)
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest("svg") || !e.checkVisibility({ opacityProperty: true })) continue;
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(e.innerText);
  }
  return faint;
})()
"""


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("releases")
    stores.write(root)
    return root


@pytest.fixture(scope="module")
def service(releases: Path) -> Iterator[str]:
    with serving(releases) as address:
        wait_for(lambda: _status(f"{address}readyz") == 200, "the release")
        yield address


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chromium]:
    with started(tmp_path) as browser:
        yield browser


@pytest.fixture
def page(chromium: Chromium, service: str) -> Iterator[Chromium]:
    """The page before a title is chosen; it must not complain, nor ask anybody but the service."""
    chromium.open(service)
    chromium.until(ROWS)
    yield chromium
    assert chromium.errors == []
    within = (service, "data:", "blob:")
    assert [url for url in chromium.requests if not url.startswith(within)] == []


@contextmanager
def serving(releases: Path, **environment: str) -> Iterator[str]:
    """Address of a service of its own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.Server(Path(folder), "--releases", str(releases), **environment) as server,
    ):
        yield f"{server.url}/"


def _status(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _body(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as answer:
        return str(answer.read().decode())


def search(page: Chromium, text: str) -> None:
    """Search until titles are offered, which is once: nothing comes later and takes their place."""
    page.click("#search")
    page.insert(text)
    page.until("document.querySelector('#search').getAttribute('aria-expanded') === 'true'")


def open_title(page: Chromium, text: str, title: str) -> None:
    search(page, text)
    page.click("#matches li")
    page.until(f"document.querySelector('#book-title').innerText === {title!r} && {DRAWN}")


def changes(page: Chromium) -> list[int]:
    """The copies of the table's third column."""
    cells = page.run(
        "[...document.querySelectorAll('#title-rows tr')].map(r => r.cells[2].innerText)"
    )
    return [round(float(c.replace("\u2212", "-").replace(",", ""))) for c in cells if c != "–"]


def test_a_title_is_found_by_a_word_without_its_accents_and_drawn(page):
    open_title(page, "cafe orsted", "Café Müller: Eine Liebe")
    assert stores.CAFE in page.text("#book-line")
    assert "32 weeks" in page.text("#summary")
    # Two bounds, sales and forecast; the weeks not reported, and the end of what is known.
    assert page.run("document.querySelectorAll('#plot .scatterlayer .trace').length") == 4
    assert page.run("document.querySelectorAll('#plot .shapelayer path').length") == 2
    assert "Sales known to 29 Jun 2024" in page.text("#plot")
    assert "than what sold in the same weeks a year before" in page.text("#scores-text")
    assert page.run("document.querySelectorAll('#score-rows tr').length") == 2
    assert page.run("document.activeElement.id") == "book-title"


def test_what_the_mouse_points_at_is_told(page):
    open_title(page, "cafe", "Café Müller: Eine Liebe")
    box = "document.querySelector('#plot').getBoundingClientRect()"
    x, y = page.run(f"(b => [b.right - 100, b.top + 200])({box})")

    def is_told():
        # A plot that was only just drawn does not listen yet.
        for dx in (0, 1):
            page.send("Input.dispatchMouseEvent", type="mouseMoved", x=x + dx, y=y)
        return page.run("Boolean(document.querySelector('#plot .hoverlayer text'))")

    wait_for(is_told, "what the mouse points at")
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


def test_everything_can_be_done_without_a_mouse(page):
    page.press("Tab")
    assert page.focused() == "a:Skip to the forecasts"
    page.press("Tab", 2)
    assert page.focused() == "search"
    page.insert("book of 2")
    page.until("document.querySelectorAll('#matches li').length > 2")
    page.press("ArrowDown", 2)
    active = page.run("document.querySelector('#search').getAttribute('aria-activedescendant')")
    assert page.run(f"document.getElementById({active!r}).ariaSelected") == "true"
    wanted = page.text(f"#{active} .match-title")
    page.press("Enter")
    page.until(f"document.querySelector('#book-title').innerText === {wanted!r} && {DRAWN}")
    stops = []
    for _ in range(7):
        page.press("Tab")
        stops.append(page.focused())
        assert page.run(
            "(e => getComputedStyle(e.type === 'radio' ? e.nextElementSibling : e).outlineStyle)"
            "(document.activeElement)"
        ) not in ("none", "")
    assert stops[:5] == ["horizon", "level-80", "span-3", "csv", "xlsx"]
    assert stops[5] == "summary:The numbers as a table"
    page.press("Tab", shift=True)
    page.press("Tab", 6, shift=True)
    assert page.focused() == "search"


def test_escape_closes_the_titles_that_are_offered(page):
    search(page, "book")
    page.press("Escape")
    assert page.run("document.querySelector('#matches').hidden")
    page.type("qqq")
    page.until("document.querySelector('#search-status').innerText.startsWith('No title')")


def test_every_control_and_picture_has_a_name(page):
    open_title(page, "cafe", "Café Müller: Eine Liebe")
    page.send("Accessibility.enable")
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    told = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and "role" in node
    ]
    needy = {"button", "link", "slider", "radio", "combobox", "image", "img", "table", "heading"}
    assert [role for role, name in told if role in needy and not name] == []
    assert {role for role, _ in told} >= {"main", "search", "slider", "radio", "combobox", "table"}
    assert ("slider", "Horizon") in told
    # The plot's own parts are not read out.
    assert not any("Jul 2023" in name for _, name in told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_it_is_readable_by_day_and_night_on_a_desk_and_a_phone(page, service, scheme, phone):
    size = {"width": 360, "height": 740} if phone else {}
    page.show_as(**size, phone=phone, prefers_color_scheme=scheme)
    page.open(f"{service}?isbn={stores.CAFE}")
    page.until(f"{DRAWN} && {COMPARED}")
    page.click("#numbers summary")
    page.until("document.querySelectorAll('#forecast-rows tr').length")
    assert page.run("document.documentElement.scrollWidth") == (360 if phone else 1280)
    assert page.run(FAINT) == []
    paper = page.run("document.querySelector('#plot').layout.paper_bgcolor")
    assert paper == {"light": "#fbfaf7", "dark": "#15181c"}[scheme]


def test_the_plot_follows_when_night_falls(page):
    open_title(page, "cafe", "Café Müller: Eine Liebe")
    page.show_as(prefers_color_scheme="dark")
    page.until("document.querySelector('#plot').layout.paper_bgcolor === '#15181c'")


def test_a_title_that_is_in_no_release_is_said_in_words(chromium, service):
    chromium.open(f"{service}?isbn=9780722532935")
    chromium.until("!document.querySelector('#alert').hidden")
    assert "9780722532935 is not in release" in chromium.text("#alert")
    open_title(chromium, "cafe", "Café Müller: Eine Liebe")
    assert chromium.run("document.querySelector('#alert').hidden")


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
        wait_for(lambda: _status(f"{address}readyz") == 200, "the release")
        chromium.open(f"{address}?isbn={stores.CAFE}&horizon=60")
        chromium.until(DRAWN)
        assert chromium.text("#horizon-text") == "20 weeks"
        chromium.open(f"{address}?isbn={stores.ALCHEMIST}")
        chromium.until(DRAWN)
        assert "20 weeks" in chromium.text("#summary")


def test_a_page_that_is_open_while_another_release_comes_shows_all_of_it(chromium, tmp_path):
    store = stores.write(tmp_path / "releases", titles=12)
    with serving(Path(store.root), BOOK_FORECAST_SERVE_POLL_SECONDS="0.2") as address:
        wait_for(lambda: _status(f"{address}readyz") == 200, "the release")
        chromium.open(f"{address}?isbn={stores.CAFE}")
        chromium.until(f"{DRAWN} && {COMPARED}")
        assert "Sales known to 29 Jun 2024" in chromium.text("#release-line")
        servers.promote(store, stores.BEFORE)
        wait_for(lambda: stores.BEFORE in _body(f"{address}readyz"), "the other release")
        chromium.run("document.querySelector('#horizon').focus()")
        chromium.press("ArrowRight")
        last = "document.querySelector('#plot').data[2].x.at(-1)"
        chromium.until(f"{last} === '2024-06-22'")
        chromium.until("document.querySelector('#release-line').innerText.includes('22 Jun 2024')")
        assert stores.BEFORE in chromium.text("#release")


def test_a_service_that_does_not_answer_is_told_once_and_tried_again(chromium, releases):
    with serving(releases) as address:
        wait_for(lambda: _status(f"{address}readyz") == 200, "the release")
        chromium.open(address)
        chromium.until(ROWS)
    chromium.click("#titles [data-sort=title] button")
    chromium.until("!document.querySelector('#alert').hidden")
    assert "does not answer" in chromium.text("#alert")
    chromium.run(
        """
        window.said = 0;
        new MutationObserver(() => (window.said += 1)).observe(
          document.querySelector("#alert"),
          { attributes: true, characterData: true, childList: true, subtree: true },
        );
        document.querySelector("#retry").focus();
        """
    )
    tried = len(chromium.requests)
    chromium.press("Enter")
    wait_for(lambda: len(chromium.requests) > tried + 1, "another try")
    assert chromium.run("new Promise((told) => setTimeout(() => told(window.said), 300))") == 0
    assert chromium.focused() == "retry"


def test_without_plotly_the_numbers_are_shown_as_a_table(chromium, service):
    chromium.send("Network.setBlockedURLs", urls=["*plotly*"])
    chromium.open(f"{service}?isbn={stores.CAFE}")
    chromium.until("document.querySelectorAll('#forecast-rows tr').length === 32")
    assert "The plot cannot be drawn" in chromium.text("#plot-missing")
