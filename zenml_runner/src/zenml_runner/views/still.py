"""A Plotly figure as a still picture: ZenML's dashboard runs no scripts in a view.

Lines, markers, areas, bars, histograms, boxes and heat maps are drawn; other traces are named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from zenml_runner.views.axes import Axis, as_number, kind_of
from zenml_runner.views.view import escaped

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 40, 52
MAX_POINTS, MAX_CELLS, MAX_LEGEND, MAX_TRACES, BINS = 500, 2_500, 14, 60, 30
COLORS = (
    *("#636efa", "#ef553b", "#00cc96", "#ab63fa", "#ffa15a"),
    *("#19d3f3", "#ff6692", "#b6e880", "#ff97ff", "#fecb52"),
)
Points = list[tuple[float, float]]


def still(figure: Any) -> str:
    """Return a figure as SVG.

    Args:
        figure: Plotly's figure.
    """
    layout = figure.layout
    found = [t for t in figure.data if t.visible in (None, True)][:MAX_TRACES]
    drawn = [trace for trace in found if trace.type in _DRAW]
    parts: list[str] = []
    for x_name, y_name in dict.fromkeys(_axes_of(trace) for trace in drawn):
        own = [trace for trace in drawn if _axes_of(trace) == (x_name, y_name)]
        parts.append(_panel(own, layout[_full(x_name)], layout[_full(y_name)], found))
    title = layout.title.text or ""
    others = sorted({trace.type for trace in found} - set(_DRAW))
    if others:
        title += f" (not drawn: {', '.join(others)})"
    parts.append(f'<text x="{LEFT}" y="22" font-size="15">{escaped(_plain(title), 110)}</text>')
    legend = _legend(found) if layout.showlegend is not False else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="100%" '
        f'font-family="system-ui,sans-serif" font-size="11" fill="#333">{"".join(parts)}</svg>'
        f"{legend}"
    )


def _panel(traces: Sequence[Any], x_layout: Any, y_layout: Any, every: Sequence[Any]) -> str:
    """Return the traces of a pair of axes."""
    x, y = _axis(traces, "x", x_layout), _axis(traces, "y", y_layout)
    shapes = [
        _DRAW[trace.type](trace, x, y, _color(trace, every.index(trace)), traces)
        for trace in traces
    ]
    x.settle()
    y.settle()
    if x_layout.autorange == "reversed":
        x.start, x.end = x.end, x.start
    if y_layout.autorange == "reversed":
        y.start, y.end = y.end, y.start
    return _grid(x, y, x_layout, y_layout) + "".join(shape() for shape in shapes)


def _axis(traces: Sequence[Any], name: str, layout: Any) -> Axis:
    size, before = (WIDTH - LEFT - RIGHT, LEFT) if name == "x" else (HEIGHT - TOP - BOTTOM, BOTTOM)
    low, high = layout.domain or (0, 1)
    ends = before + low * size, before + high * size
    start, end = ends if name == "x" else (HEIGHT - ends[0], HEIGHT - ends[1])
    values = [value for trace in traces for value in _values(trace, name)[:20]]
    axis = Axis(kind_of(values, layout.type), start, end)
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
    for number, name in x.ticks():
        at = x.pixel(number)
        lines.append(f'<path d="M{at:.1f} {top:.0f}V{bottom:.0f}" stroke="#e3e6ee"/>')
        text = escaped(name, 14)
        lines.append(f'<text x="{at:.1f}" y="{bottom + 14:.0f}" text-anchor="middle">{text}</text>')
    for number, name in y.ticks():
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


Shape = Callable[[], str]


def _scatter(trace: Any, x: Axis, y: Axis, color: str, _: Sequence[Any]) -> Shape:
    xs, ys = _values(trace, "x"), _values(trace, "y")
    every = max(1, math.ceil(max(len(xs), len(ys)) / MAX_POINTS))
    # A trace may have one of them only.
    xs, ys = xs or list(range(len(ys))), ys or list(range(len(xs)))
    numbers = [(x.number(a), y.number(b)) for a, b in list(zip(xs, ys, strict=False))[::every]]
    x.cover([a for a, _ in numbers])
    y.cover([b for _, b in numbers])
    mode = trace.mode or ("lines" if len(xs) > 20 else "lines+markers")

    def draw() -> str:
        runs: list[Points] = [[]]
        for a, b in numbers:
            if a is None or b is None:
                runs.append([])
            else:
                runs[-1].append((x.pixel(a), y.pixel(b)))
        runs = [run for run in runs if run]
        shapes = []
        if trace.fill not in (None, "none") and runs:
            fill = trace.fillcolor or color
            opacity = 1 if "rgba" in fill else 0.25
            foot = y.pixel(min(max(0.0, y.low), y.high))
            points = [*runs[0]]
            if trace.fill.startswith("tozero"):
                points += [(points[-1][0], foot), (points[0][0], foot)]
            if trace.fill.startswith(("tozero", "toself")):
                path = _path(points)
                shapes.append(f'<path d="{path}Z" fill="{escaped(fill)}" opacity="{opacity}"/>')
        if "lines" in mode:
            dash = ' stroke-dasharray="5 4"' if trace.line.dash not in (None, "solid") else ""
            width = trace.line.width if trace.line.width is not None else 2
            path = "".join(map(_path, runs))
            style = f'fill="none" stroke="{color}" stroke-width="{width}"'
            shapes.append(f'<path d="{path}" {style}{dash}/>')
        if "markers" in mode:
            shapes += [
                f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{color}"/>'
                for run in runs
                for a, b in run
            ]
        return "".join(shapes)

    return draw


def _bar(trace: Any, x: Axis, y: Axis, color: str, others: Sequence[Any]) -> Shape:
    flat = trace.orientation == "h"
    along, across = (y, x) if flat else (x, y)
    places = [along.number(v) for v in _values(trace, "y" if flat else "x")[:MAX_POINTS]]
    sizes = [as_number(v) for v in _values(trace, "x" if flat else "y")[:MAX_POINTS]]
    places = places or [float(k) for k in range(len(sizes))]
    bars = [(p, s) for p, s in zip(places, sizes, strict=False) if p is not None and s is not None]
    return _rectangles(bars, trace, along, across, color, others, flat=flat)


def _histogram(trace: Any, x: Axis, y: Axis, color: str, others: Sequence[Any]) -> Shape:
    flat = trace.x is None
    along, across = (y, x) if flat else (x, y)
    numbers = [
        n for v in _values(trace, "y" if flat else "x") if (n := along.number(v)) is not None
    ]
    if along.kind == "category":
        counts = [(float(k), float(numbers.count(k))) for k in sorted(set(numbers))]
    else:
        low, high = min(numbers, default=0.0), max(numbers, default=1.0)
        width = (high - low) / BINS or 1.0
        found = [min(BINS - 1, int((n - low) / width)) for n in numbers]
        counts = [(low + (k + 0.5) * width, float(found.count(k))) for k in range(BINS)]
    return _rectangles(counts, trace, along, across, color, others, flat=flat)


def _rectangles(
    bars: Points,
    trace: Any,
    along: Axis,
    across: Axis,
    color: str,
    others: Sequence[Any],
    *,
    flat: bool,
) -> Shape:
    """Draw bars; those of several traces stand side by side."""
    same = [other for other in others if other.type == trace.type]
    places = sorted({place for place, _ in bars})
    gaps = [after - before for before, after in pairwise(places)]
    width = 0.8 * min(gaps, default=1.0)
    along.cover([places[0] - width / 2, places[-1] + width / 2] if places else [])
    across.cover([0.0, *(size for _, size in bars)])
    own = width / len(same)
    shift = own * same.index(trace) - width / 2

    def draw() -> str:
        shapes = []
        for place, size in bars:
            a, b = sorted((along.pixel(place + shift), along.pixel(place + shift + own)))
            low, high = sorted((across.pixel(0.0), across.pixel(size)))
            box = (low, a, high - low, b - a) if flat else (a, low, b - a, high - low)
            shapes.append(_rectangle(box, color))
        return "".join(shapes)

    return draw


def _box(trace: Any, x: Axis, y: Axis, color: str, others: Sequence[Any]) -> Shape:
    flat = trace.orientation == "h" or (trace.y is None and trace.x is not None)
    along, across = (y, x) if flat else (x, y)
    numbers = sorted(
        n for v in _values(trace, "x" if flat else "y") if (n := across.number(v)) is not None
    )
    across.cover(numbers[:1] + numbers[-1:])
    along.kind = "category"
    place = along.number(trace.name or f"trace {others.index(trace)}") or 0.0

    def draw() -> str:
        if not numbers:
            return ""
        low, first, middle, third, high = (
            across.pixel(numbers[round(k * (len(numbers) - 1) / 4)]) for k in range(5)
        )
        a, b = sorted((along.pixel(place - 0.3), along.pixel(place + 0.3)))
        at = (a + b) / 2
        first, third = sorted((first, third))
        if flat:
            lines = f"M{low:.1f} {at:.1f}H{high:.1f}M{middle:.1f} {a:.1f}V{b:.1f}"
            box = (first, a, third - first, b - a)
        else:
            lines = f"M{at:.1f} {low:.1f}V{high:.1f}M{a:.1f} {middle:.1f}H{b:.1f}"
            box = (a, first, b - a, third - first)
        return _rectangle(box, color, 0.4) + f'<path d="{lines}" stroke="{color}" fill="none"/>'

    return draw


def _heatmap(trace: Any, x: Axis, y: Axis, color: str, _: Sequence[Any]) -> Shape:
    rows = [list(row) for row in trace.z] if trace.z is not None else []
    columns = max(map(len, rows), default=0)
    xs = [x.number(v) for v in _values(trace, "x") or range(columns)]
    ys = [y.number(v) for v in _values(trace, "y") or range(len(rows))]
    cells = [
        (a, b, n)
        for b, row in zip(ys, rows, strict=False)
        for a, value in zip(xs, row, strict=False)
        if a is not None and b is not None and (n := as_number(value)) is not None
    ][:MAX_CELLS]
    low, high = min((n for *_, n in cells), default=0), max((n for *_, n in cells), default=1)
    wide, tall = (_pitch([cell[k] for cell in cells]) for k in (0, 1))
    x.cover([v for a, *_ in cells for v in (a - wide / 2, a + wide / 2)])
    y.cover([v for _, b, _ in cells for v in (b - tall / 2, b + tall / 2)])

    def draw() -> str:
        shapes = []
        for a, b, n in cells:
            left, right = sorted((x.pixel(a - wide / 2), x.pixel(a + wide / 2)))
            top, bottom = sorted((y.pixel(b - tall / 2), y.pixel(b + tall / 2)))
            share = (n - low) / (high - low or 1)
            shapes.append(
                _rectangle((left, top, right - left, bottom - top), color, 0.08 + 0.9 * share)
            )
        return "".join(shapes)

    return draw


_DRAW: dict[str, Callable[[Any, Axis, Axis, str, Sequence[Any]], Shape]] = {
    "scatter": _scatter,
    "scattergl": _scatter,
    "bar": _bar,
    "histogram": _histogram,
    "box": _box,
    "violin": _box,
    "heatmap": _heatmap,
}


def _values(trace: Any, name: str) -> list[Any]:
    found = getattr(trace, name, None)
    if found is None or isinstance(found, str):
        return []
    return list(found)


def _axes_of(trace: Any) -> tuple[str, str]:
    return (getattr(trace, "xaxis", None) or "x", getattr(trace, "yaxis", None) or "y")


def _full(name: str) -> str:
    """Return the name of an axis in the layout: xaxis2 for x2."""
    return f"{name[0]}axis{name[1:]}"


def _pitch(numbers: Sequence[float]) -> float:
    places = sorted(set(numbers))
    return min((b - a for a, b in pairwise(places)), default=1.0)


def _path(points: Points) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points) if points else ""


def _rectangle(box: tuple[float, float, float, float], color: str, opacity: float = 0.85) -> str:
    left, top, width, height = box
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{color}" opacity="{opacity:.2f}"/>'


def _color(trace: Any, number: int) -> str:
    for part in ("line", "marker"):
        color = getattr(getattr(trace, part, None), "color", None)
        if isinstance(color, str):
            return escaped(color)
    return COLORS[number % len(COLORS)]


def _plain(text: str) -> str:
    """Return a text of Plotly without its markup."""
    for mark in ("<br>", "<b>", "</b>", "<i>", "</i>", "<sup>", "</sup>", "<sub>", "</sub>"):
        text = text.replace(mark, " " if mark == "<br>" else "")
    return text


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
