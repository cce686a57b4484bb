"""The log of challenges: a folder beside the releases, with a file for each entry."""

from __future__ import annotations

import logging
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from book_forecast.releases.challenges import ChallengeEntry
from book_forecast.storage.errors import UserError
from book_forecast.storage.numbered_files import NumberedFiles

logger = logging.getLogger(__name__)

FOLDER = "challenges"
"""Of the log, in the folder of all releases."""
_MOST_BYTES = 20_000
_ANY: TypeAdapter[ChallengeEntry] = TypeAdapter(
    Annotated[ChallengeEntry, Field(discriminator="kind")]
)


class ChallengeLog:
    """The log beside the releases."""

    def __init__(self, releases: str) -> None:
        """Open a log.

        Args:
            releases: Folder of all releases, local or `gs://…`; it need not have a log yet.
        """
        self.location = f"{releases.rstrip('/')}/{FOLDER}"
        self._files = NumberedFiles(self.location)
        self._damaged: dict[int, bytes] = {}

    def entries(self) -> list[ChallengeEntry]:
        """Read the log, the oldest entry first; damaged entries cost a warning each."""
        found = [self._read(number) for number in self._files.numbers()]
        return [entry for entry in found if entry is not None]

    def last(self) -> ChallengeEntry | None:
        """Return the last entry; None before the first, and where it is damaged."""
        # A service asks every few seconds: no other entry is read.
        numbers = self._files.numbers()
        return self._read(numbers[-1]) if numbers else None

    def next_number(self) -> int:
        """Return the number of the next entry."""
        return self._files.next_number()

    def add(self, entry: ChallengeEntry) -> None:
        """Append an entry, if it is the first with its number.

        Raises:
            UserError: If there is one with this number, or it cannot be written; the log is
                unchanged.
        """
        content = entry.model_dump_json(indent=1).encode()
        try:
            self._files.add(entry.number, content)
        except FileExistsError:
            raise UserError(
                f"Somebody else changed the challenge at the same time "
                f"({self._files.path(entry.number)}): look at `kedro release arms` and decide "
                "again."
            ) from None
        except OSError as error:
            raise UserError(
                f"The challenge cannot be written to {self.location}: {error}."
            ) from error

    def _read(self, number: int) -> ChallengeEntry | None:
        content = self._files.read(number, _MOST_BYTES)
        try:
            return _ANY.validate_json(content)
        except ValidationError:
            # A service reads it again and again.
            if content != self._damaged.get(number):
                path = self._files.path(number)
                logger.warning("%s is no entry of a challenge: it counts as ended", path)
                self._damaged[number] = content
            return None
