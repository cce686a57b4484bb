"""The page that leads to all others: a row per title, and the figures and tables of all titles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote

import pandas as pd

from book_forecast.plots.pages import page
from book_forecast.plots.style import FAINT, GRID, title_or_isbn

_YEAR = pd.Timedelta(weeks=52)

_STYLE = f"""
main {{ max-width: 1200px; margin: 0 auto; }}
h1 {{ font-size: 24px; font-weight: 600; margin: 24px 0 4px; }}
h2 {{ font-size: 16px; font-weight: 600; margin: 28px 0 8px; }}
ul {{ list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 6px 24px; margin: 0; }}
#filter {{ width: 320px; max-width: 100%; box-sizing: border-box; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; margin: 8px 0 32px; }}
th, td {{ padding: 6px 12px 6px 0; text-align: left; border-bottom: 1px solid {GRID}; }}
th button {{ font: inherit; color: {FAINT}; background: none; border: 0;
  padding: 0; cursor: pointer; text-align: inherit; }}
th[aria-sort] button {{ color: inherit; font-weight: 600; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
td a {{ margin-right: 12px; white-space: nowrap; }}
"""

_SCRIPT = """
const body = document.querySelector("tbody");
const rows = [...body.rows];
const named = (row) => row.cells[0].textContent + " " + row.cells[1].textContent;
const texts = rows.map((row) => named(row).toLowerCase());
const filter = document.getElementById("filter");
const counted = document.getElementById("counted");
const apply = () => {
  const words = filter.value.toLowerCase().split(/\\s+/);
  let shown = 0;
  rows.forEach((row, i) => {
    row.hidden = !words.every((word) => texts[i].includes(word));
    shown += !row.hidden;
  });
  counted.textContent = `${shown} of ${rows.length}`;
};
filter.addEventListener("input", apply);
document.querySelectorAll("th button").forEach((button) => button.addEventListener("click", () => {
  const head = button.parentElement;
  const column = head.cellIndex;
  const number = head.classList.contains("number");
  const before = head.getAttribute("aria-sort");
  const up = before ? before !== "ascending" : !number;
  document.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  const order = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (!number) return x.localeCompare(y) * (up ? 1 : -1);
    if (x === "" || y === "") return (x === "") - (y === "");
    return (x - y) * (up ? 1 : -1);
  };
  body.append(...[...rows].sort(order));
}));
apply();
"""


class Link(NamedTuple):
    """A page or a file that the index leads to."""

    label: str
    address: str


class _Column(NamedTuple):
    name: str
    heading: str
    form: str


_COLUMNS = (
    _Column("sold", "Copies, last 52 weeks", "{:,.0f}"),
    _Column("forecast", "Copies, forecast", "{:,.0f}"),
    _Column("wape", "WAPE", "{:.2f}"),
    _Column("seasonal_naive_wape", "WAPE of seasonal naive", "{:.2f}"),
)


def index_titles(
    isbns: Sequence[str],
    titles: pd.DataFrame | None = None,
    model_input: pd.DataFrame | None = None,
    forecasts: pd.DataFrame | None = None,
    score_table: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the titles of the index, those with the largest recent volume first.

    Args:
        isbns: Titles that have a page.
        titles: isbn, title.
        model_input: isbn, week, volume.
        forecasts: isbn, mean; its titles are listed too.
        score_table: isbn, wape, seasonal_naive_wape.

    Returns:
        isbn, title, and as far as they are known: sold (copies of the last 52 weeks), forecast
        (copies of all weeks ahead), wape, seasonal_naive_wape.
    """
    listed = set(isbns) | (set() if forecasts is None else set(forecasts["isbn"]))
    frame = pd.DataFrame(index=pd.Index(sorted(listed), name="isbn", dtype="str"))
    if titles is not None:
        frame["title"] = titles.set_index("isbn")["title"].astype("object")
    if model_input is not None:
        recent = model_input[model_input["week"] > model_input["week"].max() - _YEAR]
        frame["sold"] = recent.groupby("isbn")["volume"].sum()
    if forecasts is not None:
        frame["forecast"] = forecasts.groupby("isbn")["mean"].sum()
    if score_table is not None:
        errors = score_table.set_index("isbn")
        for name in ("wape", "seasonal_naive_wape"):
            frame[name] = errors[name]
    frame = frame.reindex(columns=["title", *(column.name for column in _COLUMNS)])
    frame["title"] = [
        title_or_isbn(title, isbn) for isbn, title in zip(frame.index, frame["title"], strict=True)
    ]
    frame["sold"] = frame["sold"].astype(float)
    return frame.reset_index().sort_values(
        ["sold", "title"], ascending=[False, True], ignore_index=True
    )


def index_page(
    titles: pd.DataFrame,
    pages: Mapping[str, Mapping[str, str]],
    figures: Sequence[Link],
    tables: Sequence[Link],
    note: str = "",
) -> str:
    """Return the index.

    Args:
        titles: As `index_titles` returns them.
        pages: Addresses of titles' pages by ISBN, by what they show; relative ones.
        figures: Pages of all titles.
        tables: Files.
        note: A line below the heading.
    """
    shown = [column for column in _COLUMNS if titles[column.name].notna().any()]
    rows = "\n".join(_row(row, shown, pages) for row in titles.to_dict("records"))
    body = f"""<main>
<h1>Book forecasts</h1>
<p class="faint">{escape(note)}</p>
{_list("Figures and reports", figures)}
<h2>Titles</h2>
<label for="filter">Title or ISBN contains</label>
<input id="filter" type="search" autocomplete="off"> <span id="counted" class="faint"></span>
<div class="wide"><table>
<thead><tr>{"".join(_headings(shown))}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
{_list("Tables", tables)}
</main>
<script>{_SCRIPT}</script>"""
    return page("Book forecasts: all pages", body, _STYLE)


def _headings(shown: Sequence[_Column]) -> Iterator[str]:
    yield '<th><button type="button">Title</button></th>'
    yield '<th><button type="button">ISBN</button></th>'
    for column in shown:
        order = ' aria-sort="descending"' if column.name == "sold" else ""
        heading = f'<button type="button">{escape(column.heading)}</button>'
        yield f'<th class="number"{order}>{heading}</th>'
    yield "<th>Pages</th>"


def _row(
    row: Mapping[Any, Any], shown: Sequence[_Column], pages: Mapping[str, Mapping[str, str]]
) -> str:
    isbn = str(row["isbn"])
    links = [Link(name, found[isbn]) for name, found in pages.items() if isbn in found]
    title = escape(row["title"])
    cells = [
        f"<td>{_anchor(Link(row['title'], links[0].address)) if links else title}</td>",
        f"<td>{escape(isbn)}</td>",
        *(_cell(row[column.name], column.form) for column in shown),
        f"<td>{''.join(map(_anchor, links))}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(value: Any, form: str) -> str:
    if pd.isna(value):
        return '<td class="number" data-value="">-</td>'
    return f'<td class="number" data-value="{value:.6g}">{form.format(value)}</td>'


def _list(heading: str, links: Sequence[Link]) -> str:
    if not links:
        return ""
    items = "".join(f"<li>{_anchor(link)}</li>" for link in links)
    return f"<h2>{escape(heading)}</h2>\n<ul>{items}</ul>"


def _anchor(link: Link) -> str:
    # A colon in the first part of a path would make it a scheme.
    address = quote(link.address, safe="/._-~")
    return f'<a href="{escape(address)}">{escape(link.label)}</a>'
