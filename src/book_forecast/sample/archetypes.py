"""Kinds of titles, and the draw of a title's character by its kind and product class."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from book_forecast.sample.character import (
    Character,
    Launch,
    Pricing,
    ProductClass,
    TieIn,
)

Span = tuple[float, float]

# Fewest weeks in print.
SHORTEST_LIFE = 40


class Kind(StrEnum):
    """Kinds of sellers, as booksellers name them."""

    PERENNIAL = "perennial"
    BACKLIST = "backlist"
    GIFT = "gift"
    LEAD_TITLE = "lead title"
    MIDLIST = "midlist"
    FILMED = "filmed"
    COURSE_BOOK = "course book"
    FADING = "fading"
    SLOW = "slow seller"


@dataclass(frozen=True)
class Archetype:
    """The ranges that the characters of one kind are drawn from (log-uniformly).

    Attributes:
        share: Share of a large catalogue.
        copies: Backlist level, copies a week.
        christmas: Height of the Christmas peak.
        launch: Height of the launch above the backlist level.
        launch_weeks: Weeks in which the launch falls to a third.
        age: Years in print before the sample begins, at most; the rest come out during it.
        drift: Weekly log standard deviation of the level.
        dispersion: Shape of the negative binomial.
        promotions: Promotions a year.
        publicity: Sudden peaks a year.
        dies: Whether the title goes out of print.
        filmed: Whether there is a film.
        lessons: Whether terms and exams drive the title.
        classes: Product classes that have such titles.
    """

    share: float
    copies: Span
    christmas: Span
    launch: Span = (1.5, 5.0)
    launch_weeks: Span = (5.0, 14.0)
    age: float = 12.0
    drift: Span = (0.018, 0.032)
    dispersion: Span = (20.0, 60.0)
    promotions: Span = (0.4, 1.5)
    publicity: Span = (0.2, 0.6)
    dies: bool = False
    filmed: bool = False
    lessons: bool = False
    classes: tuple[ProductClass, ...] = tuple(ProductClass)


ARCHETYPES: dict[Kind, Archetype] = {
    Kind.PERENNIAL: Archetype(0.01, (250, 1400), (1.7, 3.6), age=60, drift=(0.012, 0.024)),
    Kind.BACKLIST: Archetype(0.2, (12, 160), (1.4, 3.0)),
    Kind.GIFT: Archetype(
        0.05,
        (15, 160),
        (5.0, 11.0),
        launch=(1.5, 4.0),
        dispersion=(10, 30),
        classes=(ProductClass.FICTION, ProductClass.TRADE, ProductClass.CHILDREN),
    ),
    Kind.LEAD_TITLE: Archetype(
        0.03, (40, 260), (1.5, 3.5), launch=(10, 40), age=1.5, promotions=(0.8, 2.0)
    ),
    Kind.MIDLIST: Archetype(
        0.18, (1.5, 18), (1.2, 2.4), launch=(6, 25), age=3, drift=(0.02, 0.04), dispersion=(6, 20)
    ),
    Kind.FILMED: Archetype(0.01, (40, 250), (1.5, 2.8), filmed=True),
    Kind.COURSE_BOOK: Archetype(
        0.05,
        (4, 130),
        (1.0, 1.15),
        publicity=(0.05, 0.2),
        promotions=(0.1, 0.4),
        lessons=True,
        classes=(ProductClass.SPECIALIST, ProductClass.CHILDREN),
    ),
    Kind.FADING: Archetype(
        0.12, (2, 70), (1.2, 2.6), launch=(4, 15), age=8, dispersion=(8, 25), dies=True
    ),
    Kind.SLOW: Archetype(
        0.35, (0.12, 1.3), (1.0, 1.7), launch=(1.5, 8), dispersion=(1.2, 5), promotions=(0.05, 0.3)
    ),
}

LESSONS: dict[str, Span] = {"exams": (2.0, 4.5), "back_to_school": (1.6, 3.5), "term": (1.3, 2.2)}


@dataclass(frozen=True)
class ClassHabits:
    """Common properties of the titles of a product class.

    Attributes:
        share: Share of a large catalogue.
        peaks: Heights of the occasions other than Christmas.
        bindings: Binding names with their first recommended prices and shares.
        rise: Pounds of one price rise.
        discount: Usual share off the recommended price.
    """

    share: float
    bindings: tuple[tuple[str, tuple[float, ...], float], ...]
    rise: float
    discount: Span
    peaks: dict[str, Span] = field(default_factory=dict)


HABITS: dict[ProductClass, ClassHabits] = {
    ProductClass.FICTION: ClassHabits(
        share=0.33,
        bindings=(
            ("Paperback", (6.99, 7.99, 8.99), 0.8),
            ("Hardback", (14.99, 16.99, 18.99), 0.2),
        ),
        rise=1.0,
        discount=(0.12, 0.28),
        peaks={"mothers_day": (1.05, 1.4), "fathers_day": (1.0, 1.25), "summer": (1.15, 1.5)},
    ),
    ProductClass.SPECIALIST: ClassHabits(
        share=0.2,
        bindings=(
            ("Paperback", (19.99, 24.99, 29.99, 34.99, 42.5), 0.75),
            ("Hardback", (45.0, 60.0, 85.0), 0.25),
        ),
        rise=2.5,
        discount=(0.01, 0.06),
        peaks={"new_year": (1.0, 1.3), "term": (1.2, 2.2), "exams": (1.0, 1.3)},
    ),
    ProductClass.TRADE: ClassHabits(
        share=0.27,
        bindings=(
            ("Paperback", (8.99, 9.99, 10.99, 12.99), 0.6),
            ("Hardback", (16.99, 20.0, 25.0), 0.4),
        ),
        rise=1.0,
        discount=(0.15, 0.32),
        peaks={
            "new_year": (1.0, 1.5),
            "mothers_day": (1.0, 1.6),
            "spring": (1.0, 1.3),
            "fathers_day": (1.05, 1.7),
            "summer": (1.0, 1.3),
        },
    ),
    ProductClass.CHILDREN: ClassHabits(
        share=0.2,
        bindings=(
            ("Paperback", (5.99, 6.99, 7.99), 0.7),
            ("Board Book", (5.99, 6.99), 0.15),
            ("Hardback", (10.99, 12.99), 0.15),
        ),
        rise=1.0,
        discount=(0.12, 0.28),
        peaks={
            "world_book_day": (1.5, 3.2),
            "easter": (1.15, 1.7),
            "summer": (1.05, 1.35),
            "back_to_school": (1.15, 1.6),
        },
    ),
}


def draw_character(
    kind: Kind,
    product_class: ProductClass,
    recommended_price: float,
    weeks: int,
    rng: np.random.Generator,
) -> Character:
    """Draw one title's character.

    Args:
        kind: Kind of the title.
        product_class: Its product class.
        recommended_price: Recommended price in the first week, pounds.
        weeks: Weeks in the sample.
        rng: Random generator.
    """
    archetype, habits = ARCHETYPES[kind], HABITS[product_class]
    heights = {name: between(rng, span) for name, span in habits.peaks.items()}
    heights |= {name: between(rng, span) for name, span in LESSONS.items() if archetype.lessons}
    first = int(rng.integers(-round(archetype.age * 52), weeks - 8))
    on_sale_from = max(first, 0)
    last = weeks - 1 - int(rng.integers(0, max(weeks - on_sale_from - SHORTEST_LIFE, 1)))
    film = TieIn(
        week=int(rng.integers(on_sale_from, weeks)),
        height=between(rng, (3.0, 6.0)),
        weeks=between(rng, (8, 20)),
        lasting=between(rng, (1.3, 2.0)),
    )
    return Character(
        copies=between(rng, archetype.copies),
        trend=float(rng.normal(-0.01, 0.04)),
        peaks=heights | {"christmas": between(rng, archetype.christmas)},
        first=first,
        last=last if archetype.dies else None,
        launch=Launch(between(rng, archetype.launch), between(rng, archetype.launch_weeks)),
        tie_in=film if archetype.filmed else None,
        drift=between(rng, archetype.drift),
        noise=between(rng, (0.07, 0.14)),
        dispersion=between(rng, archetype.dispersion),
        publicity=between(rng, archetype.publicity),
        pricing=Pricing(
            rrp=recommended_price,
            rises=between(rng, (0.12, 0.35)),
            step=habits.rise,
            discount=between(rng, habits.discount),
            promotions=between(rng, archetype.promotions),
            depth=between(rng, (0.18, 0.4)),
            elasticity=between(rng, (1.2, 2.4)),
        ),
    )


def between(rng: np.random.Generator, span: Span) -> float:
    """Draw log-uniformly from a span of positive numbers."""
    return float(np.exp(rng.uniform(*np.log(span))))
