"""Parameters of a request that say which titles it is about."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from pydantic import Field

from book_forecast.serving.errors import RequestError
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.requests.predict import LONGEST_ISBN, check_title, read_isbn
from book_forecast.serving.routes.books import Served
from book_forecast.serving.titles.catalogue import Catalogue, Selection
from book_forecast.serving.titles.groups import Field as GroupField
from book_forecast.serving.titles.views import ViewName

MOST_BOOKS = 500
"""Titles of a response at most."""
MOST_NAMES = 100
MOST_ISBNS = 500
LONGEST_NAME = 300
LONGEST_SEARCH = 200
WHAT = {
    "product_class": "product classes",
    "publisher_group": "publisher groups",
    "imprint": "imprints",
    "author": "authors",
}
"""Names of the fields, for people."""

_Name = Annotated[str, Field(max_length=LONGEST_NAME)]


def _names(what: str) -> object:
    return Query(
        max_length=MOST_NAMES,
        description=f"Only titles of these {what}; may be given several times, and empty for "
        "titles without one.",
    )


def selection(
    served: Served,
    q: Annotated[
        str,
        Query(
            max_length=LONGEST_SEARCH,
            description="Words that are parts of title, author or ISBN; case and accents do not "
            "matter. If no title has all of them, one or two letters of a word may be wrong.",
        ),
    ] = "",
    product_class: Annotated[list[_Name] | None, _names("product classes")] = None,
    publisher_group: Annotated[list[_Name] | None, _names("publisher groups")] = None,
    imprint: Annotated[list[_Name] | None, _names("imprints")] = None,
    author: Annotated[list[_Name] | None, _names("authors")] = None,
    isbn: Annotated[
        list[Annotated[str, Field(max_length=LONGEST_ISBN)]] | None,
        Query(max_length=MOST_ISBNS, description="Only these titles; may be given several times."),
    ] = None,
    view: Annotated[
        ViewName,
        Query(
            description="`changed`: the forecast is another than before; `runs_out`: the stock is "
            "known; `wrong`: the last forecast can be held against sales; `launches`: new titles."
        ),
    ] = "all",
) -> Selection:
    """Read which titles a request is about.

    Raises:
        RequestError: If a title is no ISBN or unknown, or the release does not have the names by
            which it is asked.
    """
    given = {
        "product_class": product_class,
        "publisher_group": publisher_group,
        "imprint": imprint,
        "author": author,
    }
    filters: dict[GroupField, list[str]] = {}
    for field, names in given.items():
        if names is not None:
            filters[check_field(served.catalogue(), field, served.release)] = names
    rows = None
    if isbn is not None:
        rows = [_row(served, text) for text in isbn]
    return Selection(_isbn_or_text(served, q), filters, rows, view)


Selected = Annotated[Selection, Depends(selection)]


def check_field(catalogue: Catalogue, field: str, release: str) -> GroupField:
    """Return a field by which the titles of a release are grouped.

    Raises:
        RequestError: If the release does not have it.
    """
    for known in catalogue.groups:
        if known == field:
            return known
    raise RequestError(
        422,
        f"{field}: release {release} does not have the {WHAT[field]} of its titles. A release that "
        "is trained with this version, from exports that have them, does.",
    )


def _row(served: ServedRelease, text: str) -> int:
    isbn = read_isbn(text)
    check_title(served.reader, isbn)
    return served.reader.row(isbn)


def _isbn_or_text(served: ServedRelease, text: str) -> str:
    """Return the 13 digits of a title's ISBN in any spelling, or else the text itself."""
    try:
        isbn = read_isbn(text)
    except RequestError:
        return text
    is_known = isbn in served.reader or served.catalogue().reason_left_out(isbn) is not None
    return isbn if is_known else text
