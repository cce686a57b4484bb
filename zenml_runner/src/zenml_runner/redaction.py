"""Removes secrets from output."""

from __future__ import annotations

import os
import re
from typing import Any

_SECRET_NAME = re.compile(
    r"(?i)(password|passwd|secret|token|credential|api_?key|access_?key"
    r"|private_?key|passphrase|signature)"
)
HIDDEN = "***"
# Shorter values of variables, such as "true", are no secrets.
_SHORTEST_SECRET = 8
_ASSIGNED = re.compile(
    rf"(?i)([\w.-]*{_SECRET_NAME.pattern.removeprefix('(?i)')}[\w.-]*[\"']?\s*[=:]\s*)"
    r"(?:(?:bearer|basic)\s+)?(\"[^\"]*\"|'[^']*'|[^\s,;&)}]+)"
)
_USER_INFO = re.compile(r"(?<=://)[^/\s\"']+@")
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{4,}")


def without_secrets(thing: Any, name: str = "", *, public_name: str | None = "secret") -> Any:
    """Replace values by `***` where their names mark them as secret.

    Args:
        thing: Plain data.
        name: The key of `thing` in its mapping.
        public_name: A key that holds no secret: in zenml.yml `secret` is the name of one.
    """
    if isinstance(thing, dict):
        return {
            key: without_secrets(value, str(key), public_name=public_name)
            for key, value in thing.items()
        }
    if isinstance(thing, list | tuple):
        return [without_secrets(value, name, public_name=public_name) for value in thing]
    if _SECRET_NAME.search(name) and name != public_name and thing is not None:
        return HIDDEN
    return without_user(thing) if isinstance(thing, str) else thing


def without_user(text: str, instead: str = f"{HIDDEN}@") -> str:
    """Replace names and passwords in addresses."""
    return _USER_INFO.sub(instead, text)


def without_secret_values(text: str) -> str:
    """Replace what looks like a secret in a message.

    These are user names and passwords in addresses, values after names such as `token=`, and the
    values of environment variables with such names.
    """
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, HIDDEN)
    text = _ASSIGNED.sub(rf"\1{HIDDEN}", without_user(text))
    return _BEARER.sub(rf"\1\2{HIDDEN}", text)


def public(address: str) -> str:
    """Return an address without name, password and query, which may hold a signature."""
    return without_user(address.partition("?")[0])
