"""An export while mutations are chosen, and what counts as right for it."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import PurePath

from tests.exports.truth import Key, Sale, Title, Truth

_NO_TRUTH = Truth((), (), ())


def stem_of(file: str) -> str:
    """The name of a file without its folders, archives and endings."""
    return PurePath(file).name.partition(".")[0]


TEXT_FILES = ("csv", "csv.gz", "zip", "txt")


@dataclass(frozen=True)
class Line:
    """A row of an export before it is written.

    Attributes:
        title: Its title.
        week: The Saturday of the week that it belongs to.
        day: The date that is written.
        volume: Copies, or a text that stands in their place.
        value: Money, None if the cell is empty.
        asp: Money per copy.
        channel: Of rows by channel.
        isbn: The text in place of the ISBN; empty for the ISBN itself.
        dated: The date's cell is not empty.
    """

    title: Title
    week: dt.date
    day: dt.date
    volume: int | str
    value: Decimal | None
    asp: Decimal | None
    channel: str = ""
    isbn: str = ""
    dated: bool = True

    @property
    def key(self) -> Key:
        return self.title.isbn, self.week

    def scaled(self, volume: int) -> Line:
        """The same row with another volume."""
        return replace(self, volume=volume, value=(self.asp or Decimal(0)) * volume)


def line_of(sale: Sale) -> Line:
    return Line(sale.title, sale.week, sale.week, sale.volume, sale.value, sale.asp)


@dataclass(frozen=True)
class Excuse:
    """A difference that is right if the run says so.

    Attributes:
        about: Pattern of a warning or of the reason of a rejected row.
        keys: The title-weeks that may differ; None for all.
        only: ``volume``, ``price`` or ``title``: the kind of the difference.
    """

    about: str
    keys: frozenset[Key] | None = None
    only: str = "volume"


@dataclass
class Draft:
    """An export in the making; mutations change it in turn.

    Attributes:
        rng: The only source of chance.
        truth: The true history.
        deliveries: The rows of each file.
        expected: The right volume of each title-week.
        chosen: The choice of each kind of mutation that is not the usual one.
        excuses: Differences that are right if told.
        refusals: Patterns of the reasons for which a refusal is right.
        forced: The only mutations, by kind; None to draw them.
        format: The format of the files.
    """

    rng: random.Random
    truth: Truth = _NO_TRUTH
    deliveries: list[list[Line]] = field(default_factory=list)
    expected: dict[Key, int] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    excuses: list[Excuse] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    forced: dict[str, str] | None = None
    format: str = "csv"

    @property
    def is_text(self) -> bool:
        """The cells are texts."""
        return self.format in TEXT_FILES or self.format == "xlsx text"

    def choose(self, kind: str, usual: str, others: Iterable[str], share: float) -> str:
        """Choose the usual way, or with a probability one of the others, and note the latter."""
        if self.forced is not None:
            choice = self.forced.get(kind, usual)
        elif self.rng.random() < share:
            choice = self.rng.choice(list(others))
        else:
            choice = usual
        if choice != usual:
            self.chosen[kind] = choice
        return choice

    def excuse(self, about: str, keys: Iterable[Key] | None = None, only: str = "volume") -> None:
        self.excuses.append(Excuse(about, None if keys is None else frozenset(keys), only))


@dataclass
class Export:
    """Written files and their right reading.

    Attributes:
        seed: Of `mutator.mutate`.
        draft: The choices and the right reading.
        files: Content by name.
        places: The title-week of each written row, by `stem_of` its file, sheet and row number.
        prices: Columns of money that every file has and that have to be read.
        titles_checked: The texts of titles have to be right.
    """

    seed: int
    draft: Draft
    files: dict[str, bytes]
    places: dict[tuple[str, str, int], Key]
    prices: Sequence[str]
    titles_checked: bool
