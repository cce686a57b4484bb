"""Routes of a title: names, history, forecast and its files; `lists` finds titles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.limits import HIGHEST_LEVEL, LOWEST_LEVEL
from book_forecast.releases.challenges import Arm
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.requests.predict import (
    DEFAULT_HORIZON,
    DEFAULT_LEVELS,
    JSON,
    LONGEST_ISBN,
    MOST_LEVELS,
    check_title,
    predict_title,
    read_isbn,
)
from book_forecast.serving.routes.predictions import (
    NOT_READY,
    answering_release,
    note_forecast,
    served_release,
)
from book_forecast.serving.routes.schemas import Book, ErrorDetail, SalesHistory, TitlePrediction
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.sheets.files import CSV_TYPE, XLSX_TYPE, csv_file, file_name, xlsx_file
from book_forecast.serving.titles.catalogue import rounded

WantedArm = Annotated[
    Arm | None,
    Query(
        description="Whose forecast it is. By default that of the title's arm; a challenger's only "
        "while there is one."
    ),
]
Served = Annotated[ServedRelease, Depends(served_release)]
Isbn = Annotated[
    str,
    Path(
        description="An ISBN-13 or ISBN-10, with or without hyphens.",
        max_length=LONGEST_ISBN,
        examples=["9780140449136"],
    ),
]
Level = Annotated[float, Field(ge=LOWEST_LEVEL, le=HIGHEST_LEVEL)]

ERRORS: dict[int | str, dict[str, Any]] = {
    422: {"model": ErrorDetail, "description": "A parameter is out of its bounds."},
    **NOT_READY,
}
TITLE_ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorDetail, "description": "The release does not have this title."},
    **ERRORS,
    422: {"model": ErrorDetail, "description": "Not an ISBN, or a parameter is out of its bounds."},
}
FILES = {
    "description": "In the format that was asked for.",
    "content": {
        "text/csv": {"schema": {"type": "string"}},
        XLSX_TYPE: {"schema": {"type": "string", "format": "binary"}},
    },
}


def make_router(settings: ServiceSettings) -> APIRouter:
    """Return the routes; the settings limit the horizon."""
    longest = settings.max_horizon

    async def forecast(
        request: Request,
        isbn: Isbn,
        horizon: int = Query(
            min(DEFAULT_HORIZON, longest), ge=1, le=longest, description="Weeks after the cutoff."
        ),
        level: list[Level] = Query(  # noqa: B008
            list(DEFAULT_LEVELS),
            max_length=MOST_LEVELS,
            description="Intervals in percent; may be given several times.",
        ),
        format: Literal["json", "csv", "xlsx"] = Query("json", description="Of the response."),  # noqa: A002
        arm: WantedArm = None,
    ) -> Response:
        """The weeks after the cutoff, as JSON or as a file for a spreadsheet.

        The CSV file is UTF-8 with a byte order mark. A text that a spreadsheet would take for a
        formula has an apostrophe before it there.
        """
        levels = tuple(dict.fromkeys(level))
        number = read_isbn(isbn)
        answering, served = answering_release(request, number, arm)
        check_title(served.reader, number)
        note_forecast(request, answering, served, number, horizon)
        if format == "json":
            # FastAPI's check against the model would take as long as everything else.
            found = predict_title(served.reader, number, horizon, levels, answering)
            content = orjson.dumps(found)
            return Response(content, media_type=JSON)
        # A workbook takes a while; other requests must not wait for it.
        row = served.reader.row(number)
        return await run_in_threadpool(_file, served.reader, row, horizon, levels, format)

    router = APIRouter(prefix="/books", tags=["books"])
    router.add_api_route(
        "/{isbn}", book, response_model=Book, responses=TITLE_ERRORS, summary="One title"
    )
    router.add_api_route(
        "/{isbn}/history",
        history,
        response_model=SalesHistory,
        responses=TITLE_ERRORS,
        summary="Past sales of a title",
    )
    router.add_api_route(
        "/{isbn}/forecast",
        forecast,
        response_model=TitlePrediction,
        responses={200: FILES, **TITLE_ERRORS},
        summary="Forecast of a title",
    )
    return router


def book(served: Served, isbn: Isbn) -> dict[str, Any]:
    """Names, model, scores and change of a title."""
    return served.catalogue().book(_row(served.reader, isbn))


def history(served: Served, isbn: Isbn) -> dict[str, Any]:
    """All weeks from the first sale to the cutoff."""
    row, payload = _row(served.reader, isbn), served.reader.payload
    volumes = payload.volumes[row].as_py() or []
    cutoff = np.datetime64(payload.titles["cutoff"][row].as_py(), "D")
    weeks = cutoff + np.timedelta64(7, "D") * np.arange(1 - len(volumes), 1)
    return {
        "isbn": served.reader.isbns[row],
        "weeks": weeks.tolist(),
        "volumes": [None if v is None else rounded(v, 3) for v in volumes],
    }


def _row(reader: ForecastReader, text: str) -> int:
    isbn = read_isbn(text)
    check_title(reader, isbn)
    return reader.row(isbn)


def _file(
    reader: ForecastReader, row: int, horizon: int, levels: tuple[float, ...], suffix: str
) -> Response:
    forecast = reader.forecast(reader.isbns[row], horizon, levels)
    title = reader.payload.titles["title"][row].as_py() or ""
    if suffix == "csv":
        content, media_type = csv_file(forecast, title), CSV_TYPE
    else:
        content, media_type = xlsx_file(forecast, title, reader.payload.release), XLSX_TYPE
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(forecast, suffix)}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response(content, media_type=media_type, headers=headers)
