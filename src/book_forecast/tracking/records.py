"""Parameters and metrics in the form that MLflow takes: flat, finite and without secrets."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from numbers import Real
from typing import Any

from book_forecast.storage.redaction import without_secrets

# MLflow takes 6,000 to 8,000 characters; its tables are not readable with that many.
MAX_VALUE_LENGTH = 500

_SECRET_NAME = re.compile(r"(?i)(password|passwd|secret|token|credential|api_?key|private_?key)")
_NOT_IN_NAMES = re.compile(r"[^\w.\- :/]")


def parameters(nested: Mapping[str, Any]) -> dict[str, str]:
    """Flatten parameters to names with dots and short texts without secrets."""
    return {
        clean_name(name): "***" if _SECRET_NAME.search(name) and value else text(value)
        for name, value in _flat(nested)
    }


def text(value: Any) -> str:
    """Return a value as a short text without secrets."""
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    shown = without_secrets(str(value))
    if len(shown) <= MAX_VALUE_LENGTH:
        return shown
    rest = f"… ({len(shown)} characters)"
    return shown[: MAX_VALUE_LENGTH - len(rest)] + rest


def metrics(nested: Mapping[str, Any]) -> dict[str, float]:
    """Flatten metrics to names with dots; only finite numbers remain."""
    return {
        clean_name(name): float(value)
        for name, value in _flat(nested)
        if isinstance(value, Real) and math.isfinite(value)
    }


def chosen(values: Mapping[str, float], wanted: Sequence[str]) -> dict[str, float]:
    """Return the values with one of the names, which may have ``*`` and ``?``."""
    return {
        name: value
        for name, value in values.items()
        if any(fnmatchcase(name, pattern) for pattern in wanted)
    }


def clean_name(name: str) -> str:
    """Replace the characters that MLflow does not allow in names, as in ``coverage_80_``."""
    return _NOT_IN_NAMES.sub("_", name)


def _flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        inner = value.model_dump() if hasattr(value, "model_dump") else value
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner
