"""Figures: those of Plotly as they are, others as pictures.

ZenML's dashboard lets a page load nothing from other servers, so the page of a Plotly figure holds
Plotly's script, compressed.
"""

from __future__ import annotations

import base64
import gzip
from functools import cache
from io import BytesIO
from typing import Any

from zenml_runner.views.view import MAX_BYTES, Part, escaped

MAX_FIGURES = 1_500_000
"""Bytes of the Plotly figures of a page; larger ones are only named."""

_UNPACK = """
<script type="text/plain" id="plotly">{packed}</script>
<script>
(async () => {{
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent),
    letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  for (const place of document.querySelectorAll(".figure")) {{
    const figure = JSON.parse(document.getElementById(place.id + "-data").textContent);
    Plotly.newPlot(place, figure.data, figure.layout, {{responsive: true}});
  }}
}})();
</script>
"""


def is_plotly(data: Any) -> bool:
    """Return whether data are a Plotly figure."""
    return any(
        kind.__name__ == "BaseFigure" and kind.__module__.startswith("plotly.")
        for kind in type(data).__mro__
    )


def plotly_part(figure: Any) -> Part:
    """Return a Plotly figure as part of a page."""
    content: str = figure.to_json()
    if len(content) > MAX_FIGURES:
        title = figure.layout.title.text or "Figure"
        return Part(f"<p>{escaped(title)}: {len(content) / 1e6:.0f} MB, too large to show</p>")
    return Part(figure=content)


@cache
def plotly_script() -> str:
    """Return the script that draws the figures of a page, with Plotly itself."""
    from plotly.offline import get_plotlyjs

    packed = gzip.compress(get_plotlyjs().encode(), compresslevel=6, mtime=0)
    return _UNPACK.format(packed=base64.b64encode(packed).decode())


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
