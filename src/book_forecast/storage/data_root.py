"""The data root as users name it: a folder or the address of a bucket."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from book_forecast.storage.errors import UserError

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_NOT_IN_ADDRESSES = re.compile(r"[#?\s]")
# Kedro would read a variable of its configuration, fsspec a chain of filesystems or a pattern.
_NOT_IN_ANY = ("${", "::", "*", "?")
_LONGEST_NAME = 255


def is_address(root: str) -> bool:
    """Whether a data root is in an object store, not a folder."""
    return "://" in root


def given_data_root(value: Any) -> str:
    """Return the data root that a user has typed, which is relative to the current folder.

    Args:
        value: A folder, with `~` for the home folder, or an address such as ``gs://bucket/folder``.

    Returns:
        An absolute path or the address.

    Raises:
        UserError: If no dataset can work with it.
    """
    root = checked_data_root(value)
    return root if is_address(root) else os.path.normpath(Path.cwd() / root)


def checked_data_root(value: Any) -> str:
    """Return a data root without `~` and trailing slashes; it may be relative.

    Raises:
        UserError: If no dataset can work with it.
    """
    text = "" if value is None else str(value)
    if not text.strip():
        raise _refused(text, "is empty")
    if not text.isprintable():
        raise _refused(text, "has a character that cannot be printed")
    if is_address(text):
        return _address(text)
    found = next((part for part in _NOT_IN_ANY if part in text), None)
    if found is not None:
        raise _refused(text, f"has {found!r} in it, which has a meaning of its own in paths")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise _refused(text, "begins with the home folder of an unknown user") from None
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts):
        raise _refused(f"{text[:60]}…", f"has a name of more than {_LONGEST_NAME} bytes")
    return os.path.normpath(path)


def _address(text: str) -> str:
    if _ADDRESS.match(text) is None or text.endswith("://"):
        raise _refused(text, "is no address such as gs://bucket/folder")
    found = _NOT_IN_ADDRESSES.search(text)
    if found is not None:
        raise _refused(text, f"has {found.group()!r} in it, which addresses must not have")
    found_part = next((part for part in _NOT_IN_ANY if part in text), None)
    if found_part is not None:
        raise _refused(text, f"has {found_part!r} in it, which addresses must not have")
    return text.rstrip("/")


def _refused(text: str, why: str) -> UserError:
    return UserError(
        f"data_root {text!r} {why}: name a folder, or an address such as gs://bucket/folder."
    )
