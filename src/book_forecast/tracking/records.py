"""What of a run is recorded: parameters without secrets, finite metrics, the git revision."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from numbers import Real
from typing import Any

# MLflow's limits are 6,000 and 8,000 characters; nobody reads that much in its tables.
MAX_VALUE_LENGTH = 500

_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY_SECRET = re.compile(
    r"(?i)([?&;](?:[\w-]*(?:token|key|secret|signature|sig|password)[\w-]*)=)[^&\s]+"
)
_SECRET_NAME = re.compile(r"(?i)(password|passwd|secret|token|credential|api_?key|private_?key)")
_NOT_IN_NAMES = re.compile(r"[^\w.\- :/]")


def parameters(nested: Mapping[str, Any]) -> dict[str, str]:
    """Flatten parameters to names with dots and short texts without secrets."""
    return {
        clean_name(name): "***" if _SECRET_NAME.search(name) and value else text(value)
        for name, value in _flat(nested)
    }


def text(value: Any) -> str:
    """Return a value as MLflow is to show it: without secrets, shortened if it is long."""
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    shown = _QUERY_SECRET.sub(r"\1***", _USER_INFO.sub("***@", str(value)))
    if len(shown) <= MAX_VALUE_LENGTH:
        return shown
    rest = f"… ({len(shown)} characters)"
    return shown[: MAX_VALUE_LENGTH - len(rest)] + rest


def metrics(nested: Mapping[str, Any]) -> dict[str, float]:
    """Flatten metrics to names with dots; what is missing, infinite or no number is left out."""
    return {
        clean_name(name): float(value)
        for name, value in _flat(nested)
        if isinstance(value, Real) and math.isfinite(value)
    }


def clean_name(name: str) -> str:
    """Return a name with the characters that MLflow allows, such as ``coverage_80_``."""
    return _NOT_IN_NAMES.sub("_", name)


def _flat(nested: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        inner = value.model_dump() if hasattr(value, "model_dump") else value
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner
