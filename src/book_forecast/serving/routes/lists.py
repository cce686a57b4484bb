"""Routes of the list of titles: search, filters and views."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request, Response

from book_forecast.releases.challenges import CHAMPION_ARM
from book_forecast.serving.release.current import Current, ServedRelease
from book_forecast.serving.requests.predict import JSON
from book_forecast.serving.routes.books import ERRORS, Served
from book_forecast.serving.routes.left_out import left_out_titles
from book_forecast.serving.routes.list_schemas import Books, Facets
from book_forecast.serving.routes.selections import (
    LONGEST_SEARCH,
    MOST_BOOKS,
    Selected,
    check_field,
)
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.titles.catalogue import Selection
from book_forecast.serving.titles.groups import Field
from book_forecast.serving.titles.views import VIEWS, Order, Sort
from book_forecast.serving.titles.words import folded

MOST_NAMES = 1000
_USUAL_NAMES = 200
_LEFT_OUT_BESIDE = 5
"""Titles without a forecast that are listed beside the results of a search."""


def make_router() -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["books"])
    router.add_api_route(
        "/books",
        books,
        response_model=Books,
        responses=ERRORS,
        summary="Search, filter and sort the titles",
    )
    router.add_api_route(
        "/names",
        names,
        response_model=Facets,
        responses=ERRORS,
        summary="Names that titles share, such as their authors",
    )
    return router


def books(
    request: Request,
    served: Served,
    selected: Selected,
    sort: Annotated[
        Sort | None,
        Query(
            description="By default `match` with words, `title` without, and otherwise that of the "
            "view. Changes by their size; titles without a value come last."
        ),
    ] = None,
    order: Annotated[
        Order | None,
        Query(description="By default `asc` for titles and running out, `desc` for numbers."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_BOOKS)] = 50,
    offset: Annotated[int, Query(ge=0)] = 0,
    sparklines: Annotated[bool, Query(description="Whether titles have `sparkline`.")] = False,
    facets: Annotated[
        bool, Query(description="Whether to count the titles by the names that they share.")
    ] = False,
) -> Response:
    """Titles of the release that is served, with the size of their forecasts."""
    settings: ServiceSettings = request.app.state.settings
    current: Current = request.app.state.current
    catalogue, text = served.catalogue(), selected.text
    found = catalogue.find(selected)
    rows = catalogue.ordered(found, sort or usual_sort(selected), order)
    listed = []
    for row in rows[offset : offset + limit].tolist():
        book = catalogue.book(row)
        if sparklines:
            book["sparkline"] = catalogue.sparkline(row)
        listed.append(book)
    content = {
        "arm": CHAMPION_ARM,
        "release": served.release,
        "cutoff": served.reader.payload.manifest["cutoff"],
        "longest_horizon": settings.max_horizon,
        "changes": _changes(served),
        "stock": {
            "n_titles": len(catalogue.stock),
            "last_week": catalogue.stock.last_week,
            "problem": current.stock_problem.text,
        },
        "total": len(rows),
        "is_similar": found.matches.is_similar,
        "books": listed,
        "facets": catalogue.facets(found, _USUAL_NAMES) if facets else None,
        "left_out": left_out_titles(served, text, _LEFT_OUT_BESIDE) if text else None,
    }
    # FastAPI's check against the model would take as long as everything else.
    return Response(orjson.dumps(content), media_type=JSON)


def names(
    served: Served,
    selected: Selected,
    by: Annotated[Field, Query(description="Which names.")],
    text: Annotated[
        str, Query(max_length=LONGEST_SEARCH, description="Part of the names; case is no matter.")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_NAMES)] = _USUAL_NAMES,
) -> dict[str, Any]:
    """Names of some titles, with the number of titles; those with most titles come first."""
    catalogue = served.catalogue()
    groups = catalogue.groups[check_field(catalogue, by, served.release)]
    found = catalogue.find(selected)
    counts = groups.counts(found.without.get(by, found.mask))
    part = folded(text)
    chosen = [
        code
        for code in np.argsort(-counts, kind="stable").tolist()
        if counts[code] and part in groups.plain_names[code]
    ]
    return {
        "by": by,
        "arm": CHAMPION_ARM,
        "release": served.release,
        "total": len(chosen),
        "names": [
            {"name": groups.names[code], "n_titles": int(counts[code])} for code in chosen[:limit]
        ],
    }


def usual_sort(selected: Selection) -> Sort:
    """Return the sort of a selection where none is asked for."""
    if selected.text:
        return "match"
    return "title" if selected.view == "all" else VIEWS[selected.view].sort


def _changes(served: ServedRelease) -> dict[str, Any]:
    catalogue = served.catalogue()
    changes, promotion = catalogue.changes, catalogue.promotion
    return {
        "state": catalogue.comparison,
        "before": changes and changes.before,
        "promotion": promotion and promotion.model_dump(include={"action", "when", "who", "why"}),
    }
