"""Overrides: what a person expects in place of a forecast, kept apart from models and releases.

The log is a folder beside the releases, with a file for each entry. A withdrawal is an entry of its
own.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.storage.errors import UserError
from book_forecast.storage.numbered_files import NumberedFiles

logger = logging.getLogger(__name__)

FOLDER = "overrides"
"""Of the log, in the folder of all releases."""
MOST_ENTRIES = 10_000
MOST_COPIES = 1e9
"""Of a week."""
LONGEST_NAME, LONGEST_REASON = 80, 500
_MOST_BYTES = 20_000
_ATTEMPTS = 20
# A name or reason is one line that can be shown anywhere.
_Name = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
_Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        min_length=3,
        max_length=LONGEST_REASON,
        pattern=r"^[^\x00-\x1f\x7f]*$",
    ),
]
_Copies = Annotated[float, Field(ge=0.0, le=MOST_COPIES, allow_inf_nan=False)]
_Weeks = Annotated[tuple[_Copies, ...], Field(min_length=1, max_length=LONGEST_HORIZON)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    who: _Name
    why: _Reason
    when: AwareDatetime = Field(default_factory=lambda: dt.datetime.now(dt.UTC))


class Override(_Entry):
    """What a person expects of a title.

    Attributes:
        who: The person.
        why: The reason.
        when: In UTC.
        isbn: 13 digits.
        release: The one whose forecast it replaces.
        cutoff: Last week that the forecast knew.
        first_week: Saturday of the first week.
        copies: What the person expects in each week.
        replaced: What the forecast expected.
    """

    kind: Literal["override"] = "override"
    isbn: Annotated[str, StringConstraints(pattern=r"^\d{13}$")]
    release: str
    cutoff: dt.date
    first_week: dt.date
    copies: _Weeks
    replaced: _Weeks

    @property
    def weeks(self) -> list[dt.date]:
        """The Saturdays."""
        return [self.first_week + dt.timedelta(weeks=n) for n in range(len(self.copies))]


class Withdrawal(_Entry):
    """An override is withdrawn: it is shown no more, and scored nevertheless.

    Attributes:
        of: Number of the override.
    """

    kind: Literal["withdrawal"] = "withdrawal"
    of: int = Field(ge=1)


class LoggedOverride(BaseModel):
    """An override as the log has it.

    Attributes:
        number: In the log, from 1.
        override: The entry.
        withdrawal: Of it; None if it holds.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    override: Override
    withdrawal: Withdrawal | None = None


class FullLogError(UserError):
    """The log has as many entries as it may have."""


class UnknownOverrideError(UserError):
    """The log has no override of this number."""


class WithdrawnOverrideError(UserError):
    """The override was withdrawn before."""


_ANY: TypeAdapter[Override | Withdrawal] = TypeAdapter(
    Annotated[Override | Withdrawal, Field(discriminator="kind")]
)


class OverrideLog:
    """The log beside the releases."""

    def __init__(self, releases: str) -> None:
        """Open a log.

        Args:
            releases: Folder of all releases, local or `gs://…`; it need not have a log yet.
        """
        self.location = f"{releases.rstrip('/')}/{FOLDER}"
        self._files = NumberedFiles(self.location)
        # Entries never change.
        self._known: dict[int, Override | Withdrawal | None] = {}

    def overrides(self) -> list[LoggedOverride]:
        """Read all overrides, the oldest first; unreadable entries cost a warning each."""
        # Threads of the service read at the same time: each has a copy of its own.
        known = dict(self._known)
        for number in self._files.numbers():
            if number not in known:
                known[number] = self._read(number)
        self._known = known
        withdrawn = {entry.of: entry for entry in known.values() if isinstance(entry, Withdrawal)}
        return [
            LoggedOverride(number=number, override=entry, withdrawal=withdrawn.get(number))
            for number, entry in sorted(known.items())
            if isinstance(entry, Override)
        ]

    def add(self, entry: Override | Withdrawal) -> int:
        """Append an entry.

        Returns:
            Its number.

        Raises:
            FullLogError: If the log is full.
            UserError: If it cannot be written.
        """
        content = entry.model_dump_json(indent=1).encode()
        for _ in range(_ATTEMPTS):
            number = self._files.next_number()
            if number > MOST_ENTRIES:
                raise FullLogError(
                    f"{self.location} has {MOST_ENTRIES} entries, which is the most. Move it away; "
                    "a new log begins with the next override."
                )
            try:
                self._files.add(number, content)
            except FileExistsError:
                continue
            except OSError as error:
                raise UserError(
                    f"The override cannot be written to {self.location}: {error}."
                ) from error
            return number
        raise UserError(
            f"Many others write to {self.location} at the same time: try again in a moment."
        )

    def withdraw(self, number: int, who: str, why: str, isbn: str | None = None) -> Override:
        """Withdraw an override.

        Args:
            number: Of the override.
            who: Withdraws it.
            why: The reason.
            isbn: Of the title that it must be of; None for any.

        Returns:
            The override.

        Raises:
            UnknownOverrideError: If there is none of this number and title.
            WithdrawnOverrideError: If it is withdrawn already.
            UserError: If name or reason are unusable, or the withdrawal cannot be written.
        """
        found = {one.number: one for one in self.overrides()}.get(number)
        if found is None or isbn not in (None, found.override.isbn):
            raise UnknownOverrideError(f"{isbn or self.location} has no override {number}.")
        if found.withdrawal is not None:
            raise WithdrawnOverrideError(
                f"Override {number} was withdrawn by {found.withdrawal.who} on "
                f"{found.withdrawal.when:%Y-%m-%d}."
            )
        try:
            entry = Withdrawal(who=who, why=why, of=number)
        except ValidationError as error:
            raise UserError(f"The override cannot be withdrawn: {problems_in(error)}.") from None
        self.add(entry)
        return found.override

    def _read(self, number: int) -> Override | Withdrawal | None:
        try:
            return _ANY.validate_json(self._files.read(number, _MOST_BYTES))
        except ValidationError:
            path = self._files.path(number)
            logger.warning("%s is no override, and is passed over", path)
            return None


def problems_in(error: ValidationError) -> str:
    """Return what is wrong with the fields of an entry, in one line."""
    found = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)
