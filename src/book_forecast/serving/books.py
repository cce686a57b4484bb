"""What is known of single titles: search, history, forecast, also as files."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, Field

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.limits import HIGHEST_LEVEL, LOWEST_LEVEL
from book_forecast.releases.promotion_log import Action
from book_forecast.serving.cache import Shelf
from book_forecast.serving.catalogue import Catalogue, Comparison, Order, Sort, rounded
from book_forecast.serving.current import Current
from book_forecast.serving.errors import NothingLoadedError, RequestError
from book_forecast.serving.files import CSV_TYPE, XLSX_TYPE, csv_file, file_name, xlsx_file
from book_forecast.serving.predict import (
    DEFAULT_HORIZON,
    DEFAULT_LEVELS,
    JSON,
    LONGEST_ISBN,
    MOST_LEVELS,
    read_isbn,
    unknown,
)
from book_forecast.serving.predict import forecast as predicted
from book_forecast.serving.routes import NOT_READY
from book_forecast.serving.schemas import Prediction, Problem
from book_forecast.serving.settings import Settings


class Promotion(BaseModel):
    """How a release became champion."""

    action: Action
    when: AwareDatetime
    who: str
    why: str


class Comparable(BaseModel):
    """Whether the release has been compared with the champion before it."""

    state: Comparison = Field(description="`none`: there is no champion before.")
    before: str | None = Field(description="The champion before; null until it is compared with.")
    promotion: Promotion | None = Field(
        description="Null until it was looked up, and where there is no record of it."
    )


class Book(BaseModel):
    """What is known of a title."""

    isbn: str
    title: str | None
    author: str | None
    product_class: str | None
    model: str
    specification: str | None
    fallback_reason: str | None = Field(description="Why its model is a simpler one than usual.")
    cutoff: dt.date | None = Field(description="Saturday of the last week that is known.")
    next_13_weeks: float | None = Field(description="Copies expected in the weeks after it.")
    change: float | None = Field(
        description="`change_copies` as a share of what the champion before expected."
    )
    change_copies: float | None = Field(
        description="Copies more than the champion before expected of the same calendar weeks; "
        "null where there is nothing to compare."
    )
    change_weeks: int | None = Field(description="How many weeks were compared, at most 32.")
    wape: float | None = Field(description="Error on the test weeks, as a share of copies sold.")
    mase: float | None = Field(description="Error on the test weeks over that of the history.")
    seasonal_naive_wape: float | None = Field(description="The same week of last year's `wape`.")
    seasonal_naive_mase: float | None = Field(description="The same week of last year's `mase`.")


class Books(BaseModel):
    """A page of titles."""

    release: str
    cutoff: dt.date | None
    longest_horizon: int = Field(description="Weeks that a forecast may be asked for.")
    changes: Comparable
    total: int = Field(description="Titles that match, on all pages.")
    books: list[Book]


class History(BaseModel):
    """The weeks that a title's model knows."""

    isbn: str
    weeks: list[dt.date] = Field(description="Saturdays.")
    volumes: list[float | None] = Field(description="Copies sold; null where none was reported.")


async def loaded(request: Request) -> ForecastReader:
    """The titles of the release that is served; a request keeps them to its end."""
    current: Current = request.app.state.current
    if current.answers is None:
        raise NothingLoadedError
    return current.answers


Loaded = Annotated[ForecastReader, Depends(loaded)]
Isbn = Annotated[
    str,
    Path(
        description="An ISBN-13 or ISBN-10, with hyphens or without.",
        max_length=LONGEST_ISBN,
        examples=["9780140449136"],
    ),
]
Level = Annotated[float, Field(ge=LOWEST_LEVEL, le=HIGHEST_LEVEL)]

_REFUSALS: dict[int | str, dict[str, Any]] = {
    422: {"model": Problem, "description": "A parameter is out of its bounds."},
    **NOT_READY,
}
_OF_A_TITLE: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "The release does not have this title."},
    **_REFUSALS,
    422: {"model": Problem, "description": "This is no ISBN, or a parameter is out of its bounds."},
}
_FILES = {
    "description": "The forecast, in the format that was asked for.",
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}},
    },
}


def make_router(settings: Settings) -> APIRouter:
    """The routes.

    Args:
        settings: How long a horizon may be.
    """
    longest = settings.max_horizon

    async def forecast(
        answers: Loaded,
        isbn: Isbn,
        horizon: int = Query(
            min(DEFAULT_HORIZON, longest), ge=1, le=longest, description="Weeks after the cutoff."
        ),
        level: list[Level] = Query(  # noqa: B008
            list(DEFAULT_LEVELS),
            max_length=MOST_LEVELS,
            description="Intervals in percent; may be given several times.",
        ),
        format: Literal["json", "csv", "xlsx"] = Query("json", description="What to answer in."),  # noqa: A002
    ) -> Response:
        """The weeks after the cutoff, as JSON or as a file for a spreadsheet.

        The CSV file is UTF-8 with a byte order mark. A text that a spreadsheet would take for a
        formula has an apostrophe before it there.
        """
        levels = tuple(dict.fromkeys(level))
        if format == "json":
            # Not checked against its model, as FastAPI would: half of the time goes there.
            content = orjson.dumps(predicted(answers, read_isbn(isbn), horizon, levels))
            return Response(content, media_type=JSON)
        # A workbook takes a while, in which others are to be answered.
        row = _row(answers, isbn)
        return await run_in_threadpool(_file, answers, row, horizon, levels, format)

    router = APIRouter(prefix="/books", tags=["books"])
    router.add_api_route(
        "", books, response_model=Books, responses=_REFUSALS, summary="Search and sort the titles"
    )
    router.add_api_route(
        "/{isbn}", book, response_model=Book, responses=_OF_A_TITLE, summary="One title"
    )
    router.add_api_route(
        "/{isbn}/history",
        history,
        response_model=History,
        responses=_OF_A_TITLE,
        summary="Past sales of a title",
    )
    router.add_api_route(
        "/{isbn}/forecast",
        forecast,
        response_model=Prediction,
        responses={200: _FILES, **_OF_A_TITLE},
        summary="Forecast of a title",
    )
    return router


def books(
    request: Request,
    answers: Loaded,
    q: Annotated[
        str,
        Query(
            max_length=200,
            description="Words of which each is part of title, author or ISBN; neither case nor "
            "accents count.",
        ),
    ] = "",
    sort: Annotated[
        Sort, Query(description="Changes by their size; titles without one come last.")
    ] = "title",
    order: Annotated[
        Order | None, Query(description="By default `asc` for titles, `desc` for numbers.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Any]:
    """Titles of the release that is served, with what they are expected to sell."""
    settings: Settings = request.app.state.settings
    catalogue = _catalogue(request, answers)
    found = catalogue.find(_isbn_or_text(answers, q), sort, order, offset, limit)
    changes = catalogue.changes
    return {
        "release": answers.payload.release,
        "cutoff": answers.payload.manifest["cutoff"],
        "longest_horizon": settings.max_horizon,
        "changes": {
            "state": catalogue.comparison,
            "before": None if changes is None else changes.before,
            "promotion": catalogue.promotion and catalogue.promotion.model_dump(),
        },
        "total": found.total,
        "books": [catalogue.book(row) for row in found.rows],
    }


def book(request: Request, answers: Loaded, isbn: Isbn) -> dict[str, Any]:
    """What is known of a title."""
    return _catalogue(request, answers).book(_row(answers, isbn))


def history(answers: Loaded, isbn: Isbn) -> dict[str, Any]:
    """The weeks up to the cutoff, without holes; the first is the first that sold."""
    row = _row(answers, isbn)
    payload = answers.payload
    volumes = payload.volumes[row].as_py() or []
    cutoff = np.datetime64(payload.titles["cutoff"][row].as_py(), "D")
    weeks = cutoff + np.timedelta64(7, "D") * np.arange(1 - len(volumes), 1)
    return {
        "isbn": answers.isbns[row],
        "weeks": weeks.tolist(),
        "volumes": [None if v is None else rounded(v, 3) for v in volumes],
    }


def _catalogue(request: Request, answers: ForecastReader) -> Catalogue:
    shelf: Shelf = request.app.state.shelf
    return shelf.catalogue(answers)


def _row(answers: ForecastReader, text: str) -> int:
    """Where a title stands.

    Raises:
        RefusedError: If it does not, or the text is no ISBN.
    """
    isbn = read_isbn(text)
    if isbn not in answers:
        raise unknown(answers, isbn)
    return answers.row(isbn)


def _isbn_or_text(answers: ForecastReader, text: str) -> str:
    """A whole ISBN in the digits that titles are kept under, or else the text itself."""
    try:
        isbn = read_isbn(text)
    except RequestError:
        return text
    return isbn if isbn in answers else text


def _file(
    answers: ForecastReader, row: int, horizon: int, levels: tuple[float, ...], suffix: str
) -> Response:
    answer = answers.forecast(answers.isbns[row], horizon, levels)
    title = answers.payload.titles["title"][row].as_py() or ""
    if suffix == "csv":
        content, media_type = csv_file(answer, title), CSV_TYPE
    else:
        content, media_type = xlsx_file(answer, title, answers.payload.release), XLSX_TYPE
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(answer, suffix)}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)
