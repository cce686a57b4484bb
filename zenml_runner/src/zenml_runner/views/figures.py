"""Figures: still pictures of Plotly's, and pictures of other libraries."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from zenml_runner.views.view import MAX_BYTES


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
