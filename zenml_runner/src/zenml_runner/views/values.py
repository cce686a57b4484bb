"""Plain values: JSON, texts and numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from numbers import Number
from typing import Any

from zenml_runner.redaction import without_secrets

MAX_ITEMS = 100
MAX_DEPTH = 6
MAX_VALUES = 5_000
MAX_TEXT = 2_000
MAX_NUMBERS = 100


def json_of(data: Any) -> str | None:
    """Return plain data as JSON, shortened and without secrets; None for other data."""
    if not isinstance(data, dict | list | tuple | set | str | Number | type(None)):
        data = _fields(data)
        if data is None:
            return None
    shown = without_secrets(_Shortened().copy(data), public_name=None)
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _fields(data: Any) -> Any:
    """Return the fields of a pydantic model or dataclass; None for other data."""
    if callable(dump := getattr(data, "model_dump", None)) and hasattr(data, "model_fields_set"):
        return dump(mode="json")
    if is_dataclass(data) and not isinstance(data, type):
        # Without copies of what the fields hold.
        return {field.name: getattr(data, field.name) for field in fields(data)}
    return None


class _Shortened:
    """Copies the first items of each level, and no more than a number of values in all."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def copy(self, data: Any, depth: int = 0) -> Any:
        self._left -= 1
        if isinstance(data, Mapping):
            found = {str(key): self.copy(data[key], depth + 1) for key in self._first(data, depth)}
            return found | ({"…": f"{more} more"} if (more := len(data) - len(found)) else {})
        if isinstance(data, list | tuple | set | frozenset):
            items = [self.copy(value, depth + 1) for value in self._first(data, depth)]
            return items + ([f"… {more} more"] if (more := len(data) - len(items)) else [])
        if data is None or isinstance(data, bool | int):
            return data
        if isinstance(data, float) and math.isfinite(data):
            return data
        text = str(data)
        return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"

    def _first(self, data: Iterable[Any], depth: int) -> Iterator[Any]:
        if depth < MAX_DEPTH:
            for item in islice(data, MAX_ITEMS):
                if self._left <= 0:
                    return
                yield item


def numbers_of(data: Any) -> dict[str, float]:
    """Return the numbers in plain data by their dotted keys.

    Of a list of values, as kedro-mlflow's metrics have them, the last one counts.
    """
    found: dict[str, float] = {}
    _collect(data, "", found)
    return found


def _collect(data: Any, name: str, found: dict[str, float]) -> None:
    if len(found) >= MAX_NUMBERS:
        return
    if isinstance(data, Mapping):
        if set(data) in ({"value", "step"}, {"value"}):
            data = data["value"]
        else:
            for key, value in data.items():
                _collect(value, f"{name}.{key}" if name else str(key), found)
            return
    if isinstance(data, list | tuple) and data:
        last = data[-1]
        if isinstance(last, Mapping) and "value" in last:
            _collect(last["value"], name, found)
            return
        if all(_is_number(value) for value in data):
            data = last
    if _is_number(data):
        found[name or "value"] = data if type(data) in (int, float) else float(data)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, Number) or isinstance(value, complex):
        return False
    return math.isfinite(float(value))  # type: ignore[arg-type]
