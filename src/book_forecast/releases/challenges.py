"""Challenges: a second release answers for a share of the titles.

A challenge is of one champion: once another release is champion, the challenge has ended, whether
or not anybody has written so. `challenge_log` stores the entries.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from book_forecast.releases.promotion_log import Promotion

Arm = Literal["champion", "challenger"]
CHAMPION_ARM: Arm = "champion"
CHALLENGER_ARM: Arm = "challenger"
Outcome = Literal["withdrawn", "lost", "promoted", "overtaken"]
"""Taken back by a person; taken back by the monitor; champion now; another release is champion."""

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
        salt: Of the hash that splits the titles; the same for every share of a challenge.
        test: Number of the entry that began it; the same for every share of a challenge.
        since: Last week that either release knew at its start: later weeks are compared.
    """

    kind: Literal["challenge"] = "challenge"
    release: str
    champion: str
    promotion: int = Field(ge=1)
    share: float = Field(gt=0.0, lt=1.0)
    salt: str = Field(default_factory=lambda: secrets.token_hex(8), min_length=1, max_length=64)
    test: int = Field(ge=1)
    since: dt.date

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
