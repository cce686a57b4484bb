"""The titles of the default sample, chosen so that everything books do is in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from book_forecast.sample.archetypes import Kind
from book_forecast.sample.character import ProductClass

BEFORE = "2004-01-03"


@dataclass(frozen=True)
class Entry:
    """One title by name; what is left out is drawn from its kind and product class.

    Attributes:
        title: Its name.
        product_class: Its product class.
        kind: What sort of seller it is.
        copies: Backlist level, copies a week.
        peaks: Heights of single occasions, by their names in ``Peaks``.
        first: Week of publication, ISO date of a Saturday.
        last: Last week on sale.
        premiere: Week of the film.
        trend: Log growth of the level a year.
        binding: Binding, as the product class names it.
        isbn: 13 digits; an invented one otherwise.
        author: An invented one otherwise.
    """

    title: str
    product_class: ProductClass
    kind: Kind
    copies: float | None = None
    peaks: Mapping[str, float] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None
    premiere: str | None = None
    trend: float | None = None
    binding: str | None = None
    isbn: str | None = None
    author: str | None = None


F, S, T, Y = ProductClass

ROSTER: tuple[Entry, ...] = (
    # The original project's two defaults lend their names and numbers; their sales are generated.
    Entry(
        "The Alchemist",
        F,
        Kind.PERENNIAL,
        copies=520,
        peaks={"christmas": 2.1, "summer": 1.45},
        first=BEFORE,
        trend=0.01,
        binding="Paperback",
        isbn="9780722532935",
        author="Coelho, Paulo",
    ),
    Entry(
        "The Very Hungry Caterpillar",
        Y,
        Kind.PERENNIAL,
        copies=1150,
        peaks={"christmas": 2.9, "world_book_day": 2.1, "easter": 1.6, "back_to_school": 1.15},
        first=BEFORE,
        trend=0.0,
        binding="Board Book",
        isbn="9780241003008",
        author="Carle, Eric",
    ),
    Entry(
        "The Salt Road Home",
        F,
        Kind.FILMED,
        copies=120,
        first=BEFORE,
        premiere="2017-05-20",
        binding="Paperback",
    ),
    Entry(
        "A Kitchen for All Weathers",
        T,
        Kind.GIFT,
        copies=95,
        first="2011-09-03",
        peaks={"christmas": 9.5, "mothers_day": 2.6},
        binding="Hardback",
    ),
    Entry(
        "Mole and the Moon Biscuit",
        Y,
        Kind.BACKLIST,
        copies=260,
        first="2009-03-07",
        peaks={"world_book_day": 4.2, "christmas": 2.4},
        binding="Paperback",
    ),
    Entry(
        "The Cartographer's Apprentice",
        F,
        Kind.LEAD_TITLE,
        copies=150,
        first="2016-07-09",
        binding="Paperback",
    ),
    Entry(
        "Convoy: The Winter Crossings",
        T,
        Kind.BACKLIST,
        copies=85,
        first="2010-05-01",
        peaks={"fathers_day": 3.4, "christmas": 4.2},
        binding="Paperback",
    ),
    Entry(
        "Sums Without Tears: Ages 9-11",
        Y,
        Kind.COURSE_BOOK,
        copies=140,
        first="2011-01-01",
        peaks={"back_to_school": 3.2, "exams": 2.4},
        binding="Paperback",
    ),
    Entry(
        "The Tidewater Inheritance",
        F,
        Kind.PERENNIAL,
        copies=330,
        first=BEFORE,
        peaks={"christmas": 1.8, "summer": 1.6, "mothers_day": 1.5},
        trend=-0.04,
        binding="Paperback",
    ),
    Entry(
        "Hedgerow: A Gardener's Year",
        T,
        Kind.BACKLIST,
        copies=70,
        first="2008-03-01",
        peaks={"mothers_day": 3.0, "spring": 2.2, "christmas": 2.6},
        binding="Paperback",
    ),
    Entry(
        "Bunny's Busy Spring",
        Y,
        Kind.BACKLIST,
        copies=75,
        first="2010-02-06",
        peaks={"easter": 6.5, "christmas": 1.3},
        binding="Board Book",
    ),
    Entry(
        "Clinical Skills at the Bedside",
        S,
        Kind.COURSE_BOOK,
        copies=48,
        first="2010-08-07",
        peaks={"term": 3.4, "back_to_school": 1.8, "exams": 1.2},
        binding="Paperback",
    ),
    Entry(
        "The Quiet Hour Habit",
        T,
        Kind.BACKLIST,
        copies=110,
        first="2013-01-05",
        peaks={"new_year": 3.0, "christmas": 1.7},
        binding="Paperback",
    ),
    Entry(
        "Dragon Post Number One",
        Y,
        Kind.LEAD_TITLE,
        copies=180,
        first="2018-09-15",
        peaks={"christmas": 3.8, "world_book_day": 2.6},
    ),
    Entry(
        "Death at Nether Stoke",
        F,
        Kind.FADING,
        copies=60,
        first="2009-06-06",
        last="2022-02-26",
        binding="Paperback",
    ),
    Entry(
        "Statistics for the Reluctant",
        S,
        Kind.COURSE_BOOK,
        copies=26,
        first="2009-09-05",
        peaks={"term": 2.8, "exams": 1.6},
        binding="Paperback",
    ),
    Entry(
        "Fifty Excuses for a Second Pudding",
        T,
        Kind.GIFT,
        copies=24,
        first="2014-10-04",
        peaks={"christmas": 11.0, "fathers_day": 1.8},
        trend=-0.08,
    ),
    Entry(
        "The Glass Ferry",
        F,
        Kind.LEAD_TITLE,
        copies=90,
        first="2022-03-05",
        binding="Paperback",
    ),
    Entry("Night Train to Quillan", F, Kind.LEAD_TITLE, copies=130, first="2023-03-04"),
    Entry("A Pocket History of Stone Walls", T, Kind.MIDLIST, copies=9, first="2012-09-15"),
    Entry(
        "Otter's First Words",
        Y,
        Kind.GIFT,
        copies=100,
        first="2007-08-04",
        peaks={"christmas": 5.2, "world_book_day": 1.5},
        binding="Board Book",
    ),
    Entry("Housing Law in Practice", S, Kind.MIDLIST, copies=6, first="2019-04-06"),
    Entry("Soil Mechanics of Reclaimed Land", S, Kind.SLOW, copies=0.35, first=BEFORE),
    Entry(
        "Letters from the Lamp Room",
        F,
        Kind.SLOW,
        copies=1.1,
        first="2011-05-07",
        binding="Paperback",
    ),
    Entry(
        "Marine Ecology of the Shelf Seas",
        S,
        Kind.SLOW,
        copies=0.8,
        first=BEFORE,
        peaks={"term": 2.5},
    ),
    Entry(
        "The Young Astronomer's Handbook",
        Y,
        Kind.MIDLIST,
        copies=16,
        first="2015-10-03",
        peaks={"christmas": 4.5},
    ),
)
