"""A Plotly figure as a still picture: ZenML's dashboard runs no scripts in a view.

Lines, markers, areas, bars, histograms, boxes and heat maps are drawn; other traces are named.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from zenml_runner.views.axes import Axis, kind_of
from zenml_runner.views.traces import DRAW, values_of
from zenml_runner.views.view import escaped

WIDTH = 860
HEIGHTS = (300, 900)
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 52
MAX_LEGEND, MAX_TRACES = 14, 60
_TAGS = re.compile(r"</?(b|i|u|s|em|sup|sub|span|a)\b[^<>]*>")
COLORS = (
    *("#636efa", "#ef553b", "#00cc96", "#ab63fa", "#ffa15a"),
    *("#19d3f3", "#ff6692", "#b6e880", "#ff97ff", "#fecb52"),
)


def still(figure: Any) -> str:
    """Return a figure as SVG.

    Args:
        figure: Plotly's figure.
    """
    layout = figure.layout
    height = min(max(int(layout.height or 460), HEIGHTS[0]), HEIGHTS[1])
    found = [t for t in figure.data if t.visible in (None, True)][:MAX_TRACES]
    drawn = [trace for trace in found if trace.type in DRAW]
    parts: list[str] = []
    for x_name, y_name in dict.fromkeys(_axes_of(trace) for trace in drawn):
        own = [trace for trace in drawn if _axes_of(trace) == (x_name, y_name)]
        parts.append(_panel(own, layout[_full(x_name)], layout[_full(y_name)], found, height))
    title = layout.title.text or ""
    others = sorted({trace.type for trace in found} - set(DRAW))
    if others:
        title += f" (not drawn: {', '.join(others)})"
    parts.append(f'<text x="{LEFT}" y="22" font-size="15">{escaped(_plain(title), 110)}</text>')
    legend = _legend(found) if layout.showlegend is not False else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="100%" '
        f'font-family="system-ui,sans-serif" font-size="11" fill="#333">{"".join(parts)}</svg>'
        f"{legend}"
    )


def _panel(
    traces: Sequence[Any], x_layout: Any, y_layout: Any, every: Sequence[Any], height: int
) -> str:
    """Return the traces of a pair of axes."""
    x, y = _axis(traces, "x", x_layout, height), _axis(traces, "y", y_layout, height)
    shapes = [
        DRAW[trace.type](trace, x, y, _color(trace, every.index(trace)), traces) for trace in traces
    ]
    x.settle()
    y.settle()
    if x_layout.autorange == "reversed":
        x.start, x.end = x.end, x.start
    if y_layout.autorange == "reversed":
        y.start, y.end = y.end, y.start
    return _grid(x, y, x_layout, y_layout) + "".join(shape() for shape in shapes)


def _axis(traces: Sequence[Any], name: str, layout: Any, height: int) -> Axis:
    flat = name == "x"
    size, before = (WIDTH - LEFT - RIGHT, LEFT) if flat else (height - TOP - BOTTOM, BOTTOM)
    ends = [before + share * size for share in layout.domain or (0, 1)]
    start, end = ends if flat else (height - ends[0], height - ends[1])
    values = [value for trace in traces for value in values_of(trace, name)[:20]]
    axis = Axis(kind_of(values, layout.type), start, end, room=90 if flat else 32)
    if layout.categoryarray is not None and axis.kind == "category":
        for value in layout.categoryarray:
            axis.number(value)
    return axis


def _grid(x: Axis, y: Axis, x_layout: Any, y_layout: Any) -> str:
    left, right = sorted((x.start, x.end))
    top, bottom = sorted((y.start, y.end))
    place = f'x="{left:.0f}" y="{top:.0f}"'
    size = f'width="{right - left:.0f}" height="{bottom - top:.0f}"'
    lines = [f'<rect {place} {size} fill="#f7f8fb"/>']
    for number, name in x.ticks() if x_layout.showticklabels is not False else ():
        at = x.pixel(number)
        lines.append(f'<path d="M{at:.1f} {top:.0f}V{bottom:.0f}" stroke="#e3e6ee"/>')
        text = escaped(name, 14)
        lines.append(f'<text x="{at:.1f}" y="{bottom + 14:.0f}" text-anchor="middle">{text}</text>')
    for number, name in y.ticks() if y_layout.showticklabels is not False else ():
        at = y.pixel(number)
        lines.append(f'<path d="M{left:.0f} {at:.1f}H{right:.0f}" stroke="#e3e6ee"/>')
        text = escaped(name, 10)
        lines.append(f'<text x="{left - 5:.0f}" y="{at + 4:.1f}" text-anchor="end">{text}</text>')
    for layout, place in (
        (x_layout, f'x="{(left + right) / 2:.0f}" y="{bottom + 32:.0f}" text-anchor="middle"'),
        (y_layout, f'x="{left:.0f}" y="{top - 5:.0f}"'),
    ):
        if layout.title.text:
            lines.append(f"<text {place}>{escaped(_plain(layout.title.text))}</text>")
    return "".join(lines)


def _axes_of(trace: Any) -> tuple[str, str]:
    return (getattr(trace, "xaxis", None) or "x", getattr(trace, "yaxis", None) or "y")


def _full(name: str) -> str:
    """Return the name of an axis in the layout: xaxis2 for x2."""
    return f"{name[0]}axis{name[1:]}"


def _color(trace: Any, number: int) -> str:
    for part in ("line", "marker"):
        color = getattr(getattr(trace, part, None), "color", None)
        if isinstance(color, str):
            return escaped(color)
    return COLORS[number % len(COLORS)]


def _plain(text: str) -> str:
    """Return a text of Plotly without its markup, which has few tags."""
    return _TAGS.sub("", re.sub(r"<br */?>", " - ", text))


def _legend(traces: Sequence[Any]) -> str:
    named = [
        (trace.name, _color(trace, number))
        for number, trace in enumerate(traces)
        if trace.name and trace.showlegend is not False
    ]
    named = list(dict.fromkeys(named))
    if len(named) < 2:
        return ""
    entries = "".join(
        f'<span style="margin-right:14px"><span style="color:{color}">&#9632;</span> '
        f"{escaped(_plain(name))}</span>"
        for name, color in named[:MAX_LEGEND]
    )
    more = f"and {len(named) - MAX_LEGEND} more" if len(named) > MAX_LEGEND else ""
    return f"<p>{entries}{more}</p>"
