"""HTML pages of figures that open without a network, each with a title, language and viewport."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape, unescape
from string import Template
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from book_forecast.plots.style import FAINT, FONT, GRID, INK

SCRIPT = "plotly.min.js"
"""Name of the script beside the pages that `linked_page` returns."""

STYLE = f"""
body {{ margin: 0; padding: 0 24px; font: 14px {FONT}; color: {INK}; background: white; }}
a {{ color: #0072B2; }}
nav, label, .faint {{ color: {FAINT}; }}
nav, label {{ display: block; padding: 12px 0 6px; }}
select, input {{ font: inherit; padding: 4px 6px; border: 1px solid {GRID}; border-radius: 4px; }}
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
    return page(title, f'{_link(index)}\n<script src="{SCRIPT}" charset="utf-8"></script>\n{drawn}')


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
        '<div id="figure"></div>',
        f'<script type="text/plain" id="packed-plotly">{_packed_plotly()}</script>',
        *(f'<script type="text/plain" class="packed-figure">{text}</script>' for text in packed),
        f"<script>{_UNPACK}</script>",
    ]
    return page(title or names[0], "\n".join(body))


def _link(index: str) -> str:
    return f'<nav><a href="{escape(index)}">All pages</a></nav>' if index else ""


def _choice(names: Sequence[str]) -> str:
    options = "".join(f"<option>{escape(name)}</option>" for name in names)
    return f'<label>Title <select id="choice" autocomplete="off">{options}</select></label>'


@cache
def _packed_plotly() -> str:
    return _packed(get_plotlyjs())


def _packed(text: str) -> str:
    # Base64 has no character that could end a script element.
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
