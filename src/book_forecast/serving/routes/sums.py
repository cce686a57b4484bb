"""Routes of sums: the demand of a title over some weeks, and totals over titles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Query, Request, Response

from book_forecast.payload.sums import SumForecast
from book_forecast.releases.challenges import CHAMPION_ARM
from book_forecast.serving.errors import RequestError
from book_forecast.serving.requests.predict import (
    DEFAULT_LEVELS,
    JSON,
    MOST_LEVELS,
    check_title,
    read_isbn,
)
from book_forecast.serving.routes.books import (
    ERRORS,
    FILES,
    TITLE_ERRORS,
    Isbn,
    Level,
    Served,
    WantedArm,
)
from book_forecast.serving.routes.file_responses import file_of
from book_forecast.serving.routes.predictions import answering_release
from book_forecast.serving.routes.schemas import Demand, Totals
from book_forecast.serving.routes.selections import Selected, check_field
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.sheets.tables import LEVEL, about_sheet, totals_sheet
from book_forecast.serving.titles.groups import Field, Rows
from book_forecast.serving.titles.totals import USUAL_WEEKS, Days, GroupSort, tails

By = Literal[Field, "all"]
OVER_ALL: By = "all"
MOST_GROUPS = 200
_USUAL_GROUPS = 25
Levels = Annotated[
    list[Level],
    Query(max_length=MOST_LEVELS, description="Intervals in percent; may be given several times."),
]


def make_router(settings: ServiceSettings) -> APIRouter:
    """Return the routes; the settings limit the weeks."""
    longest = settings.max_horizon
    ahead = Query(
        min(USUAL_WEEKS, longest),
        ge=1,
        le=longest,
        description="Weeks to add up, from `from` on.",
    )
    begin = Query(
        1,
        alias="from",
        ge=1,
        le=longest,
        description="First week to add up; 1 is the one after the cutoff.",
    )

    async def demand(
        request: Request,
        _: Served,
        isbn: Isbn,
        first: int = begin,
        weeks: int = ahead,
        level: Levels = list(DEFAULT_LEVELS),  # noqa: B006 - FastAPI copies it
        arm: WantedArm = None,
    ) -> Response:
        """What a title sells in some weeks after its cutoff together, such as a lead time."""
        isbn = read_isbn(isbn)
        answering, served = answering_release(request, isbn, arm)
        check_title(served.reader, isbn)
        _check_span(first, weeks, longest)
        days = served.sums.next_weeks(first - 1 + weeks, isbn)
        content = {
            "isbn": isbn,
            "arm": answering,
            "release": served.release,
            **_about_span(days, first, weeks),
            **_described(served.sums.sum_of([isbn], days[first - 1 :], tails(level)), level),
        }
        # FastAPI's check against the model would take as long as everything else.
        return Response(orjson.dumps(content), media_type=JSON)

    def totals(
        served: Served,
        selected: Selected,
        by: Annotated[By, Query(description="What the titles are added up by.")] = "all",
        first: int = begin,
        weeks: int = ahead,
        level: Levels = list(DEFAULT_LEVELS),  # noqa: B006 - FastAPI copies it
        sort: Annotated[
            GroupSort, Query(description="The largest group first, or by name.")
        ] = "mean",
        limit: Annotated[int, Query(ge=1, le=MOST_GROUPS, description="Groups at most.")] = (
            _USUAL_GROUPS
        ),
        offset: Annotated[int, Query(ge=0)] = 0,
        format: Annotated[  # noqa: A002
            Literal["json", "csv", "xlsx"],
            Query(description="Of the response; a file has intervals of 80 %."),
        ] = "json",
    ) -> Response:
        """What titles sell together in some weeks after the release's cutoff.

        A title that the release does not forecast as far is left out. The means of all groups add
        up to that of all titles.
        """
        if format != "json":
            level = [LEVEL]
        _check_span(first, weeks, longest)
        catalogue, reader = served.catalogue(), served.totals
        field = None if by == "all" else check_field(catalogue, by, served.release)
        rows = within = np.flatnonzero(catalogue.find(selected).mask)
        groups: list[tuple[str | None, Rows]] = []
        days = np.empty(0, "datetime64[D]")
        if served.sums.isbns:
            days = served.sums.next_weeks(first - 1 + weeks)
            within = reader.within_reach(rows, days[first - 1 :])
            groups = [(OVER_ALL, within)]
            if field is not None:
                of_field = catalogue.groups[field]
                groups = reader.groups_of(of_field, within, days[first - 1 :], sort)
        found = [
            reader.total(name, members, days[first - 1 :], tails(level))
            for name, members in groups[offset : offset + limit]
        ]
        span = _about_span(days, first, weeks)
        if format != "json":
            notes = [("Weeks to", f"{span['first_week']} … {span['last_week']}")]
            sheets = [totals_sheet(by, found), about_sheet(served, notes)]
            return file_of(sheets, f"totals-{span['cutoff']}-by-{by.replace('_', '-')}", format)
        content = {
            "by": by,
            "arm": CHAMPION_ARM,
            "release": served.release,
            **span,
            "n_titles": len(within),
            "n_beyond": len(rows) - len(within),
            "n_groups": len(groups),
            "totals": [
                {
                    "name": total.name,
                    "n_titles": total.n_titles,
                    **_described(total.found, level),
                }
                for total in found
            ],
        }
        return Response(orjson.dumps(content), media_type=JSON)

    router = APIRouter(tags=["sums"])
    router.add_api_route(
        "/books/{isbn}/demand",
        demand,
        response_model=Demand,
        responses=TITLE_ERRORS,
        summary="What a title sells in some weeks together",
    )
    router.add_api_route(
        "/totals",
        totals,
        response_model=Totals,
        responses={200: FILES, **ERRORS},
        summary="What titles sell in some weeks together",
    )
    return router


def _check_span(first: int, weeks: int, longest: int) -> None:
    """Refuse a span that ends beyond the last week that may be asked for."""
    if (last := first + weeks - 1) > longest:
        raise RequestError(
            422,
            f"from and weeks: {weeks} weeks from week {first} on end with week {last}, but "
            f"the last one is {longest}.",
        )


def _about_span(days: Days, first: int, weeks: int) -> dict[str, Any]:
    """Return a span; the days begin with the first week after the cutoff."""
    return {
        "cutoff": str(days[0] - np.timedelta64(7, "D")) if len(days) else None,
        "first": first,
        "weeks": weeks,
        "first_week": str(days[first - 1]) if len(days) else None,
        "last_week": str(days[-1]) if len(days) else None,
    }


def _described(found: SumForecast, levels: list[float]) -> dict[str, Any]:
    pairs = np.round(found.quantiles, 3).reshape(-1, 2).tolist()
    return {
        "mean": round(found.mean, 3),
        "expected": round(found.expected, 3),
        "intervals": [
            {"level": level, "lower": lower, "upper": upper}
            for level, (lower, upper) in zip(dict.fromkeys(levels), pairs, strict=True)
        ],
    }
