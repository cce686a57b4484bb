"""The route of plans that are tried on a title, beside the forecast without them."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Body, Query, Response

from book_forecast.payload.arrays import FloatArray
from book_forecast.payload.forecast_reader import bounds_of
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.running_sums import running_sums_of
from book_forecast.payload.what_if import Effects, Plan, changed, effects_of
from book_forecast.releases.challenges import CHAMPION_ARM
from book_forecast.serving.errors import RequestError
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.requests.predict import JSON, check_title, read_isbn
from book_forecast.serving.requests.weeks import WeeksAhead
from book_forecast.serving.requests.what_if_body import WhatIf, plan_of, price_of
from book_forecast.serving.routes.books import TITLE_ERRORS, Isbn, Served
from book_forecast.serving.routes.explaining import day
from book_forecast.serving.routes.planning_schemas import BODY_ERRORS, WhatIfAnswer
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.sheets.files import CSV_TYPE

NO_EFFECTS = (
    "This release does not hold how its forecasts react to plans: run `kedro run --pipeline "
    "forecast`, or weekly. A level of one's own can be tried without."
)
NO_PROMOTIONS = (
    "This title's forecast does not react to promotions: there were none, or they made no "
    "difference to its sales."
)
_EXAMPLE = {
    "horizon": 13,
    "levels": [80],
    "promotions": [{"first_week": "2024-11-23", "last_week": "2024-11-30", "depth": 0.25}],
    "own_level": {"factor": 2.0, "first_week": "2024-10-05", "half_life": 6},
}
_FILE = {
    "description": "The answer, or the promotions of the plan as a file.",
    "content": {"text/csv": {"schema": {"type": "string"}}},
}


def make_router(settings: ServiceSettings) -> APIRouter:
    """Return the route; the settings limit the weeks."""
    longest = settings.max_horizon

    def what_if(
        served: Served,
        isbn: Isbn,
        asked: Annotated[WhatIf, Body(examples=[_EXAMPLE])],
        format: Annotated[  # noqa: A002
            Literal["json", "csv"], Query(description="csv: the promotions, for 01_raw/promotions.")
        ] = "json",
    ) -> Response:
        """A promotion, a price, another regressor or a level of one's own, tried on a title.

        Nothing is fitted and nothing is stored. The answer has the forecast without the plan and
        the one with it. The file has the promotions of the plan as `01_raw/promotions/` takes them.
        """
        isbn = read_isbn(isbn)
        check_title(served.reader, isbn)
        if asked.horizon > longest:
            raise RequestError(422, f"horizon: it must be 1 to {longest} weeks.")
        row = served.reader.row(isbn)
        weeks = WeeksAhead(served.reader.payload.titles["cutoff"][row].as_py(), longest)
        effects = effects_of(served.reader.payload, row)
        if effects is None and (asked.promotions or asked.regressors or asked.price):
            raise RequestError(422, NO_EFFECTS)
        plan = plan_of(asked, effects, weeks)
        if format == "csv":
            return _file(isbn, plan, weeks)
        content = _answer(served, isbn, asked, effects, plan, weeks)
        return Response(orjson.dumps(content), media_type=JSON)

    router = APIRouter(tags=["planning"])
    router.add_api_route(
        "/books/{isbn}/what-if",
        what_if,
        methods=["POST"],
        response_model=WhatIfAnswer,
        responses={200: _FILE, **TITLE_ERRORS, **BODY_ERRORS},
        summary="A plan tried on a title",
    )
    return router


def _answer(
    served: ServedRelease,
    isbn: str,
    asked: WhatIf,
    effects: Effects | None,
    plan: Plan,
    weeks: WeeksAhead,
) -> dict[str, Any]:
    mean, quantiles = served.sums.weeks_of(isbn, LONGEST_HORIZON)
    if effects is None:
        new_mean, new_quantiles = mean * plan.level, quantiles * plan.level
    else:
        new_mean, new_quantiles = changed(effects, plan, mean, quantiles)
    n, levels = asked.horizon, tuple(dict.fromkeys(asked.levels))
    plain = _forecast(served, isbn, mean[:n], quantiles[:, :n], levels)
    tried = _forecast(served, isbn, new_mean[:n], new_quantiles[:, :n], levels)
    before, after = plain["sum"]["mean"], tried["sum"]["mean"]
    return {
        "isbn": isbn,
        "arm": CHAMPION_ARM,
        "release": served.release,
        "cutoff": str(weeks.cutoff),
        "weeks": [str(weeks.saturday(ahead)) for ahead in range(n)],
        "plain": plain,
        "changed": tried,
        "difference": {
            "copies": round(after - before, 3),
            "share": round(after / before - 1.0, 4) if before else None,
        },
        "notes": list(_notes(asked, effects, plan, weeks)),
        "plan": _rows(isbn, plan, weeks),
    }


def _forecast(
    served: ServedRelease,
    isbn: str,
    mean: FloatArray,
    quantiles: FloatArray,
    levels: tuple[float, ...],
) -> dict[str, Any]:
    """Return weekly distributions and that of their sum."""
    found = bounds_of(quantiles, levels)
    tails = [0.5 - level / 200.0 for level in levels]
    probabilities = [p for tail in tails for p in (tail, 1.0 - tail)]
    sums = running_sums_of(served.sums, isbn, mean, quantiles, probabilities, [len(mean)])
    bounds = np.round(sums.quantiles[:, -1], 3).reshape(-1, 2).tolist()
    return {
        "mean": np.round(mean, 3).tolist(),
        "intervals": [
            {
                "level": level,
                "lower": np.round(lower, 3).tolist(),
                "upper": np.round(upper, 3).tolist(),
            }
            for level, (lower, upper) in found.items()
        ],
        "sum": {
            "mean": round(float(sums.mean[-1]), 3),
            "expected": round(float(sums.expected[-1]), 3),
            "intervals": [
                {"level": level, "lower": lower, "upper": upper}
                for level, (lower, upper) in zip(levels, bounds, strict=True)
            ],
        },
    }


def _notes(asked: WhatIf, effects: Effects | None, plan: Plan, weeks: WeeksAhead) -> list[str]:
    """Return sentences on what the answer does and does not have in it."""
    found = []
    tried = np.isfinite(plan.depths)
    if tried.any() and effects is not None:
        if effects.depths is None:
            found.append(NO_PROMOTIONS)
        else:
            last = int(np.flatnonzero(tried)[-1])
            if last >= len(effects.planned) and effects.promotion[0].any():
                found.append(
                    f"All weeks to {day(weeks.saturday(last))} count as planned: those without a "
                    "promotion are forecast without one, not with the usual share of promotions."
                )
    models = None if effects is None else effects.regressors
    names = [change.name for change in asked.regressors]
    if asked.price is not None and models is not None:
        names.append(price_of(models) or "price")
    for name in dict.fromkeys(names):
        if models is not None and name not in models.others:
            found.append(
                f"This title's forecast does not react to {name}: it made no difference to past "
                "sales."
            )
        elif models is not None and not models.others[name].is_known:
            found.append(
                f"The weekly forecast does not look at values of {name} ahead: declare "
                f"models.regressors.futures: {{{name}: known}} so that a plan of it counts."
            )
    return found


def _rows(isbn: str, plan: Plan, weeks: WeeksAhead) -> list[dict[str, Any]]:
    """Return the promotions of the plan, a row a week."""
    return [
        {"isbn": isbn, "week": str(weeks.saturday(ahead)), "depth": float(plan.depths[ahead])}
        for ahead in np.flatnonzero(np.isfinite(plan.depths)).tolist()
    ]


def _file(isbn: str, plan: Plan, weeks: WeeksAhead) -> Response:
    """Return the promotions as a file for 01_raw/promotions."""
    rows = _rows(isbn, plan, weeks)
    if not rows:
        raise RequestError(422, "promotions: the plan has none, so there is no file of them.")
    lines = ["isbn,week,depth", *(f"{r['isbn']},{r['week']},{r['depth']:.6g}" for r in rows)]
    name = f"promotions-{isbn}-{dt.date.fromisoformat(rows[0]['week']):%Y-%m-%d}.csv"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
    return Response("\n".join(lines) + "\n", media_type=CSV_TYPE, headers=headers)
