"""Chooses the view of any data."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from zenml_runner.views.figures import (
    MAX_FIGURES,
    is_plotly,
    picture_of,
    plotly_part,
    plotly_script,
)
from zenml_runner.views.tables import table_of
from zenml_runner.views.values import json_of
from zenml_runner.views.view import MAX_BYTES, Part, View, escaped, page, picture

MAX_PARTS = 10
MAX_NAMES = 200
MAX_LINES = 200
MAX_TEXT = 50_000
# Their representation would start a computation.
_LAZY = ("pyspark", "dask", "ibis", "polars", "duckdb", "ray", "modin", "snowflake")


def view_of(data: Any, rows: int) -> View | None:
    """Return a view of data in memory; None for data that have none.

    Args:
        data: Any data; nothing is computed that does not exist yet.
        rows: Number of rows of a table.
    """
    if isinstance(data, str):
        return _text(data)
    if (content := picture_of(data)) is not None:
        return View("image", content, drawn=True)
    if (part := _part(data, rows)) is not None:
        return _page([("", part)])
    if isinstance(data, Mapping) and (parts := _parts(data, rows)):
        return _page(parts)
    text = json_of(data)
    if text is not None:
        return View("json", text) if len(text) <= MAX_BYTES else None
    return None


def _part(data: Any, rows: int) -> Part | None:
    """Return a figure, a table or an object that draws itself."""
    if is_plotly(data):
        return plotly_part(data)
    if (table := table_of(data, rows)) is not None:
        return table.part()
    draw = None if isinstance(data, type) else getattr(data, "_repr_html_", None)
    if callable(draw) and type(data).__module__.partition(".")[0] not in _LAZY:
        drawn = draw()
        return Part(drawn) if isinstance(drawn, str) else None
    return None


def _parts(data: Mapping[Any, Any], rows: int) -> list[tuple[str, Part]]:
    """Return the first parts of several figures or tables, and the names of all."""
    parts: list[tuple[str, Part]] = []
    for name, value in islice(data.items(), MAX_PARTS):
        part = _part(value, rows)
        if part is None and (content := picture_of(value)) is not None:
            part = Part(picture(content))
        if part is not None:
            parts.append((str(name), part))
    waiting = bool(data) and all(callable(value) for value in islice(data.values(), MAX_PARTS))
    if not parts and not waiting:
        return []
    names = ", ".join(escaped(name) for name in islice(data, MAX_NAMES))
    more = ", …" if len(data) > MAX_NAMES else ""
    return [("", Part(f"<p>{len(data):,} parts: {names}{more}</p>")), *parts]


def _page(parts: list[tuple[str, Part]]) -> View | None:
    shown, size = [], 0
    for heading, part in parts:
        size += len(part.body) * (MAX_FIGURES // MAX_BYTES) + len(part.figure or "")
        if size > MAX_FIGURES:
            break
        shown.append((heading, part))
    drawn = any(part.figure is not None for _, part in shown)
    content = page(shown, plotly_script() if drawn else "")
    return View("html", content, drawn=drawn) if shown else None


def _text(data: str) -> View | None:
    start = data[:200].lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return View("html", data) if len(data) <= MAX_BYTES else None
    lines = data[:MAX_TEXT].splitlines()[:MAX_LINES]
    text = "\n".join(lines)
    if start.startswith(("# ", "## ", "---\n")):
        return View("markdown", text)
    more = "\n    …" if len(text) < len(data.rstrip()) else ""
    return View("markdown", "\n".join(f"    {line}" for line in lines) + more)
