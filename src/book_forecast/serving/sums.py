"""Routes of sums: a title's demand over the next weeks, and totals over titles."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import orjson
from fastapi import APIRouter, Query, Response

from book_forecast.payload.sums import SumForecast, SumReader
from book_forecast.serving.books import ERRORS, TITLE_ERRORS, Isbn, Level, Served
from book_forecast.serving.predict import (
    DEFAULT_LEVELS,
    JSON,
    MOST_LEVELS,
    check_title,
    read_isbn,
)
from book_forecast.serving.schemas import Demand, Totals
from book_forecast.serving.settings import ServiceSettings

DEFAULT_WEEKS = 13
By = Literal["product_class", "all"]
OVER_ALL: By = "all"
Levels = Annotated[
    list[Level],
    Query(max_length=MOST_LEVELS, description="Intervals in percent; may be given several times."),
]


def make_router(settings: ServiceSettings) -> APIRouter:
    """Return the routes; the settings limit the weeks."""
    longest = settings.max_horizon
    ahead = Query(
        min(DEFAULT_WEEKS, longest), ge=1, le=longest, description="Weeks ahead to add up."
    )

    async def demand(
        served: Served,
        isbn: Isbn,
        weeks: int = ahead,
        level: Levels = list(DEFAULT_LEVELS),  # noqa: B006 - FastAPI copies it
    ) -> Response:
        """What a title sells in the weeks after its cutoff together, such as a lead time."""
        isbn = read_isbn(isbn)
        check_title(served.reader, isbn)
        days = served.sums.next_weeks(weeks, isbn)
        content = {
            "isbn": isbn,
            "release": served.release,
            "cutoff": str(days[0] - np.timedelta64(7, "D")),
            "weeks": weeks,
            "last_week": str(days[-1]),
            **_sum(served.sums, [isbn], days, level),
        }
        # FastAPI's check against the model would take as long as everything else.
        return Response(orjson.dumps(content), media_type=JSON)

    def totals(
        served: Served,
        by: Annotated[By, Query(description="What the titles are added up by.")] = "all",
        weeks: int = ahead,
        level: Levels = list(DEFAULT_LEVELS),  # noqa: B006 - FastAPI copies it
    ) -> dict[str, Any]:
        """What titles sell together in the weeks after the release's cutoff.

        A title that the release does not forecast as far is left out.
        """
        about: dict[str, Any] = {"by": by, "release": served.release, "weeks": weeks}
        if not served.sums.isbns:
            return {**about, "cutoff": None, "last_week": None, "totals": []}
        days = served.sums.next_weeks(weeks)
        within = served.sums.within_reach(served.sums.isbns, days)
        groups: list[tuple[str | None, list[str]]] = [(OVER_ALL, within)]
        if by == "product_class":
            groups = served.sums.by_class(within)
        return {
            **about,
            "cutoff": str(days[0] - np.timedelta64(7, "D")),
            "last_week": str(days[-1]),
            "totals": [
                {"name": name, "n_titles": len(isbns), **_sum(served.sums, isbns, days, level)}
                for name, isbns in groups
            ],
        }

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
        responses=ERRORS,
        summary="What titles sell in some weeks together",
    )
    return router


def _sum(
    reader: SumReader, isbns: list[str], days: npt.NDArray[np.datetime64], levels: list[float]
) -> dict[str, Any]:
    distinct = list(dict.fromkeys(levels))
    tails = [0.5 - level / 200.0 for level in distinct]
    found = reader.sum_of(isbns, days, [p for tail in tails for p in (tail, 1.0 - tail)])
    return {
        "mean": round(found.mean, 3),
        "expected": round(found.expected, 3),
        "intervals": [
            {"level": level, "lower": lower, "upper": upper}
            for level, (lower, upper) in zip(distinct, _pairs(found), strict=True)
        ],
    }


def _pairs(found: SumForecast) -> list[list[float]]:
    pairs: list[list[float]] = np.round(found.quantiles, 3).reshape(-1, 2).tolist()
    return pairs
