"""The titles of the default sample: every kind of seller is among them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from book_forecast.sample.archetypes import Kind
from book_forecast.sample.character import ProductClass


@dataclass(frozen=True)
class Entry:
    """A named title; attributes without a value are drawn by its kind and product class.

    Attributes:
        title: Its name.
        product_class: Its product class.
        kind: Its kind of seller.
        copies: Backlist level, copies a week.
        peaks: Heights of occasions by name.
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


def _entry(values: dict[str, Any]) -> Entry:
    product_class, kind = ProductClass(values.pop("product_class")), Kind(values.pop("kind"))
    return Entry(product_class=product_class, kind=kind, **values)


# The first two lend their names and numbers from the original project; their sales are generated.
ROSTER: tuple[Entry, ...] = tuple(
    map(_entry, json.loads(files(__package__).joinpath("roster.json").read_text("utf-8")))
)
