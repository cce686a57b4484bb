"""Removes secrets from output."""

from __future__ import annotations

import re
from typing import Any

_SECRET_NAME = re.compile(
    r"(?i)(password|passwd|secret|token|credential|api_?key|private_?key|signature)"
)
HIDDEN = "***"
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")


def without_secrets(thing: Any, name: str = "") -> Any:
    """Replace values by `***` where their names mark them as secret.

    Args:
        thing: Plain data.
        name: The key of `thing` in its mapping.
    """
    if isinstance(thing, dict):
        return {key: without_secrets(value, str(key)) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [without_secrets(value, name) for value in thing]
    # `secret` holds the name of a ZenML secret, not its value.
    if _SECRET_NAME.search(name) and name != "secret" and thing is not None:
        return HIDDEN
    return without_user(thing) if isinstance(thing, str) else thing


def without_user(text: str, instead: str = f"{HIDDEN}@") -> str:
    """Replace names and passwords in addresses."""
    return _USER_INFO.sub(instead, text)


def public(address: str) -> str:
    """Return an address without name, password and query, which may hold a signature."""
    return without_user(address.partition("?")[0])
