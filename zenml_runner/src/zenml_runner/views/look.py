"""Chooses the view of any data: a picture, a page of figures and tables, or plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from io import BytesIO
from itertools import islice
from typing import Any

from zenml_runner.views.still import still
from zenml_runner.views.tables import table_of
from zenml_runner.views.values import json_of
from zenml_runner.views.view import MAX_BYTES, View, escaped, page, picture

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
        return _page([("", part)], drawn=is_plotly(data))
    if (view := _parts(_fields(data), rows)) is not None:
        return view
    text = json_of(data)
    return View("json", text) if text is not None and len(text) <= MAX_BYTES else None


def _part(data: Any, rows: int) -> str | None:
    """Return a figure, a table or an object that draws itself as HTML."""
    if is_plotly(data):
        return still(data)
    if (table := table_of(data, rows)) is not None:
        return table.part()
    draw = None if isinstance(data, type) else getattr(data, "_repr_html_", None)
    if callable(draw) and type(data).__module__.partition(".")[0] not in _LAZY:
        drawn = draw()
        return drawn if isinstance(drawn, str) else None
    return None


def _fields(data: Any) -> Mapping[Any, Any]:
    """Return the parts of a mapping or dataclass."""
    if isinstance(data, Mapping):
        return data
    if is_dataclass(data) and not isinstance(data, type):
        return {field.name: getattr(data, field.name) for field in fields(data)}
    return {}


def _parts(data: Mapping[Any, Any], rows: int) -> View | None:
    """Return the first parts of several figures or tables, and the names of all."""
    parts: list[tuple[str, str]] = []
    drawn = False
    for name, value in islice(data.items(), MAX_PARTS):
        part = _part(value, rows)
        if (content := None if part else picture_of(value)) is not None:
            part = picture(content)
        if part is not None:
            drawn = drawn or content is not None or is_plotly(value)
            parts.append((str(name), part))
    # Parts that a partitioned dataset has yet to load or to compute.
    waiting = bool(data) and all(callable(value) for value in islice(data.values(), MAX_PARTS))
    if not parts and not waiting:
        return None
    names = ", ".join(escaped(name) for name in islice(data, MAX_NAMES))
    more = ", …" if len(data) > MAX_NAMES else ""
    return _page([("", f"<p>{len(data):,} parts: {names}{more}</p>"), *parts], drawn=drawn)


def _page(parts: list[tuple[str, str]], *, drawn: bool) -> View | None:
    """Return a page with as many parts as it has room for."""
    shown, size = [], 0
    for heading, part in parts:
        size += len(part)
        if size <= MAX_BYTES:
            shown.append((heading, part))
    return View("html", page(shown), drawn=drawn) if shown else None


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


def is_plotly(data: Any) -> bool:
    """Return whether data are a Plotly figure."""
    return any(
        kind.__name__ == "BaseFigure" and kind.__module__.startswith("plotly.")
        for kind in type(data).__mro__
    )


def picture_of(data: Any) -> bytes | None:
    """Return a picture as PNG; None for other data and pictures that stay too large.

    Args:
        data: A figure of Matplotlib, a picture of Pillow, or the bytes of a PNG or JPEG file.
    """
    if isinstance(data, bytes | bytearray):
        known = bytes(data[:8]).startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"))
        return bytes(data) if known and len(data) <= MAX_BYTES else None
    for kind in type(data).__mro__:
        if kind.__module__.startswith("matplotlib.") and kind.__name__ == "Figure":
            return _smallest(data, (90, 50), _from_matplotlib)
        if kind.__module__.startswith("PIL.") and kind.__name__ == "Image":
            return _smallest(data, (900, 400), _from_pillow)
    return None


def _smallest(data: Any, sizes: tuple[int, ...], draw: Any) -> bytes | None:
    for size in sizes:
        content: bytes = draw(data, size)
        if len(content) <= MAX_BYTES:
            return content
    return None


def _from_matplotlib(figure: Any, resolution: int) -> bytes:
    file = BytesIO()
    figure.savefig(file, format="png", dpi=resolution, bbox_inches="tight")
    return file.getvalue()


def _from_pillow(image: Any, width: int) -> bytes:
    small = image.copy()
    small.thumbnail((width, width))
    file = BytesIO()
    small.save(file, format="PNG")
    return file.getvalue()
