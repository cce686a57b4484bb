"""Route of files with the titles of the list, for spreadsheets."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from book_forecast.serving.routes.books import ERRORS, FILES, Served
from book_forecast.serving.routes.file_responses import file_of
from book_forecast.serving.routes.lists import usual_sort
from book_forecast.serving.routes.selections import Selected
from book_forecast.serving.sheets.tables import about_sheet, all_sheets, titles_sheet
from book_forecast.serving.titles.views import Order, Sort


def make_router() -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["books"])
    router.add_api_route(
        "/export",
        export,
        response_class=Response,
        responses={200: FILES, **ERRORS},
        summary="The titles of a list as a file",
    )
    return router


def export(
    served: Served,
    selected: Selected,
    format: Annotated[Literal["csv", "xlsx"], Query(description="Of the file.")],  # noqa: A002
    sort: Annotated[Sort | None, Query(description="As in `/books`.")] = None,
    order: Annotated[Order | None, Query(description="As in `/books`.")] = None,
    everything: Annotated[
        bool,
        Query(description="Whether a workbook has a sheet for every view, and for totals."),
    ] = False,
) -> Response:
    """All titles of a list, with numbers as numbers.

    A CSV file is UTF-8 with a byte order mark. A text that a spreadsheet would take for a formula
    has an apostrophe before it there.
    """
    cutoff = served.reader.payload.manifest["cutoff"]
    if everything and format == "xlsx":
        return file_of(all_sheets(served), f"books-{cutoff}", format)
    catalogue = served.catalogue()
    rows = catalogue.ordered(catalogue.find(selected), sort or usual_sort(selected), order)
    sheet = titles_sheet(catalogue, rows, selected.view)
    name = f"books-{cutoff}-{selected.view.replace('_', '-')}"
    return file_of([sheet, about_sheet(served)], name, format)
