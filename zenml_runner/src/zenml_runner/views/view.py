"""What a dataset looks like: a small page, picture or JSON text."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from typing import Literal

Kind = Literal["html", "image", "json", "markdown"]
SUFFIXES: dict[Kind, str] = {"html": ".html", "image": ".png", "json": ".json", "markdown": ".md"}
MAX_BYTES = 300_000
"""A larger view is not stored."""

_STYLE = """
body{font:13px/1.5 system-ui,sans-serif;color:#222;background:#fff;margin:12px}
h2{font-size:15px;margin:18px 0 6px}
p{color:#555;margin:4px 0}
div.t{overflow-x:auto}
table{border-collapse:collapse;margin:8px 0}
th,td{border:1px solid #ddd;padding:3px 8px;text-align:left;white-space:nowrap}
th{background:#f5f5f7}
td.n{text-align:right;font-variant-numeric:tabular-nums}
img{max-width:100%}
"""


@dataclass(frozen=True)
class View:
    """A view of a dataset.

    Attributes:
        kind: How it is shown.
        content: The file's content.
        drawn: Whether it is a figure or a picture.
    """

    kind: Kind
    content: str | bytes
    drawn: bool = False

    @property
    def suffix(self) -> str:
        """The suffix of its file."""
        return SUFFIXES[self.kind]


def escaped(value: object, limit: int = 80) -> str:
    """Return a value as text of a page, shortened."""
    text = str(value)
    return html.escape(text if len(text) <= limit else text[: limit - 1] + "…")


def picture(content: bytes, kind: str = "png") -> str:
    """Return a picture as part of a page."""
    return f'<img src="data:image/{kind};base64,{base64.b64encode(content).decode()}">'


def page(parts: list[tuple[str, str]]) -> str:
    """Return a page of parts in HTML with their headings; an empty heading is left out."""
    blocks = []
    for heading, part in parts:
        title = f"<h2>{escaped(heading)}</h2>" if heading else ""
        blocks.append(f"<section>{title}{part}</section>")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Dataset</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(blocks)}</body></html>"
    )
