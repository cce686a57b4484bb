"""The parameters of a title's sales, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ProductClass(StrEnum):
    """Nielsen's product classes, as the sheets of an export are named."""

    FICTION = "F Adult Fiction"
    SPECIALIST = "S Adult Non-Fiction Specialist"
    TRADE = "T Adult Non-Fiction Trade"
    CHILDREN = "Y Children's, YA & Educational"


@dataclass(frozen=True)
class Launch:
    """Publication: sales start ``height`` times above the backlist level and decay to it.

    Attributes:
        height: Multiple of the backlist level in the first full week.
        weeks: Weeks in which the launch falls to about a third.
    """

    height: float
    weeks: float


@dataclass(frozen=True)
class TieIn:
    """A film or series: a step up that wears off to a lasting gain.

    Attributes:
        week: Index of the week of the premiere.
        height: Multiple of the level before.
        weeks: Weeks in which the excitement falls to about a third.
        lasting: Multiple of the old level that remains.
    """

    week: int
    height: float
    weeks: float
    lasting: float


@dataclass(frozen=True)
class Pricing:
    """A title's prices, and the response of readers.

    Attributes:
        rrp: Recommended price in pounds in the first week.
        rises: Price rises a year, of ``step`` pounds each.
        step: Pounds of one rise.
        discount: Share off the recommended price in an ordinary week.
        promotions: Promotions a year.
        depth: Additional share off in a typical promotion.
        elasticity: Promoted copies grow with the price ratio to minus this power.
    """

    rrp: float
    rises: float
    step: float
    discount: float
    promotions: float
    depth: float
    elasticity: float


@dataclass(frozen=True)
class Character:
    """All parameters of one title's sales.

    Attributes:
        copies: Backlist level, copies in an ordinary week.
        trend: Log growth of that level a year.
        peaks: Copies in the strongest week of an occasion, by its name, as a multiple of the
            usual ones; 1 for occasions without an entry.
        first: Index of the week of publication (negative: before the sample begins).
        last: Index of the last week on sale, None for a title that stays in print.
        launch: Its launch.
        tie_in: Film or series, if any.
        drift: Weekly log standard deviation of the wandering level.
        noise: Log standard deviation of the autocorrelated weekly noise.
        dispersion: Shape of the negative binomial; small means counts vary far beyond Poisson.
        publicity: Reviews, prizes and bulk orders a year.
        pricing: Prices and promotions.
    """

    copies: float
    trend: float
    peaks: Mapping[str, float]
    first: int
    last: int | None
    launch: Launch
    tie_in: TieIn | None
    drift: float
    noise: float
    dispersion: float
    publicity: float
    pricing: Pricing
