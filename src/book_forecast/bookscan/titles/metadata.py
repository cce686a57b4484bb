"""The table of titles: what exports and lists of titles say about each title with sales."""

from __future__ import annotations

import re

import pandas as pd

from book_forecast.bookscan.columns import ATTRIBUTES
from book_forecast.bookscan.titles.natural_order import in_natural_order

_SIGNS = re.compile(r"[\W_]+")


def complete_titles(titles: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Add to titles what lists say about them; the ISBN alone decides which title is meant.

    The title is that of the list in its natural order, so that ``Alchemist, The`` is ``The
    Alchemist``, or else that of the exports. All other texts are those of the exports, or else
    those of the list. A product class of the list that an export writes otherwise (``F Adult
    Fiction``, ``F - Adult Fiction``) is written as there.

    Args:
        titles: isbn and the attributes, one row per title with sales.
        listed: isbn and the `FIELDS` of lists, one row per title.

    Returns:
        The same rows; isbn, the attributes, publication_date, country, list_price.
    """
    found = listed.set_index("isbn").reindex(pd.Index(titles["isbn"], name="isbn")).reset_index()
    found["title"] = found["title"].map(in_natural_order, na_action="ignore").astype("str")
    found["product_class"] = _as_written(found["product_class"], titles["product_class"])
    texts = {name: titles[name].fillna(found[name]) for name in ATTRIBUTES if name != "title"} | {
        "title": found["title"].fillna(titles["title"])
    }
    complete = titles[["isbn"]].assign(**{name: texts[name] for name in ATTRIBUTES})
    for name in ("publication_date", "country", "list_price"):
        complete[name] = found[name]
    return complete


def add_launches(listed: pd.DataFrame, launches: pd.DataFrame) -> pd.DataFrame:
    """Return lists of titles with what tables of launches say beyond them, one row per title.

    Args:
        listed: isbn and the `FIELDS` of lists.
        launches: The same, and further columns.
    """
    columns = list(listed.columns)
    both = pd.concat([launches[columns], listed], ignore_index=True)
    # The last value that is not missing wins.
    return both.groupby("isbn", sort=True).last().reset_index()[columns].astype(listed.dtypes)


def _as_written(texts: pd.Series, known: pd.Series) -> pd.Series:
    """Return texts as the known ones write them, where those differ in blanks and signs alone."""
    forms = {_plain(text): text for text in known.dropna().unique()}
    written = {text: forms.get(_plain(text), text) for text in texts.dropna().unique()}
    return texts.map(written).astype("str")


def _plain(text: str) -> str:
    return _SIGNS.sub("", text).casefold()
