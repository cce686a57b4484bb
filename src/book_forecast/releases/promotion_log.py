"""Who was champion when: each change a file of its own, made by whoever comes first."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Action = Literal["promote", "rollback", "pin", "unpin"]


class Promotion(BaseModel):
    """A change of the champion.

    Attributes:
        number: From 1, without gaps.
        action: What was asked for.
        release: The champion from now on.
        before: The champion until now; None for the first.
        who: Name of the user, or of the process.
        when: In UTC.
        why: In the words of whoever did it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int = Field(ge=1)
    action: Action
    release: str
    before: str | None
    who: str
    when: AwareDatetime
    why: str


class PinnedError(Exception):
    """The champion is pinned: no run changes it."""


class ChampionChangedError(Exception):
    """Somebody else has changed the champion since it was looked at."""
