"""Hides secrets in texts that leave the machine or are kept."""

from __future__ import annotations

import re

# To the last @ of an address: a password may have @ and / itself. A user has none of :, / and @.
_USER_INFO = re.compile(r"(?<=://)[^/\s@:]*(?::\S*)?@")
_QUERY_SECRET = re.compile(
    r"(?i)([?&;](?:[\w-]*(?:token|key|secret|signature|sig|password)[\w-]*)=)[^&\s]+"
)


def without_secrets(text: str) -> str:
    """Return a text without the users, passwords and keys of addresses in it."""
    return _QUERY_SECRET.sub(r"\1***", _USER_INFO.sub("***@", text))
