"""The traces of a still figure: each kind of Plotly's that can be drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from zenml_runner.views.axes import Axis, as_number
from zenml_runner.views.view import escaped

MAX_POINTS, MAX_CELLS, BINS = 500, 2_500, 30
Points = list[tuple[float, float]]
Shape = Callable[[], str]


def _scatter(trace: Any, x: Axis, y: Axis, color: str, _: Sequence[Any]) -> Shape:
    xs, ys = values_of(trace, "x"), values_of(trace, "y")
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
    places = [along.number(v) for v in values_of(trace, "y" if flat else "x")[:MAX_POINTS]]
    sizes = [as_number(v) for v in values_of(trace, "x" if flat else "y")[:MAX_POINTS]]
    places = places or [float(k) for k in range(len(sizes))]
    bars = [(p, s) for p, s in zip(places, sizes, strict=False) if p is not None and s is not None]
    return _rectangles(bars, trace, along, across, color, others, flat=flat)


def _histogram(trace: Any, x: Axis, y: Axis, color: str, others: Sequence[Any]) -> Shape:
    flat = trace.x is None
    along, across = (y, x) if flat else (x, y)
    numbers = [
        n for v in values_of(trace, "y" if flat else "x") if (n := along.number(v)) is not None
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
        n for v in values_of(trace, "x" if flat else "y") if (n := across.number(v)) is not None
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
    xs = [x.number(v) for v in values_of(trace, "x") or range(columns)]
    ys = [y.number(v) for v in values_of(trace, "y") or range(len(rows))]
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


DRAW: dict[str, Callable[[Any, Axis, Axis, str, Sequence[Any]], Shape]] = {
    "scatter": _scatter,
    "scattergl": _scatter,
    "bar": _bar,
    "histogram": _histogram,
    "box": _box,
    "violin": _box,
    "heatmap": _heatmap,
}


def values_of(trace: Any, name: str) -> list[Any]:
    """Return the values of a trace on one axis; none where it has none."""
    found = getattr(trace, name, None)
    if found is None or isinstance(found, str):
        return []
    return list(found)


def _pitch(numbers: Sequence[float]) -> float:
    places = sorted(set(numbers))
    return min((b - a for a, b in pairwise(places)), default=1.0)


def _path(points: Points) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points) if points else ""


def _rectangle(box: tuple[float, float, float, float], color: str, opacity: float = 0.85) -> str:
    left, top, width, height = box
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{color}" opacity="{opacity:.2f}"/>'
