"""The promotion log: a file for each change of the champion, written by whoever comes first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Action = Literal["promote", "rollback", "pin", "unpin"]


class Promotion(BaseModel):
    """A record of the promotion log.

    Attributes:
        number: From 1, without gaps.
        action: What was asked for.
        release: The champion from now on.
        before: The champion until now; None for the first.
        who: Name of the user, or of the process.
        when: In UTC.
        why: The user's reason, or the verdict of the gates.
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
    """Somebody else has changed the champion after it was looked at."""


def is_pinned(log: Sequence[Promotion]) -> bool:
    """Return whether the champion is pinned, so that no run changes it.

    A pin stays until it is taken off, whichever release a person promotes in between.
    """
    actions = [record.action for record in log if record.action in ("pin", "unpin")]
    return bool(actions) and actions[-1] == "pin"
