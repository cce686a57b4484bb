"""A table of titles on a page: filtered by title or ISBN, sorted by its headings, printed whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from book_forecast.plots.style import FAINT, GRID

LISTING_STYLE = f"""
main {{ max-width: 1200px; margin: 0 auto; }}
h1 {{ font-size: 24px; font-weight: 600; margin: 24px 0 4px; }}
h2 {{ font-size: 16px; font-weight: 600; margin: 28px 0 8px; }}
#filter {{ width: 320px; max-width: 100%; box-sizing: border-box; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; margin: 8px 0 32px; }}
th, td {{ padding: 6px 12px 6px 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid {GRID}; }}
th button {{ font: inherit; color: {FAINT}; background: none; border: 0;
  padding: 0; cursor: pointer; text-align: inherit; }}
th[aria-sort] button {{ color: inherit; font-weight: 600; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
th.number {{ white-space: normal; }}
.date {{ white-space: nowrap; }}
td:first-child {{ min-width: 11em; overflow-wrap: anywhere; }}
td a {{ margin-right: 12px; white-space: nowrap; }}
td:first-child a {{ white-space: normal; }}
tr.target td {{ background: #FFF6D6; }}
#more {{ font: inherit; padding: 6px 12px; margin-bottom: 24px; }}
@media print {{
  .wide {{ overflow: visible; }}
  label, #filter, #more {{ display: none; }}
  table {{ font-size: 11px; }}
  tr {{ break-inside: avoid; }}
  thead {{ display: table-header-group; }}
  td:first-child {{ min-width: 0; }}
}}
"""

MOST_SHOWN = 500
"""Rows that are shown at first: a browser takes seconds to lay out ten thousand."""
LISTING_SCRIPT = """
const most = $most;
const body = document.querySelector("tbody");
const rows = [...body.querySelectorAll("tr")].map((row) => {
  row.hidden = false;
  const cells = [...row.querySelectorAll("td")];
  const keys = cells.map((cell) => cell.dataset.value ?? cell.textContent);
  return { row, keys, text: `${keys[0]} ${keys[1]}`.toLowerCase() };
});
const words = new Intl.Collator();
const filter = document.getElementById("filter");
const counted = document.getElementById("counted");
const more = document.getElementById("more");
let limit = most;
const apply = () => {
  const asked = filter.value.toLowerCase().split(/\\s+/);
  const found = rows.filter(({ text }) => asked.every((word) => text.includes(word)));
  const wanted = location.hash.slice(1);
  const shown = found.filter(({ row }, i) => i < limit || (wanted && row.id === wanted));
  // All at once: to move thousands of rows one by one takes many seconds.
  body.replaceChildren();
  body.append(...shown.map(({ row }) => row));
  counted.textContent = `${found.length} of ${rows.length}`;
  more.hidden = found.length <= limit;
  more.textContent = `Show all ${found.length}`;
};
const target = () => {
  apply();
  document.querySelector("tr.target")?.classList.remove("target");
  const row = document.getElementById(location.hash.slice(1));
  row?.classList.add("target");
  row?.scrollIntoView({ block: "center" });
};
filter.addEventListener("input", apply);
more.addEventListener("click", () => {
  limit = Infinity;
  apply();
});
window.addEventListener("hashchange", target);
const heads = document.querySelectorAll("th button");
heads.forEach((button) => button.addEventListener("click", () => {
  const head = button.parentElement;
  const column = head.cellIndex;
  const number = head.classList.contains("number");
  const before = head.getAttribute("aria-sort");
  const up = before ? before !== "ascending" : !number;
  document.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  rows.sort((a, b) => {
    const [x, y] = [a.keys[column], b.keys[column]];
    if (!number) return words.compare(x, y) * (up ? 1 : -1);
    if (x === "" || y === "") return (x === "") - (y === "");
    return (x - y) * (up ? 1 : -1);
  });
  apply();
}));
target();
""".replace("$most", str(MOST_SHOWN))


class Link(NamedTuple):
    """A page or a file.

    Attributes:
        label: Its name.
        address: Its path, relative to the page.
        fragment: Of an element on it.
    """

    label: str
    address: str
    fragment: str = ""


class TitlePages(NamedTuple):
    """Pages of titles, or their rows on one page.

    Attributes:
        label: What they show.
        address: Relative to the index of all pages, with * in place of the ISBN.
        isbns: The titles that have one.
    """

    label: str
    address: str
    isbns: Sequence[str]

    def link(self, isbn: str) -> Link:
        """Return the link to a title's page."""
        path = self.address.removesuffix("#*")
        return Link(self.label, path.replace("*", isbn), isbn if path != self.address else "")


class Heading(NamedTuple):
    """The head of a column.

    Attributes:
        text: Its text; a button that sorts, unless `is_fixed`.
        is_number: Whether its cells have numbers.
        sorted: How the rows are sorted by it at first: ascending, descending or not.
        is_fixed: Whether it does not sort.
    """

    text: str
    is_number: bool = False
    sorted: str = ""
    is_fixed: bool = False


def listing(headings: Iterable[Heading], rows: Iterable[str]) -> str:
    """Return the field that filters, and the table.

    Args:
        headings: The first two columns are title and ISBN.
        rows: As `table_row` returns them; those beyond `MOST_SHOWN` are hidden until asked for.
    """
    shown = [
        row if number < MOST_SHOWN else row.replace("<tr", "<tr hidden", 1)
        for number, row in enumerate(rows)
    ]
    return f"""<label for="filter">Title or ISBN contains</label>
<input id="filter" type="search" autocomplete="off"> <span id="counted" class="faint"></span>
<div class="wide"><table>
<thead><tr>{"".join(map(_head, headings))}</tr></thead>
<tbody>
{chr(10).join(shown)}
</tbody>
</table></div>
<button type="button" id="more" hidden>Show all</button>
<noscript><style>tr[hidden] {{ display: table-row; }}</style></noscript>"""


def table_row(cells: Iterable[str], anchor: str = "") -> str:
    """Return a row of cells; an address that ends with # and its anchor leads to it."""
    named = f' id="{escape(anchor)}"' if anchor else ""
    return f"<tr{named}>{''.join(cells)}</tr>"


def title_cell(title: str, page: Link | None = None) -> str:
    """Return a title, which leads to a page if it has one."""
    return f"<td>{isolated(title) if page is None else anchor(page._replace(label=title))}</td>"


def text_cell(text: str) -> str:
    """Return a text."""
    return f"<td>{escape(text)}</td>"


def links_cell(links: Iterable[Link]) -> str:
    """Return links."""
    return f"<td>{''.join(map(anchor, links))}</td>"


def number_cell(value: Any, form: str = "{:,.0f}") -> str:
    """Return a number, or a dash where it is not known."""
    if pd.isna(value):
        return '<td class="number" data-value="">-</td>'
    return f'<td class="number" data-value="{value:.6g}">{form.format(value)}</td>'


def range_cell(low: float, high: float) -> str:
    """Return two whole numbers; it sorts by the higher one."""
    return f'<td class="number" data-value="{high:.6g}">{low:,.0f} to {high:,.0f}</td>'


def date_cell(value: Any) -> str:
    """Return a date, or a dash where there is none; it sorts as its text does."""
    return f'<td class="date">{"-" if pd.isna(value) else f"{value:%Y-%m-%d}"}</td>'


def link_list(heading: str, links: Sequence[Link]) -> str:
    """Return a heading and links; nothing without links."""
    if not links:
        return ""
    items = "".join(f"<li>{anchor(link)}</li>" for link in links)
    return f"<h2>{escape(heading)}</h2>\n<ul>{items}</ul>"


def anchor(link: Link) -> str:
    """Return a link as HTML."""
    # A colon in the first part of a path would make it a scheme.
    address = quote(link.address, safe="/._-~") + (f"#{link.fragment}" if link.fragment else "")
    return f'<a href="{escape(address)}">{isolated(link.label)}</a>'


def isolated(text: str) -> str:
    """Return a text as HTML whose direction does not reach beyond it."""
    return f"<bdi>{escape(text)}</bdi>" if not text.isascii() else escape(text)


def _head(heading: Heading) -> str:
    text = escape(heading.text)
    shown = text if heading.is_fixed else f'<button type="button">{text}</button>'
    kind = ' class="number"' if heading.is_number else ""
    order = f' aria-sort="{heading.sorted}"' if heading.sorted else ""
    return f"<th{kind}{order}>{shown}</th>"
