"""The route of titles without a forecast, and why they have none."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Response

from book_forecast.releases.challenges import CHAMPION_ARM
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.requests.predict import JSON
from book_forecast.serving.routes.books import ERRORS, FILES, Served
from book_forecast.serving.routes.file_responses import file_of
from book_forecast.serving.routes.list_schemas import LeftOutTitles
from book_forecast.serving.routes.selections import LONGEST_SEARCH, MOST_BOOKS
from book_forecast.serving.sheets.tables import about_sheet, left_out_sheet


def make_router() -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["books"])
    router.add_api_route(
        "/left-out",
        left_out,
        response_model=LeftOutTitles,
        responses={200: FILES, **ERRORS},
        summary="Titles without a forecast, and why",
    )
    return router


def left_out(
    served: Served,
    q: Annotated[str, Query(max_length=LONGEST_SEARCH, description="Words of title or ISBN.")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_BOOKS)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
    format: Annotated[  # noqa: A002
        Literal["json", "csv", "xlsx"],
        Query(description="Of the response; a file has all titles that match."),
    ] = "json",
) -> Response:
    """Titles that were delivered, but are not in the release; it may not tell them."""
    if format == "json":
        content = left_out_titles(served, q, limit, offset)
        return Response(orjson.dumps(content), media_type=JSON)
    sheets = [left_out_sheet(served.catalogue(), q), about_sheet(served)]
    cutoff = served.reader.payload.manifest["cutoff"]
    return file_of(sheets, f"without-a-forecast-{cutoff}", format)


def left_out_titles(
    served: ServedRelease, text: str, limit: int, offset: int = 0
) -> dict[str, Any]:
    """Return some of the titles without a forecast that match a text, as the API has them."""
    total, titles = served.catalogue().left_out(text, offset + limit)
    titles = titles[offset:]
    return {"arm": CHAMPION_ARM, "release": served.release, "total": total, "titles": titles}
