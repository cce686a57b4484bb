"""The route of what planners ask of a title beside its forecast."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
import orjson
import pyarrow as pa
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from book_forecast.payload.arrays import FloatArray
from book_forecast.payload.contents import Payload
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.planning import PARTS
from book_forecast.payload.running_sums import running_sums
from book_forecast.payload.what_if import effects_of
from book_forecast.releases.challenges import CHAMPION_ARM
from book_forecast.serving.errors import RequestError
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.requests.predict import JSON, check_title, read_isbn
from book_forecast.serving.requests.weeks import WEEK, WeeksAhead
from book_forecast.serving.routes.books import TITLE_ERRORS, Isbn, Level, Served
from book_forecast.serving.routes.explaining import LABELS, compared, explained, stock_sentences
from book_forecast.serving.routes.overrides import described_overrides
from book_forecast.serving.routes.planning_schemas import TitleDetails
from book_forecast.serving.routes.triable import triable
from book_forecast.serving.settings import ServiceSettings

MOST_SPANS = 10
Spans = Annotated[
    list[Annotated[int, Field(ge=1, le=LONGEST_HORIZON)]],
    Query(
        max_length=MOST_SPANS,
        description="Numbers of weeks ahead to add up; may be given several times. That of the "
        "lead time comes on top where it is known.",
    ),
]
MOST_PROMOTIONS = 20
LEAST_DEPTH = 0.05
"""Of a past promotion that is shown: prices vary a little without one."""
_BEFORE = 8
"""Weeks before a promotion that tell what sells without one."""
_FORECAST = "Run `kedro run --pipeline forecast`, or weekly."
MISSING = {
    "facts": f"This release has no details of titles. {_FORECAST}",
    "stock": "There is no advice on the stock of this title. Put it into 01_raw/stock, run `kedro "
    "run --pipeline decide`, and start the service with --stock.",
    "explanation": f"This release has no explanation of this title's forecast. {_FORECAST}",
    "promotions": f"This release has no promotions of this title. {_FORECAST}",
    "last_forecast": "This release has no forecast of the last weeks of this title: it is young, "
    "or `kedro run` has not scored it.",
}
"""What to do, by part of the answer."""


def make_router(settings: ServiceSettings) -> APIRouter:
    """Return the route; the settings limit the weeks."""
    longest = settings.max_horizon

    def details(
        request: Request,
        served: Served,
        isbn: Isbn,
        weeks: Spans = [n for n in (4, 13) if n <= longest],  # noqa: B006 - FastAPI copies it
        level: Annotated[Level, Query(description="Of intervals, in percent.")] = 80,
    ) -> Response:
        """Sums, stock, explanation, promotions, the last forecast, overrides, and what to try."""
        isbn = read_isbn(isbn)
        check_title(served.reader, isbn)
        if max(weeks, default=1) > longest:
            raise RequestError(422, f"weeks: {max(weeks)} must be 1 to {longest}.")
        row, payload = served.reader.row(isbn), served.reader.payload
        ahead = WeeksAhead(payload.titles["cutoff"][row].as_py(), longest)
        stock = _stock(served, isbn)
        spans = {*weeks, *([stock["lead_weeks"]] if stock else [])}
        parts: dict[str, Any] = {
            "facts": _planned(payload, "details", row),
            "stock": stock,
            "explanation": _explanation(payload, row, ahead),
            "promotions": _promotions(payload, row, ahead),
            "last_forecast": _last_forecast(payload, row, ahead),
        }
        content = {
            "isbn": isbn,
            "arm": CHAMPION_ARM,
            "release": served.release,
            "cutoff": ahead.cutoff,
            "sums": _sums(served, isbn, sorted(n for n in spans if 1 <= n <= longest), level),
            **parts,
            "what_if": triable(payload, effects_of(payload, row), ahead),
            "overrides": described_overrides(request, isbn),
            "writable": settings.write_overrides,
            "missing": {name: MISSING[name] for name, part in parts.items() if part is None},
        }
        return Response(orjson.dumps(content, option=orjson.OPT_UTC_Z), media_type=JSON)

    router = APIRouter(tags=["planning"])
    router.add_api_route(
        "/books/{isbn}/details",
        details,
        response_model=TitleDetails,
        responses=TITLE_ERRORS,
        summary="What planners ask of a title",
    )
    return router


def _sums(served: ServedRelease, isbn: str, spans: Sequence[int], level: float) -> Any:
    if not spans:
        return []
    tail = 0.5 - level / 200.0
    found = running_sums(served.sums, isbn, spans[-1], [tail, 1.0 - tail], spans)
    days = served.sums.next_weeks(spans[-1], isbn)
    return [
        {
            "weeks": n,
            "last_week": str(days[n - 1]),
            "mean": round(float(found.mean[place]), 3),
            "expected": round(float(found.expected[place]), 3),
            "level": level,
            "lower": round(float(found.quantiles[0, place]), 3),
            "upper": round(float(found.quantiles[1, place]), 3),
        }
        for place, n in enumerate(spans)
    ]


def _planned(payload: Payload, kind: str, row: int) -> dict[str, Any] | None:
    """Return a row of a table for planners; None without the table, or where all is null."""
    table: pa.Table | None = payload.planning.get(kind)
    if table is None:
        return None
    found = {name: table[name][row].as_py() for name in table.column_names}
    return None if all(value is None for value in found.values()) else found


def _stock(served: ServedRelease, isbn: str) -> dict[str, Any] | None:
    advice = served.stock.of(isbn)
    if advice is None:
        return None
    shown = {name: value for name, value in advice.items() if name != "isbn"}
    return {**shown, "sentences": stock_sentences(advice)}


def _explanation(payload: Payload, row: int, ahead: WeeksAhead) -> dict[str, Any] | None:
    found = _planned(payload, "explanations", row)
    if found is None or found["level"] is None:
        return None
    parts = {name: np.array(found[name]) for name in PARTS if found[name]}
    n_weeks = max((len(factors) for factors in parts.values()), default=0)
    weeks = [ahead.saturday(place) for place in range(n_weeks)]
    return {
        "weeks": weeks,
        "level": round(max(found["level"] - 1.0, 0.0), 3),
        "parts": [
            {"name": name, "label": LABELS[name], "factors": np.round(factors, 4).tolist()}
            for name, factors in parts.items()
        ],
        "members": json.loads(found["members"] or "{}"),
        "sentences": explained(found["level"], parts, weeks),
    }


def _promotions(payload: Payload, row: int, ahead: WeeksAhead) -> list[dict[str, Any]] | None:
    """Return runs of weeks with promotions, the latest first; None without the table."""
    if "promotions" not in payload.planning:
        return None
    found = _planned(payload, "promotions", row) or {}
    sold = _volumes(payload, row)
    known = zip(found.get("weeks") or [], found.get("depths") or [], strict=True)
    promoted = {week: depth for week, depth in known if depth >= LEAST_DEPTH or week > ahead.cutoff}
    runs = list(_runs(sorted(promoted)))[-MOST_PROMOTIONS:]
    return [_promotion(run, promoted, sold, ahead.cutoff) for run in reversed(runs)]


def _runs(weeks: Sequence[dt.date]) -> Iterator[list[dt.date]]:
    """Yield runs of weeks in a row."""
    run: list[dt.date] = []
    for week in weeks:
        if run and week != run[-1] + WEEK:
            yield run
            run = []
        run.append(week)
    if run:
        yield run


def _promotion(
    run: list[dt.date], promoted: dict[dt.date, float], sold: FloatArray, cutoff: dt.date
) -> dict[str, Any]:
    places = [len(sold) - 1 + (week - cutoff).days // 7 for week in run]
    inside = [sold[place] for place in places if 0 <= place < len(sold)]
    earlier = [
        sold[places[0] - back]
        for back in range(1, _BEFORE + 1)
        if 0 <= places[0] - back < len(sold) and run[0] - back * WEEK not in promoted
    ]
    during, before = _mean(inside), _mean(earlier)
    times = None if not before or during is None else round(during / before, 3)
    return {
        "first_week": run[0],
        "last_week": run[-1],
        "weeks": len(run),
        "depth": round(max(promoted[week] for week in run), 4),
        "sold": during,
        "before": before,
        "times": times,
        "is_planned": run[-1] > cutoff,
    }


def _mean(values: Sequence[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return round(float(np.mean(known)), 3) if known else None


def _last_forecast(payload: Payload, row: int, ahead: WeeksAhead) -> dict[str, Any] | None:
    found = _planned(payload, "last_forecasts", row)
    if found is None or not found["mean"] or found["first_week"] is None:
        return None
    mean = np.array(found["mean"])
    lower, upper = (np.array(found[name] or []) for name in ("lower", "upper"))
    weeks = [found["first_week"] + n * WEEK for n in range(len(mean))]
    volumes = _volumes(payload, row)
    places = [len(volumes) - 1 + (week - ahead.cutoff).days // 7 for week in weeks]
    sold = np.array([volumes[p] if 0 <= p < len(volumes) else np.nan for p in places])
    return {
        "weeks": weeks,
        "level": found["level"],
        **{
            name: np.round(values.astype(np.float64), 3).tolist()
            for name, values in (("mean", mean), ("lower", lower), ("upper", upper))
        },
        "sold": [None if np.isnan(copies) else round(float(copies), 3) for copies in sold],
        "sentence": compared(mean, lower, upper, sold, found["level"]),
    }


def _volumes(payload: Payload, row: int) -> FloatArray:
    values = payload.volumes[row].values.to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)
