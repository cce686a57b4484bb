"""JSON objects with a checksum: a flipped bit may leave a number that is as good as another."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

_CHECKSUM = "checksum"


def with_checksum(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object as JSON has it, and a checksum of it and its name under a key of its own."""
    plain = json.loads(json.dumps(content))
    return {**plain, _CHECKSUM: _of(plain, name)}


def without_checksum(content: Any, name: str) -> dict[str, Any]:
    """Return an object without its checksum.

    Args:
        content: What JSON has.
        name: The name that it was written by.

    Raises:
        ValueError: If there is no checksum, or it is that of another object.
    """
    if not isinstance(content, dict) or _CHECKSUM not in content:
        raise ValueError("it has no checksum")
    plain = {key: value for key, value in content.items() if key != _CHECKSUM}
    if content[_CHECKSUM] != _of(plain, name):
        raise ValueError("its checksum does not match")
    return plain


def _of(plain: Mapping[str, Any], name: str) -> str:
    text = json.dumps([name, plain], sort_keys=True, separators=(",", ":"))
    return f"{zlib.crc32(text.encode()):08x}"
