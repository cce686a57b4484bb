"""The page by keyboard, for screen readers, in light and dark, and on a phone."""

import pytest

from tests.browser.planner import DRAWN, ROWS, TOLD, open_title, search
from tests.serving import stores

pytestmark = [pytest.mark.browser, pytest.mark.slow]

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
    page.press("Tab", 7, shift=True)
    assert page.focused().startswith("a:Back to the list")
    page.press("Enter")
    page.until("!document.querySelector('#list').hidden")


def test_the_list_is_sorted_filtered_and_opened_by_keyboard(page):
    page.until(TOLD)
    page.run("document.querySelector('#views a').focus()")
    page.press("Tab")
    assert page.focused() == "a:What changed most"
    page.press("Enter")
    page.until("document.querySelector('#list-head').innerText === 'What changed most'")
    assert page.focused() == "a:What changed most"
    page.press("Tab", 6)
    assert page.focused() == "filter-product_class"
    page.press("ArrowDown", 2)
    page.until(f"{ROWS} === 20")
    assert page.focused() == "filter-product_class"
    page.press("Tab", 6)
    assert page.focused().startswith("button:Next 4")
    page.press("Enter")
    page.until("document.querySelector('[data-sort=volume_4]').ariaSort === 'descending'")
    assert page.focused().startswith("button:Next 4")
    page.press(" ")
    page.until("document.querySelector('[data-sort=volume_4]').ariaSort === 'ascending'")
    page.run("document.querySelector('#title-rows a').focus()")
    titles = page.run("[...document.querySelectorAll('#title-rows a[data-isbn]')].map(a => a.text)")
    for key, wanted in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", -1)):
        page.press(key)
        assert page.focused() == f"a:{titles[wanted]}"
    page.press("Enter")
    page.until(f"{DRAWN} && document.activeElement.id === 'book-title'")
    assert page.text("#book-title") == titles[-1]


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
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and "role" in node
    ]
    needy = {"button", "link", "slider", "radio", "combobox", "image", "img", "table", "heading"}
    assert [role for role, name in named if role in needy and not name] == []
    assert {role for role, _ in named} >= {"main", "search", "slider", "radio", "combobox", "table"}
    assert ("slider", "Horizon") in named
    # The plot's own parts are not read out.
    assert not any("Jul 2023" in name for _, name in named)
    page.click("#back a")
    page.until(f"{ROWS} && !document.querySelector('#list').hidden")
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and "role" in node
    ]
    needy |= {"navigation", "form", "columnheader", "rowheader"}
    assert [role for role, name in named if role in needy and not name] == []
    assert ("navigation", "Lists") in named


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["all", "changed", "totals", "left_out"])
def test_lists_are_readable_by_day_and_night_on_a_phone(page, service, scheme, view):
    page.show_as(width=390, height=844, phone=True, prefers_color_scheme=scheme)
    page.open(f"{service}?view={view}")
    page.until("[...document.querySelectorAll('tbody:not(:empty)')].some(t => t.checkVisibility())")
    assert page.run("document.documentElement.scrollWidth") == 390
    assert page.run(FAINT) == []
    small = page.run(
        "[...document.querySelectorAll('button, select, input, .views a')]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 24)"
        ".map(e => e.outerHTML)"
    )
    assert small == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_it_is_readable_by_day_and_night_on_a_desk_and_a_phone(page, service, scheme, phone):
    size = {"width": 360, "height": 740} if phone else {}
    page.show_as(**size, phone=phone, prefers_color_scheme=scheme)
    page.open(f"{service}?isbn={stores.CAFE}")
    page.until(DRAWN)
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
