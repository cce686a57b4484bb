"""Challenges: a second release answers for a share of the titles, until it wins, loses or is taken back.

The log is a folder beside the releases, with a file for each entry, written by whoever comes first
with its number. No file is ever changed. A challenge is of one champion: once another release is
champion, the challenge has ended, whether or not anybody has written so.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
import secrets
from collections.abc import Sequence
from typing import Annotated, Literal, Self

import fsspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from book_forecast.releases.promotion_log import Promotion
from book_forecast.storage.errors import UserError
from book_forecast.storage.files import create_file

logger = logging.getLogger(__name__)

FOLDER = "challenges"
"""Of the log, in the folder of all releases."""
CHAMPION_ARM, CHALLENGER_ARM = "champion", "challenger"
Arm = Literal["champion", "challenger"]
Outcome = Literal["withdrawn", "lost", "promoted", "overtaken"]
"""Taken back by a person; taken back by the monitor; champion now; another release is champion."""

_MOST_BYTES = 20_000
_ENTRY = re.compile(r"\d{6}\.json")
_HASHED = 2**64


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1)
    who: str
    when: AwareDatetime = Field(default_factory=lambda: dt.datetime.now(dt.UTC))
    why: str


class Challenge(_Entry):
    """A release challenges the champion.

    Attributes:
        number: In the log, from 1.
        release: The challenger.
        champion: The release that it challenges.
        promotion: Number of the last record of the promotion log at the start.
        share: Share of the titles that the challenger answers for.
        salt: Of the hash that splits the titles; another share of the same challenge keeps it.
        started: When the challenge began; another share of the same challenge keeps it.
    """

    kind: Literal["challenge"] = "challenge"
    release: str
    champion: str
    promotion: int = Field(ge=1)
    share: float = Field(gt=0.0, lt=1.0)
    salt: str = Field(default_factory=lambda: secrets.token_hex(8), min_length=1, max_length=64)
    started: AwareDatetime = Field(default_factory=lambda: dt.datetime.now(dt.UTC))

    def arm_of(self, isbn: str) -> Arm:
        """Return the arm of a title: the same at any time and place, for a salt.

        A title's position between 0 and 1 does not depend on the share. So a larger share moves
        titles from the champion to the challenger, and never the other way round.
        """
        digest = hashlib.sha256(f"{self.salt}:{isbn}".encode()).digest()
        position = int.from_bytes(digest[:8], "big") / _HASHED
        return CHALLENGER_ARM if position < self.share else CHAMPION_ARM

    def with_share(self, share: float, *, number: int, who: str, why: str) -> Self:
        """Return the entry that gives the challenge another share."""
        new = {"share": share, "number": number, "who": who, "why": why}
        return type(self).model_validate(
            self.model_dump() | new | {"when": dt.datetime.now(dt.UTC)}
        )


class Ending(_Entry):
    """A challenge has ended.

    Attributes:
        number: In the log, from 1.
        release: The challenger.
        outcome: How it ended.
    """

    kind: Literal["ending"] = "ending"
    release: str
    outcome: Outcome


ChallengeEntry = Challenge | Ending
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
            logger.warning("%s is no entry of a challenge: it counts as ended", path)
            return None

    def _file(self, number: int) -> str:
        return f"{self._path}/{number:06d}.json"


def is_running(challenge: ChallengeEntry | None, promotions: Sequence[Promotion]) -> bool:
    """Return whether the last entry of the log is a challenge of the present champion.

    Args:
        challenge: The last entry.
        promotions: Records of the promotion log since the challenge began; more do no harm.
    """
    if not isinstance(challenge, Challenge):
        return False
    later = [record for record in promotions if record.number >= challenge.promotion]
    return bool(later) and all(record.release == challenge.champion for record in later)
