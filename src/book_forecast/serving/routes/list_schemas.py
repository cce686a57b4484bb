"""Response bodies of the list of titles, for the OpenAPI document."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, Field

from book_forecast.releases.challenges import Arm
from book_forecast.serving.routes.schemas import ARM, Book, ReleaseComparison


class Sparkline(BaseModel):
    """A title's weeks around the cutoff."""

    sold: list[float | None] = Field(description="Copies in the last weeks; null: not known.")
    expected: list[float] = Field(description="Copies in the first weeks ahead.")


class ListedBook(Book):
    """A title in the list."""

    sparkline: Sparkline | None = Field(None, description="If it was asked for.")


class Facet(BaseModel):
    """A name that titles share."""

    name: str = Field(description="Empty: titles without one.")
    n_titles: int


class LeftOutTitle(BaseModel):
    """A title that the release does not forecast."""

    isbn: str
    title: str | None
    reason: str


class LeftOutTitles(BaseModel):
    """Titles that the release does not forecast."""

    arm: Arm = ARM
    release: str
    total: int = Field(description="Titles that match.")
    titles: list[LeftOutTitle]


class StockState(BaseModel):
    """Advice on stock, beside the release."""

    n_titles: int = Field(description="Titles with advice.")
    last_week: dt.date | None = Field(description="At whose end the stock was counted.")
    problem: str | None = Field(description="Why newer advice is not used.")


class Books(BaseModel):
    """A page of titles."""

    arm: Arm = ARM
    release: str
    cutoff: dt.date | None = Field(
        description="Saturday of the release's last week; null in a release without titles."
    )
    longest_horizon: int = Field(description="Longest horizon of a request, in weeks.")
    changes: ReleaseComparison
    stock: StockState
    total: int = Field(description="Titles that match.")
    is_similar: bool = Field(
        description="No title has all words of `q`; these have words with another letter or two."
    )
    books: list[ListedBook]
    facets: dict[str, list[Facet]] | None = Field(
        description="If they were asked for: by field, the names of most titles."
    )
    left_out: LeftOutTitles | None = Field(
        description="Titles without a forecast that match `q`, with the reason."
    )


class Facets(BaseModel):
    """Names that titles share."""

    by: str
    arm: Arm = ARM
    release: str
    total: int = Field(description="Names that match.")
    names: list[Facet]
