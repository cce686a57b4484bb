"""What is wrong with a part of the service: shown by `/readyz` and the metrics, and logged once."""

from __future__ import annotations

import logging
import re

from book_forecast.storage.redaction import without_secrets

logger = logging.getLogger(__name__)

_TEMPORARY = re.compile(r"\.([^/\s'\"]+)\.[0-9a-f]{32}\.tmp")


class Problem:
    """What is wrong with one part of the service.

    Attributes:
        text: The problem; None if all is well.
    """

    def __init__(self) -> None:
        """Begin with all well."""
        self.text: str | None = None

    def set(self, text: str, unexpected: Exception | None = None) -> None:
        """Take a problem; the log has it if it is new.

        Args:
            text: Names the cause. Passwords and keys of addresses in it are hidden.
            unexpected: The log has its stack trace.
        """
        shown = without_secrets(text)
        if shown != self.text:
            logger.error("%s", shown, exc_info=unexpected)
        self.text = shown

    def solve(self) -> None:
        """Note that all is well."""
        self.text = None


def cause_of(error: Exception) -> str:
    """Return type and text of an error, the same for each try: without names of temporary files."""
    return _TEMPORARY.sub(r"\1", f"{type(error).__name__}: {error}")
