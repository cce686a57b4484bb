"""The titles of the sample: named ones first, then drawn ones."""

from dataclasses import dataclass, replace

import numpy as np

from book_forecast.sample import names
from book_forecast.sample.archetypes import ARCHETYPES, HABITS, draw_character
from book_forecast.sample.character import Character, ProductClass
from book_forecast.sample.roster import ROSTER, Entry
from book_forecast.sample.weeks import SampleWeeks

_IDENTITY, _CHARACTER, _SALES = range(3)
_KINDS = tuple(ARCHETYPES)
_KIND_BOUNDS = np.cumsum([archetype.share for archetype in ARCHETYPES.values()])


@dataclass(frozen=True)
class Title:
    """The columns of an export that describe a title."""

    isbn: str
    title: str
    author: str
    product_class: ProductClass
    binding: str
    imprint: str
    publisher_group: str


def title_and_character(
    number: int, seed: int, weeks: SampleWeeks
) -> tuple[Title, Character, np.random.Generator]:
    """Return title ``number`` of the sample, its character, and the generator of its sales.

    Every title has random streams of its own, so it does not depend on the number of titles.
    """
    identity = _stream(seed, number, _IDENTITY)
    entry = ROSTER[number] if number < len(ROSTER) else _draw_entry(identity)
    imprint, publisher_group = names.draw_imprint(entry.product_class, identity)
    bindings = HABITS[entry.product_class].bindings
    binding, prices, _ = (
        bindings[_pick(np.cumsum([share for *_, share in bindings]), identity)]
        if entry.binding is None
        else next(option for option in bindings if option[0] == entry.binding)
    )
    title = Title(
        isbn=entry.isbn or names.isbn_13(number),
        title=entry.title,
        author=entry.author or names.draw_author(identity),
        product_class=entry.product_class,
        binding=binding,
        imprint=imprint,
        publisher_group=publisher_group,
    )
    character = draw_character(
        entry.kind,
        entry.product_class,
        recommended_price=float(identity.choice(prices)),
        weeks=len(weeks),
        rng=_stream(seed, number, _CHARACTER),
    )
    return title, _with_entry(character, entry, weeks), _stream(seed, number, _SALES)


def market_stream(seed: int) -> np.random.Generator:
    """Return the random generator of the effects that all titles share."""
    return np.random.default_rng(np.random.SeedSequence(seed))


def _stream(seed: int, number: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, purpose)))


def _pick(bounds: np.ndarray, rng: np.random.Generator) -> int:
    return int(np.searchsorted(bounds, rng.random() * bounds[-1], side="right"))


def _draw_entry(rng: np.random.Generator) -> Entry:
    kind = _KINDS[_pick(_KIND_BOUNDS, rng)]
    classes = ARCHETYPES[kind].classes
    product_class = classes[_pick(np.cumsum([HABITS[one].share for one in classes]), rng)]
    return Entry(names.draw_title(product_class, rng), product_class, kind)


def _with_entry(character: Character, entry: Entry, weeks: SampleWeeks) -> Character:
    first = character.first if entry.first is None else weeks.index(entry.first)
    film = character.tie_in
    if film is not None and entry.premiere is not None:
        film = replace(film, week=weeks.index(entry.premiere))
    return replace(
        character,
        copies=entry.copies or character.copies,
        trend=character.trend if entry.trend is None else entry.trend,
        first=first,
        last=character.last if entry.last is None else weeks.index(entry.last),
        peaks={**character.peaks, **entry.peaks},
        tie_in=film,
    )
