"""The log of challenges: a file for each entry, written by whoever comes first with its number.

The log is a folder beside the releases. No file is ever changed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Annotated

import fsspec
from pydantic import Field, TypeAdapter, ValidationError

from book_forecast.releases.challenges import ChallengeEntry
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import create_file

logger = logging.getLogger(__name__)

FOLDER = "challenges"
"""Of the log, in the folder of all releases."""
_MOST_BYTES = 20_000
_ENTRY = re.compile(r"\d{6}\.json")
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
        self._fs, self._path = fsspec.core.url_to_fs(self.location)
        self._damaged: dict[int, bytes] = {}

    def entries(self) -> list[ChallengeEntry]:
        """Read the log, the oldest entry first; damaged entries cost a warning each."""
        found = [self._read(number) for number in self._numbers()]
        return [entry for entry in found if entry is not None]

    def last(self) -> ChallengeEntry | None:
        """Return the last entry; None before the first, and where it is damaged."""
        # A service asks every few seconds: no other entry is read.
        numbers = self._numbers()
        return self._read(numbers[-1]) if numbers else None

    def next_number(self) -> int:
        """Return the number of the next entry."""
        return max(self._numbers(), default=0) + 1

    def add(self, entry: ChallengeEntry) -> None:
        """Append an entry, if it is the first with its number.

        Raises:
            UserError: If there is one with this number, or it cannot be written; the log is
                unchanged.
        """
        content = entry.model_dump_json(indent=1).encode()
        try:
            create_file(self._fs, self._file(entry.number), content)
        except FileExistsError:
            raise UserError(
                f"Somebody else changed the challenge at the same time "
                f"({self._file(entry.number)}): look at `kedro release arms` and decide again."
            ) from None
        except OSError as error:
            raise UserError(
                f"The challenge cannot be written to {self.location}: {error}."
            ) from error

    def _numbers(self) -> Sequence[int]:
        self._fs.invalidate_cache(self._path)
        names = [path.rpartition("/")[2] for path in self._fs.find(self._path, maxdepth=1)]
        return sorted(int(name[:6]) for name in names if _ENTRY.fullmatch(name))

    def _read(self, number: int) -> ChallengeEntry | None:
        path = self._file(number)
        content = self._fs.cat_file(path, start=0, end=_MOST_BYTES)
        try:
            return _ANY.validate_json(content)
        except ValidationError:
            # A service reads it again and again.
            if content != self._damaged.get(number):
                logger.warning("%s is no entry of a challenge: it counts as ended", path)
                self._damaged[number] = content
            return None

    def _file(self, number: int) -> str:
        return f"{self._path}/{number:06d}.json"
