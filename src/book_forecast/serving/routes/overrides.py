"""Overrides by people: shown beside forecasts, and written where the settings say so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.overrides import (
    LONGEST_NAME,
    LONGEST_REASON,
    MOST_COPIES,
    MOST_ENTRIES,
    FullLogError,
    LoggedOverride,
    Override,
    UnknownOverrideError,
    Withdrawal,
    WithdrawnOverrideError,
    problems_in,
)
from book_forecast.serving.errors import RequestError
from book_forecast.serving.http.guard import is_same_site
from book_forecast.serving.release.current import ServedRelease
from book_forecast.serving.requests.predict import check_title, check_type, read_isbn
from book_forecast.serving.requests.weeks import WeeksAhead
from book_forecast.serving.routes.books import TITLE_ERRORS, Isbn, Served
from book_forecast.serving.routes.planning_schemas import BODY_ERRORS, TitleOverride, TitleOverrides
from book_forecast.serving.routes.schemas import ErrorDetail
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.titles.override_book import OverrideBook
from book_forecast.storage.errors import UserError

READ_ONLY = (
    "This service takes no overrides: set BOOK_FORECAST_SERVE_WRITE_OVERRIDES=true where it starts."
)
_WITHDRAW = "/books/{isbn}/overrides/{number}/withdraw"
_Copies = Annotated[float, Field(strict=True, ge=0.0, le=MOST_COPIES, allow_inf_nan=False)]


class Signature(BaseModel):
    """Who does something, and why."""

    model_config = ConfigDict(extra="forbid")

    who: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)] = Field(
        description="Name of the person."
    )
    why: Annotated[str, StringConstraints(min_length=3, max_length=LONGEST_REASON)]


class NewOverride(Signature):
    """What a person expects in some weeks ahead, in place of the forecast."""

    first_week: dt.date = Field(description="A day of the first week.")
    copies: list[_Copies] = Field(
        min_length=1, max_length=LONGEST_HORIZON, description="Copies in each week from it on."
    )


def make_router(settings: ServiceSettings) -> APIRouter:
    """Return the routes; the settings tell whether overrides are written."""

    async def overrides(request: Request, served: Served, isbn: Isbn) -> dict[str, Any]:
        """What people expect of a title in place of its forecast, the newest first.

        They are no part of any forecast: every other route has the numbers of the release alone.
        """
        isbn = read_isbn(isbn)
        check_title(served.reader, isbn)
        return {
            "isbn": isbn,
            "writable": settings.write_overrides,
            "overrides": described_overrides(request, isbn),
        }

    def add(
        request: Request, served: Served, isbn: Isbn, made: Annotated[NewOverride, Body()]
    ) -> dict[str, Any]:
        """Sign an override; the service writes the forecast that it replaces beside it."""
        _check_writer(request, settings)
        isbn = read_isbn(isbn)
        check_title(served.reader, isbn)
        entry = _entry(served, isbn, made, settings.max_horizon)
        with _written(request) as book:
            number = book.log.add(entry)
        return _described(LoggedOverride(number=number, override=entry))

    def withdraw(
        request: Request,
        served: Served,
        isbn: Isbn,
        number: Annotated[int, Path(ge=1, le=MOST_ENTRIES, description="Of the override.")],
        signed: Annotated[Signature, Body()],
    ) -> dict[str, Any]:
        """Withdraw an override: it is shown no more, and scored nevertheless."""
        _check_writer(request, settings)
        isbn = read_isbn(isbn)
        check_title(served.reader, isbn)
        try:
            Withdrawal(who=signed.who, why=signed.why, of=number)
        except ValidationError as error:
            raise RequestError(422, problems_in(error)) from None
        with _written(request) as book:
            withdrawn = book.log.withdraw(number, signed.who, signed.why, isbn)
        return _described(LoggedOverride(number=number, override=withdrawn))

    router = APIRouter(tags=["planning"])
    router.add_api_route(
        "/books/{isbn}/overrides",
        overrides,
        response_model=TitleOverrides,
        responses=TITLE_ERRORS,
        summary="What people expect of a title",
    )
    if not settings.write_overrides:
        router.add_api_route(
            "/books/{isbn}/overrides", refuse, methods=["POST"], include_in_schema=False
        )
        router.add_api_route(_WITHDRAW, refuse_all, methods=["POST"], include_in_schema=False)
        return router
    refusals: dict[int | str, dict[str, Any]] = {
        403: {"model": ErrorDetail, "description": "The request names another machine."},
        415: {"model": ErrorDetail, "description": "The body is of another type than JSON."},
    }
    router.add_api_route(
        "/books/{isbn}/overrides",
        add,
        methods=["POST"],
        status_code=201,
        response_model=TitleOverride,
        responses={
            **TITLE_ERRORS,
            **BODY_ERRORS,
            **refusals,
            409: {"model": ErrorDetail, "description": "The log is full."},
        },
        summary="Sign an override of a title's forecast",
    )
    router.add_api_route(
        _WITHDRAW,
        withdraw,
        methods=["POST"],
        response_model=TitleOverride,
        responses={
            **TITLE_ERRORS,
            **BODY_ERRORS,
            **refusals,
            404: {"model": ErrorDetail, "description": "The title has no override of this number."},
            409: {"model": ErrorDetail, "description": "It is withdrawn, or the log is full."},
        },
        summary="Withdraw an override",
    )
    return router


async def refuse() -> None:
    """Say what to do where the settings do not let overrides be written."""
    raise RequestError(405, READ_ONLY, {"Allow": "GET"})


async def refuse_all() -> None:
    """Say the same of an address that can only be written to."""
    raise RequestError(405, READ_ONLY, {"Allow": ""})


def book_of(request: Request) -> OverrideBook | None:
    """Return the overrides; None where there is no folder of all releases."""
    book: OverrideBook | None = request.app.state.watch.overrides
    return book


def described_overrides(request: Request, isbn: str) -> list[dict[str, Any]]:
    """Return the overrides of a title as the API has them, the newest first."""
    book = book_of(request)
    return [] if book is None else [_described(one) for one in book.of(isbn)]


def _check_writer(request: Request, settings: ServiceSettings) -> None:
    """Refuse what a page of another site could send."""
    # Pages of other sites can send no body of this type, and not under the name of this one.
    if request.headers.get("content-type") is None:
        raise RequestError(415, "The body needs the type application/json.")
    check_type(request.headers.get("content-type"))
    if settings.token is None and not is_same_site(request.headers):
        raise RequestError(403, "Without a token, overrides are taken on this machine alone.")


@contextmanager
def _written(request: Request) -> Iterator[OverrideBook]:
    """Yield the overrides to be written to, and read them again afterwards."""
    book = book_of(request)
    assert book is not None  # noqa: S101 - the settings demand a folder of releases
    try:
        yield book
    except UnknownOverrideError as error:
        raise RequestError(404, str(error)) from None
    except (FullLogError, WithdrawnOverrideError) as error:
        raise RequestError(409, str(error)) from None
    except UserError as error:
        raise RequestError(503, str(error)) from None
    book.refresh()


def _entry(served: ServedRelease, isbn: str, made: NewOverride, longest: int) -> Override:
    payload = served.reader.payload
    row = served.reader.row(isbn)
    weeks = WeeksAhead(payload.titles["cutoff"][row].as_py(), longest)
    first = weeks.place(made.first_week, "first_week")
    last = first + len(made.copies)
    if last > longest:
        raise RequestError(
            422, f"copies: they reach beyond {weeks.saturday(longest - 1)}, the last week ahead."
        )
    replaced = np.round(payload.mean[row, first:last].astype(np.float64), 3)
    try:
        return Override(
            who=made.who,
            why=made.why,
            isbn=isbn,
            release=served.release,
            cutoff=weeks.cutoff,
            first_week=weeks.saturday(first),
            copies=tuple(made.copies),
            replaced=tuple(replaced.tolist()),
        )
    except ValidationError as error:
        raise RequestError(422, problems_in(error)) from None


def _described(one: LoggedOverride) -> dict[str, Any]:
    made = one.override
    return {
        "number": one.number,
        "source": "person",
        "who": made.who,
        "why": made.why,
        "when": made.when,
        "release": made.release,
        "weeks": made.weeks,
        "copies": list(made.copies),
        "replaced": list(made.replaced),
        "total": round(sum(made.copies), 3),
        "replaced_total": round(sum(made.replaced), 3),
    }
