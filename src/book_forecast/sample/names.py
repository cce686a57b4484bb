"""Invented titles, people, publishers and ISBNs; none belongs to a real book."""

import json
from importlib.resources import files

import numpy as np

from book_forecast.sample.character import ProductClass

# The numbers from 978-66 to 978-69 belong to no ISBN agency: none can be a real book's.
ISBN_PREFIX = "97867"
_ISBN_BODIES = 10**7
# Odd and not a multiple of five, so that the multiplication below is a permutation.
_ISBN_STEP = 6_180_339

IMPRINTS: dict[ProductClass, tuple[tuple[str, str], ...]] = {
    ProductClass.FICTION: (
        ("Lanternfield", "Harrow & Quill"),
        ("Saltmarsh Press", "Harrow & Quill"),
        ("Nine Elms Fiction", "Pemberley Row Group"),
        ("Greyhound Crime", "Orrery House"),
        ("Tidewrack", "Independent Northern"),
    ),
    ProductClass.SPECIALIST: (
        ("Aldwych Academic", "Pemberley Row Group"),
        ("Cartwright Professional", "Cartwright Learned"),
        ("Fenland University Books", "Cartwright Learned"),
        ("Meridian Technical", "Orrery House"),
    ),
    ProductClass.TRADE: (
        ("Copper Kettle", "Harrow & Quill"),
        ("Larch & Lime", "Pemberley Row Group"),
        ("Orrery Non-Fiction", "Orrery House"),
        ("Signal Box", "Independent Northern"),
    ),
    ProductClass.CHILDREN: (
        ("Little Puddle", "Harrow & Quill"),
        ("Paper Kite", "Pemberley Row Group"),
        ("Moonraker Young", "Orrery House"),
        ("Clearpath Learning", "Cartwright Learned"),
    ),
}


_WORDS: dict[str, list[str]] = json.loads(
    files(__package__).joinpath("words.json").read_text(encoding="utf-8")
)

_PATTERNS: dict[ProductClass, tuple[str, ...]] = {
    ProductClass.FICTION: (
        "The {adjective} {thing}",
        "The {thing} at {place}",
        "A {thing} in {place}",
        "The {adjective} {thing} of {place}",
        "{surname}'s {adjective} {thing}",
    ),
    ProductClass.SPECIALIST: (
        "Principles of {discipline} ({edition} Edition)",
        "{discipline}: A Practical Handbook",
        "{surname}'s {discipline} ({edition} Edition)",
        "Applied {discipline}: Methods and Cases",
        "{discipline} after {surname}",
    ),
    ProductClass.TRADE: (
        "The {adjective} Life of {surname}",
        "{pastime} in {place}",
        "{pastime}: A {adjective} History",
        "{adjective} {thing}: A Memoir",
        "The {place} Book of {pastime}",
    ),
    ProductClass.CHILDREN: (
        "The {adjective} {creature}",
        "{creature} and the {adjective} {thing}",
        "{adjective} {creature} Goes to {place}",
        "{first_name} and the {creature}",
        "{lesson} Practice: Ages {age}",
    ),
}


def isbn_13(number: int) -> str:
    """Return the ISBN-13 of the sample's title ``number``.

    Raises:
        ValueError: There are not so many ISBNs.
    """
    if not 0 <= number < _ISBN_BODIES:
        raise ValueError(f"the sample has ISBNs for {_ISBN_BODIES:,} titles, not for {number:,}")
    body = f"{ISBN_PREFIX}{(number + 1) * _ISBN_STEP % _ISBN_BODIES:07d}"
    weighted = sum(int(digit) * (3 if i % 2 else 1) for i, digit in enumerate(body))
    return f"{body}{-weighted % 10}"


def draw_title(product_class: ProductClass, rng: np.random.Generator) -> str:
    """Draw a title for a product class."""
    patterns = _PATTERNS[product_class]
    youngest = int(rng.integers(4, 10))
    return patterns[rng.integers(len(patterns))].format(
        age=f"{youngest}-{youngest + 2}",
        **{kind: words[rng.integers(len(words))] for kind, words in _WORDS.items()},
    )


def draw_author(rng: np.random.Generator) -> str:
    """Draw an author, surname first as in exports."""
    surnames, first_names = _WORDS["surname"], _WORDS["first_name"]
    surname = surnames[rng.integers(len(surnames))]
    return f"{surname}, {first_names[rng.integers(len(first_names))]}"


def draw_imprint(product_class: ProductClass, rng: np.random.Generator) -> tuple[str, str]:
    """Draw an imprint and its publisher group."""
    imprints = IMPRINTS[product_class]
    return imprints[int(rng.integers(len(imprints)))]
