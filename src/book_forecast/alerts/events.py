"""What an alert is about."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from book_forecast.storage.redaction import without_secrets

Kind = Literal[
    "run_failed",
    "gate_failed",
    "delivery_broken",
    "forecasts_degraded",
    "trained",
    "promotion",
    "rollback",
    "challenge_started",
    "challenger_won",
    "challenger_lost",
    "challenger_withdrawn",
    "runs_out",
    "test",
]
HEADINGS: dict[Kind, str] = {
    "run_failed": "Run failed",
    "gate_failed": "Candidate refused",
    "delivery_broken": "Delivery broken",
    "forecasts_degraded": "Forecasts want a look",
    "trained": "Models trained",
    "promotion": "New champion",
    "rollback": "Former champion restored",
    "challenge_started": "Challenger serves",
    "challenger_won": "Challenger has won",
    "challenger_lost": "Challenger has lost",
    "challenger_withdrawn": "Challenge ended",
    "runs_out": "Titles will run out",
    "test": "Test",
}
LONGEST = 1500
"""Characters of a text; messages of libraries may be longer."""
_LONGEST_SUBJECT = 500
"""Of a subject; a digest takes the place of a longer one."""


class Alert(BaseModel):
    """An alert.

    Attributes:
        kind: What happened.
        subject: What it happened to; with the kind, the same alert again is not sent twice.
        text: One or a few sentences, without secrets.
        when: In UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    subject: str = ""
    text: str
    when: AwareDatetime = Field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @field_validator("subject")
    @classmethod
    def _short(cls, subject: str) -> str:
        known = _storable(subject)
        is_short = len(known) <= _LONGEST_SUBJECT
        return known if is_short else hashlib.sha256(known.encode()).hexdigest()

    @field_validator("text")
    @classmethod
    def _short_and_without_secrets(cls, text: str) -> str:
        # On one line: what a text quotes cannot look like another alert.
        shown = " ".join(without_secrets(_storable(text)).split())
        return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"

    @property
    def key(self) -> str:
        """A name for kind and subject, as a file may have it."""
        return hashlib.sha256(f"{self.kind}\n{self.subject}".encode()).hexdigest()[:16]

    @property
    def heading(self) -> str:
        """Kind in words."""
        return HEADINGS[self.kind]


def _storable(text: str) -> str:
    """Return a text without halves of characters, as names of files may have them."""
    return text.encode(errors="replace").decode()
