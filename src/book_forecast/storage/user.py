"""Who changes something, for the records of changes."""

from __future__ import annotations

import getpass
import os

USER_VARIABLE = "BOOK_FORECAST_USER"


def user() -> str:
    """Return who changes something: BOOK_FORECAST_USER, or the user of this process."""
    try:
        return os.environ.get(USER_VARIABLE) or getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        return "unknown"
