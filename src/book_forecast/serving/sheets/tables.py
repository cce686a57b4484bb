"""Tables of titles and totals for files: what they have, and how each column is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.titles.catalogue import Catalogue, Selection
from book_forecast.serving.titles.groups import Field, Rows
from book_forecast.serving.titles.totals import Days, Total, tails
from book_forecast.serving.titles.views import VIEWS, ViewName
from book_forecast.storage.spreadsheets import Column, Kind, Sheet, about

MOST_OF_VIEW = 1000
"""Titles on the sheet of a view beside that of all titles."""
MOST_GROUPS = 100
SUMMED_WEEKS = 13
LEVEL = 80

COLUMNS: dict[str, tuple[str, Kind]] = {
    "isbn": ("ISBN", "text"),
    "title": ("Title", "text"),
    "author": ("Author", "text"),
    "product_class": ("Class", "text"),
    "publisher_group": ("Publisher", "text"),
    "imprint": ("Imprint", "text"),
    "publication_date": ("Published", "day"),
    "price": ("Price", "money"),
    "next_4_weeks": ("Next 4 weeks", "copies"),
    "next_13_weeks": ("Next 13 weeks", "copies"),
    "next_32_weeks": ("Next 32 weeks", "copies"),
    "change_copies": ("Change, copies", "copies"),
    "change": ("Change, share", "share"),
    "on_hand": ("In stock", "whole"),
    "on_order": ("On order", "whole"),
    "chance_to_run_out": ("Chance to run out", "share"),
    "run_out_week": ("Runs out in the week to", "day"),
    "order": ("Order now", "whole"),
    "last_expected": ("Last forecast", "copies"),
    "last_sold": ("Sold then", "copies"),
    "error_copies": ("Copies off", "copies"),
    "wape": ("Last error, share", "share"),
}
"""Heading and kind of a title's fields."""
_WIDTHS = {"ISBN": 16, "Title": 40, "Author": 24, "Why": 60}
_WIDTH = 14
_NAMES = ("isbn", "title", "author")
_OF_TOTALS: list[tuple[str, Kind]] = [
    ("Number of titles", "whole"),
    ("Expected", "copies"),
    (f"At least ({LEVEL} %)", "copies"),
    (f"At most ({LEVEL} %)", "copies"),
]
_ABOUT = {
    "Next 4, 13, 32 weeks": "Copies expected in the weeks after the last one with sales",
    "Change": "Copies more than in the forecast before, over the same weeks",
    "Chance to run out": "Before an order that is placed now arrives",
    "Last forecast, Sold then": "Of the last weeks that were forecast before they were known",
    "Copies off": "Sum of the weekly errors of the last forecast",
    "Last error": "The same as a share of the copies sold",
    f"At least, At most ({LEVEL} %)": f"Copies lie between them with a probability of {LEVEL} %",
}


def _columns(described: Iterable[tuple[str, Kind]]) -> list[Column]:
    return [Column(name, kind, _WIDTHS.get(name, _WIDTH)) for name, kind in described]


def titles_sheet(catalogue: Catalogue, rows: Rows, view: ViewName) -> Sheet:
    """Return titles with the columns of a view, all of them for the view of all titles."""
    names = (*_NAMES, *VIEWS[view].columns) if view != "all" else tuple(COLUMNS)
    books = (catalogue.book(row) for row in rows.tolist())
    values = [[book[name] for name in names] for book in books]
    return Sheet(VIEWS[view].heading, _columns(COLUMNS[name] for name in names), values)


def totals_sheet(by: str, totals: Sequence[Total]) -> Sheet:
    """Return totals of groups with their intervals of `LEVEL` percent."""
    rows = [
        [
            total.name,
            total.n_titles,
            round(total.found.mean, 1),
            *(round(float(bound), 1) for bound in total.found.quantiles),
        ]
        for total in totals
    ]
    heading = COLUMNS[by][0] if by in COLUMNS else "Titles"
    return Sheet(f"By {heading.lower()}", _columns([(heading, "text"), *_OF_TOTALS]), rows)


def left_out_sheet(catalogue: Catalogue, text: str = "") -> Sheet:
    """Return the titles without a forecast that match a text."""
    total, _ = catalogue.left_out(text, 0)
    _, titles = catalogue.left_out(text, total)
    rows = [[title["isbn"], title["title"], title["reason"]] for title in titles]
    columns = _columns([("ISBN", "text"), ("Title", "text"), ("Why", "text")])
    return Sheet("Without a forecast", columns, rows)


def about_sheet(served: ServedRelease, more: Sequence[tuple[str, str]] = ()) -> Sheet:
    """Return what the other sheets are made of, and what their columns mean."""
    manifest = served.reader.payload.manifest
    catalogue = served.catalogue()
    changes, stock = catalogue.changes, catalogue.stock.last_week
    facts = [
        ("Sales to", str(manifest["cutoff"])),
        ("Changes against", changes.before if changes else "no forecast before"),
        ("Stock at the end of", stock or "not known"),
        ("Release", served.release),
        *more,
        *_ABOUT.items(),
    ]
    return about(facts)


def all_sheets(served: ServedRelease) -> list[Sheet]:
    """Return a sheet for every view, and totals by every name that titles share."""
    catalogue, sheets = served.catalogue(), []
    for view in VIEWS:
        rows = catalogue.ordered(catalogue.find(Selection(view=view)), VIEWS[view].sort, None)
        shown = rows if view == "all" else rows[:MOST_OF_VIEW]
        sheets.append(titles_sheet(catalogue, shown, view))
    if served.sums.isbns:
        days = served.sums.next_weeks(SUMMED_WEEKS)
        sheets += [_totals_by(served, name, days) for name in catalogue.groups]
    sheets.append(left_out_sheet(catalogue))
    notes = [
        ("Views", f"Of each view other than all titles, the first {MOST_OF_VIEW:,} titles"),
        ("Totals", f"Of {SUMMED_WEEKS} weeks, for the {MOST_GROUPS} largest groups"),
    ]
    return [*sheets, about_sheet(served, notes)]


def _totals_by(served: ServedRelease, by: Field, days: Days) -> Sheet:
    catalogue, reader = served.catalogue(), served.totals
    every = catalogue.ordered(catalogue.find(Selection()), "title", None)
    within = reader.within_reach(every, days)
    groups = reader.groups_of(catalogue.groups[by], within, days, "mean")
    bounds = tails([LEVEL])
    totals = [reader.total(name, rows, days, bounds) for name, rows in groups[:MOST_GROUPS]]
    return totals_sheet(by, totals)
