"""A small true history, from which `mutator` writes exports."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal

from book_forecast.bookscan.isbn_text import check_digit_13

Key = tuple[str, dt.date]
"""ISBN and week-ending Saturday."""

_WEEK = dt.timedelta(days=7)
# The newest week that a history may have; it lies in the past wherever the tests run.
_LATEST = dt.date(2024, 12, 28)
_WORDS = (
    "River",
    "Café",
    "Night",
    "Straße",
    "Señor",
    "Garden",
    "Ångström",
    "Crown",
    "Naïve",
    "Sea",
)
_AUTHORS = ("Brontë, Charlotte", "Smith, Zadie", "Böll, Heinrich", "Le Carré, John", None)
_CLASSES = ("F Adult Fiction", "S Adult Non-Fiction Specialist", "Y Children's, YA & Educational")
_PRICES = (None, "6.99", "9.99", "12.50", "25.00")


@dataclass(frozen=True)
class Title:
    """A title; author and RRP may be unknown."""

    isbn: str
    title: str
    author: str | None
    rrp: Decimal | None
    product_class: str


@dataclass(frozen=True)
class Sale:
    """The sales of a title in a week; volume is above zero."""

    title: Title
    week: dt.date
    volume: int
    asp: Decimal

    @property
    def key(self) -> Key:
        return self.title.isbn, self.week

    @property
    def value(self) -> Decimal:
        return self.asp * self.volume


@dataclass(frozen=True)
class Truth:
    """Sales of 2 to 15 titles in 20 to 160 weeks.

    Attributes:
        titles: The titles.
        weeks: All weeks, also those without a sale of any title.
        sales: One per title and week with a sale, by title, newest week first.
    """

    titles: tuple[Title, ...]
    weeks: tuple[dt.date, ...]
    sales: tuple[Sale, ...]

    @property
    def volumes(self) -> dict[Key, int]:
        return {sale.key: sale.volume for sale in self.sales}


def make_truth(rng: random.Random, fewest_titles: int = 2, *, roundable: bool = False) -> Truth:
    """Draw a history.

    The two newest weeks have a sale of every title. A title starts in its week of launch and sells
    in most weeks after it. One history in eight has a gap of weeks without any sale.

    Args:
        rng: The source of chance.
        fewest_titles: At least 2.
        roundable: The ISBNs share six digits that are a valid ISBN with zeros behind them.
    """
    n_weeks = rng.choice((rng.randint(20, 40), rng.randint(40, 80), rng.randint(80, 160)))
    last = _LATEST - _WEEK * rng.randint(0, 1000)
    weeks = tuple(last - _WEEK * back for back in reversed(range(n_weeks)))
    prefix = _draw_prefix(rng) if roundable else ""
    titles: dict[str, Title] = {}
    for _ in range(rng.randint(fewest_titles, 15)):
        title = _draw_title(rng, prefix)
        titles[title.isbn] = title
    gap = range(0)
    if n_weeks > 30 and rng.random() < 0.12:
        start = rng.randint(8, n_weeks - 14)
        gap = range(start, start + rng.randint(3, 6))
    sales = [sale for title in titles.values() for sale in _draw_sales(rng, title, weeks, gap)]
    return Truth(tuple(titles.values()), weeks, tuple(sales))


def _draw_prefix(rng: random.Random) -> str:
    while True:
        prefix = f"978{rng.randint(0, 199):03d}"
        if check_digit_13(f"{prefix}000000") == "0":
            return prefix


def _draw_title(rng: random.Random, prefix: str) -> Title:
    twelve = prefix or rng.choice(("9780", "9781", "97902", "9783", "97884"))
    twelve += "".join(rng.choice("0123456789") for _ in range(12 - len(twelve)))
    words = rng.sample(_WORDS, 3)
    rrp = rng.choice(_PRICES)
    return Title(
        isbn=twelve + check_digit_13(twelve),
        title=f"The {words[0]}, {words[1]} & {words[2]}",
        author=rng.choice(_AUTHORS),
        rrp=None if rrp is None else Decimal(rrp),
        product_class=rng.choice(_CLASSES),
    )


def _draw_sales(
    rng: random.Random, title: Title, weeks: tuple[dt.date, ...], gap: range
) -> list[Sale]:
    launch = rng.choice((0, 0, 0, rng.randint(0, len(weeks) - 12)))
    level = rng.lognormvariate(5.5, 1.3)
    price = title.rrp or Decimal("8.99")
    sales = []
    for number in range(launch, len(weeks)):
        week = weeks[number]
        is_newest = number >= len(weeks) - 2
        if number in gap or (rng.random() < 0.06 and not is_newest):
            continue
        season = 2.5 if week.month == 12 else 1.0
        age = 1.0 + 2.0 * 0.7 ** (number - launch) if launch else 1.0
        volume = 1 + int(level * season * age * rng.lognormvariate(0, 0.25))
        asp = (price * rng.choice((100, 95, 90, 70)) / 100).quantize(Decimal("0.01"))
        sales.append(Sale(title, week, volume, asp))
    return sales[::-1]
