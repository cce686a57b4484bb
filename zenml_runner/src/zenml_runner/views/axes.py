"""Axes of a still figure: where values stand, and which of them are named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MAX_TICKS = 6
_DAY = 86_400.0


@dataclass
class Axis:
    """One axis of a figure.

    Attributes:
        kind: ``linear``, ``log``, ``date`` or ``category``.
        start: Pixel of the lowest value.
        end: Pixel of the highest value.
        low: Lowest number, or its logarithm.
        high: Highest number.
        names: Categories by their number.
        room: Pixels of a named number.
    """

    kind: str
    start: float
    end: float
    low: float = math.inf
    high: float = -math.inf
    names: dict[str, int] = field(default_factory=dict)
    room: float = 90.0

    @property
    def _count(self) -> int:
        return max(1, min(MAX_TICKS, int(abs(self.end - self.start) / self.room)))

    def number(self, value: Any) -> float | None:
        """Return a value as a number of the axis; None for what cannot be placed."""
        if value is None:
            return None
        if self.kind == "category":
            return float(self.names.setdefault(str(value), len(self.names)))
        number = seconds(value) if self.kind == "date" else as_number(value)
        if number is not None and self.kind == "log":
            return math.log10(number) if number > 0 else None
        return number

    def cover(self, numbers: Sequence[float | None]) -> None:
        """Make the axis long enough for numbers."""
        for number in numbers:
            if number is not None:
                self.low, self.high = min(self.low, number), max(self.high, number)

    def settle(self) -> None:
        """Leave room around the numbers."""
        if self.kind == "category":
            self.low, self.high = -0.5, max(len(self.names) - 0.5, 0.5)
        elif self.low > self.high:
            self.low, self.high = 0.0, 1.0
        elif self.low == self.high:
            self.low, self.high = self.low - 0.5, self.high + 0.5
        elif self.kind != "date":
            room = 0.04 * (self.high - self.low)
            self.low = self.low if self.low == 0 else self.low - room
            self.high = self.high if self.high == 0 else self.high + room

    def pixel(self, number: float) -> float:
        """Return the pixel of a number."""
        return self.start + (self.end - self.start) * (number - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the named numbers."""
        if self.kind == "category":
            shown = max(1, abs(self.end - self.start) / (self.room / 2))
            every = math.ceil(len(self.names) / shown)
            return [(float(n), name) for name, n in self.names.items() if n % every == 0]
        if self.kind == "date":
            return self._dates()
        step = _round_step((self.high - self.low) / self._count)
        first = math.ceil(self.low / step - 1e-9)
        numbers = [step * k for k in range(first, math.floor(self.high / step + 1e-9) + 1)]
        return [(n, f"{10**n:,.3g}" if self.kind == "log" else f"{n:,.6g}") for n in numbers]

    def _dates(self) -> list[tuple[float, str]]:
        step = (self.high - self.low) / self._count
        form = "%Y-%m" if step > 27 * _DAY else "%Y-%m-%d" if step >= _DAY else "%d %H:%M"
        numbers = [self.low + step * (k + 0.5) for k in range(self._count)]
        return [(n, datetime.fromtimestamp(n, UTC).strftime(form)) for n in numbers]


def kind_of(values: Sequence[Any], given: str | None) -> str:
    """Return the kind of an axis from its values, unless the figure names one."""
    if given in ("linear", "log", "date", "category"):
        return given
    known = [value for value in values if value is not None][:20]
    if known and all(as_number(value) is not None for value in known):
        return "linear"
    if known and all(seconds(value) is not None for value in known):
        return "date"
    return "category" if known else "linear"


def as_number(value: Any) -> float | None:
    """Return a finite number; None for others."""
    if isinstance(value, str | datetime) or hasattr(value, "isoformat"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def seconds(value: Any) -> float | None:
    """Return a date as seconds; None for what is none."""
    try:
        moment = datetime.fromisoformat(str(value)[:26].replace("Z", ""))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC).timestamp()


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step)) if step > 0 else 1.0
    return next(power * k for k in (1, 2, 2.5, 5, 10) if power * k >= step * 0.999)
