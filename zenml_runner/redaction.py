"""Keeps secrets out of what is written and shown."""

from __future__ import annotations

import re
from typing import Any

_SECRET_NAME = re.compile(
    r"(?i)(password|passwd|secret|token|credential|api_?key|private_?key|signature)"
)
HIDDEN = "***"
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")


def without_secrets(thing: Any, name: str = "") -> Any:
    """The same with `***` in place of values whose names say that they are secret.

    Args:
        thing: Plain data.
        name: Under which it stands.
    """
    if isinstance(thing, dict):
        return {key: without_secrets(value, str(key)) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [without_secrets(value, name) for value in thing]
    # The name of a ZenML secret is none.
    if _SECRET_NAME.search(name) and name != "secret" and thing is not None:
        return HIDDEN
    return without_user(thing) if isinstance(thing, str) else thing


def without_user(text: str, instead: str = f"{HIDDEN}@") -> str:
    """The same with something else in place of names and passwords in addresses."""
    return _USER_INFO.sub(instead, text)


def public(address: str) -> str:
    """An address without name, password, and what may be a signature behind a question mark."""
    return without_user(address.partition("?")[0])
