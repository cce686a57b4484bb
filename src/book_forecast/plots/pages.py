"""HTML pages of figures that open without a network, each with a title, language and viewport."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape, unescape
from string import Template
from typing import Any
from urllib.parse import quote

import plotly.graph_objects as go

from book_forecast.plots.listing import TitlePages
from book_forecast.plots.style import FAINT, FONT, GRID, INK

SCRIPT = "plotly.min.js"
"""Name of the script beside the pages that `linked_page` returns."""
LINKS = "pages.js"
"""Name of a second script beside them: the pages of each title, as `links_script` returns it."""
NO_LINKS = "// The pages of titles; the index of all pages comes with them.\n"

STYLE = f"""
body {{ margin: 0; padding: 0 24px; font: 14px {FONT}; color: {INK}; background: white; }}
a {{ color: #0072B2; }}
nav, label, .faint {{ color: {FAINT}; }}
nav, label {{ display: block; padding: 12px 0 6px; }}
nav a, nav strong {{ display: inline-block; margin-right: 16px; }}
nav strong {{ color: {INK}; font-weight: 600; }}
select, input {{ font: inherit; padding: 4px 6px; border: 1px solid {GRID}; border-radius: 4px; }}
.figure {{ overflow-x: auto; overflow-y: hidden; }}
.figure > div {{ min-width: 640px; }}
@media print {{
  nav, .modebar-container, .updatemenu-container {{ display: none; }}
  body {{ padding: 0; }}
}}
"""

_FILLING: dict[str, Any] = {
    "config": {"responsive": True},
    "default_height": "calc(100vh - 60px)",
}

_TAG = re.compile(r"<[^>]*>")

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
$body
</body>
</html>
""")

# The script is packed: MLflow shows an artifact without the files beside it, and Plotly's script
# has 4.5 MB. A browser unpacks it in 50 ms.
_UNPACK = """
const unpacked = (element) => {
  const bytes = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};
const shown = document.getElementById("figure");
const figures = document.querySelectorAll("script.packed-figure");
const show = async (number) => {
  const figure = JSON.parse(await unpacked(figures[number]));
  shown.style.height = figure.layout.height ? "auto" : "calc(100vh - 60px)";
  Plotly.react(shown, figure.data, figure.layout, { responsive: true });
};
(async () => {
  if (!("DecompressionStream" in window)) {
    shown.textContent = "This page needs a browser of 2023 or later.";
    return;
  }
  const library = document.createElement("script");
  library.textContent = await unpacked(document.getElementById("packed-plotly"));
  document.head.append(library);
  const choice = document.getElementById("choice");
  if (choice) choice.addEventListener("change", () => show(choice.selectedIndex));
  await show(choice ? choice.selectedIndex : 0);
})();
"""

# Runs after LINKS: leads to the other pages of the same title, and to the titles beside it.
_RELATE = """
(() => {
  const known = window.titlePages;
  const nav = document.querySelector("nav");
  if (!known || !nav) return;
  const isbn = nav.dataset.title;
  const root = new URL(nav.querySelector("a").getAttribute("href"), location.href);
  const at = (kind, title) => new URL(kind.address.replace("*", title), root).href;
  const here = decodeURI(location.href.split("#")[0]);
  const add = (kind, text, title) => {
    const link = document.createElement(decodeURI(at(kind, title)) === here ? "strong" : "a");
    link.textContent = text;
    if (link.href !== undefined) link.href = at(kind, title);
    if (title !== isbn) link.title = known.names[title] || title;
    nav.append(" ", link);
  };
  const own = known.kinds.filter((kind) => kind.isbns.includes(isbn));
  own.forEach((kind) => add(kind, kind.label, isbn));
  const shown = own.find((kind) => decodeURI(at(kind, isbn)) === here);
  if (!shown) return;
  const place = shown.isbns.indexOf(isbn);
  if (place > 0) add(shown, "← title before", shown.isbns[place - 1]);
  if (place < shown.isbns.length - 1) add(shown, "next title →", shown.isbns[place + 1]);
})();
"""


def links_script(kinds: Sequence[TitlePages], names: Mapping[str, str]) -> str:
    """Return the script `LINKS`.

    Args:
        kinds: All pages of titles.
        names: Titles by ISBN.
    """
    listed = {isbn for kind in kinds for isbn in kind.isbns}
    known = {
        "names": {isbn: name for isbn, name in names.items() if isbn in listed},
        "kinds": [kind._replace(address=quote(kind.address, "/*#"))._asdict() for kind in kinds],
    }
    return f"window.titlePages = {json.dumps(known, separators=(',', ':'))};\n"


def headline(figure: go.Figure, otherwise: str) -> str:
    """Return the first line of a figure's title as plain text.

    Args:
        figure: The figure.
        otherwise: The text for a figure without a title.
    """
    first = re.split(r"<br\s*/?>", figure.layout.title.text or "", maxsplit=1)[0]
    return unescape(_TAG.sub("", first)).strip() or otherwise


def page(title: str, body: str, style: str = "") -> str:
    """Return a whole page.

    Args:
        title: Plain text.
        body: HTML.
        style: CSS beside the common one.
    """
    return _PAGE.substitute(title=escape(title), style=STYLE + style, body=body)


def linked_page(figure: go.Figure, name: str, label: str = "", index: str = "") -> str:
    """Return a page that takes Plotly's script from the file `SCRIPT` beside it.

    Args:
        figure: The figure.
        name: The page's name, for a figure without a title.
        label: What the figure shows; a part of the page's title.
        index: Address of a page that leads to this one; no link if empty.
    """
    title = ", ".join(filter(None, [headline(figure, name), label]))
    # With an id of its own, the same figure makes the same file in every run.
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, div_id="figure", **_FILLING)
    script = f'<script src="{SCRIPT}" charset="utf-8"></script>'
    parts = [_link(index, name), script, f'<div class="figure">{drawn}</div>']
    if index:
        parts += [f'<script src="{LINKS}"></script>', f"<script>{_RELATE}</script>"]
    return page(title, "\n".join(parts))


def standalone_page(figures: Mapping[str, go.Figure], title: str = "", index: str = "") -> str:
    """Return one page with all figures, one of them shown, that needs no other file.

    Args:
        figures: Figures by name, at least one; a choice of several is named by their headlines.
        title: The page's title; the headline of the only figure if empty.
        index: Address of a page that leads to this one; no link if empty.
    """
    names = [headline(figure, name) for name, figure in figures.items()]
    packed = [_packed(figure.to_json()) for figure in figures.values()]
    body = [
        _link(index),
        _choice(names) if len(names) > 1 else "",
        '<div class="figure"><div id="figure"></div></div>',
        f'<script type="text/plain" id="packed-plotly">{_packed_plotly()}</script>',
        *(f'<script type="text/plain" class="packed-figure">{text}</script>' for text in packed),
        f"<script>{_UNPACK}</script>",
    ]
    return page(title or names[0], "\n".join(body))


def _link(index: str, name: str = "") -> str:
    title = f' data-title="{escape(name)}"' if name else ""
    return f'<nav{title}><a href="{escape(index)}">All pages</a></nav>' if index else ""


def _choice(names: Sequence[str]) -> str:
    options = "".join(f"<option>{escape(name)}</option>" for name in names)
    return f'<label>Title <select id="choice" autocomplete="off">{options}</select></label>'


@cache
def _packed_plotly() -> str:
    # It imports IPython, for which commands without pages would wait half of a second.
    from plotly.offline import get_plotlyjs

    return _packed(get_plotlyjs())


def _packed(text: str) -> str:
    # Base64 has no character that could end a script element.
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
