"""Routes of predictions, health, release and metrics; `books` has those of titles."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from book_forecast.releases.challenges import CHAMPION_ARM, Arm
from book_forecast.serving.errors import NothingLoadedError
from book_forecast.serving.http.marks import mark
from book_forecast.serving.http.metrics import Metrics
from book_forecast.serving.http.openapi import predict_body
from book_forecast.serving.release.arms import Arms, arms_of
from book_forecast.serving.release.current import Current, ServedRelease
from book_forecast.serving.release.served_log import ServedLog
from book_forecast.serving.requests.predict import JSON, Batch, check_type, predictions, read_batch
from book_forecast.serving.routes.schemas import Alive, ErrorDetail, Predictions, Ready, Release
from book_forecast.serving.settings import ServiceSettings
from book_forecast.serving.titles.override_book import OverrideBook

_CHUNK = 16
"""Instances that are predicted before other requests get their turn: a millisecond. A larger batch
is sent in such chunks, so that a caller who does not take them costs the memory of one."""
NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ErrorDetail, "description": "No release is loaded yet."}
}


def make_router(settings: ServiceSettings) -> APIRouter:
    """Return the routes; the settings have second paths for Vertex AI, and limits."""
    router = APIRouter()
    refusals: dict[int | str, dict[str, Any]] = {
        400: {"model": ErrorDetail, "description": "The body is no JSON."},
        408: {"model": ErrorDetail, "description": "The body did not arrive in time."},
        413: {
            "model": ErrorDetail,
            "description": "The body is too large, or has too many instances.",
        },
        415: {"model": ErrorDetail, "description": "The body is of another type than JSON."},
        422: {"model": ErrorDetail, "description": "The body is not as described."},
    }
    for path in _paths("/predict", settings.predict_route):
        router.add_api_route(
            path,
            predict,
            methods=["POST"],
            summary="Forecasts of many titles, as Vertex AI asks for them",
            responses={200: {"model": Predictions}, **refusals, **NOT_READY},
            openapi_extra=predict_body(settings),
            operation_id=_operation("predict", path),
        )
    router.add_api_route("/healthz", healthz, response_model=Alive, summary="Alive?")
    for path in _paths("/readyz", settings.health_route):
        router.add_api_route(
            path,
            readyz,
            summary="Is a release loaded?",
            responses={200: {"model": Ready}, 503: {"model": Ready, "description": "Not yet."}},
            operation_id=_operation("readyz", path),
        )
    router.add_api_route(
        "/release",
        release,
        summary="What is served",
        responses={200: {"model": Release}, **NOT_READY},
    )
    router.add_api_route(
        "/metrics",
        metrics,
        summary="For Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    return router


async def predict(request: Request) -> Response:
    """One prediction for each instance; an invalid one gets an error in its position."""
    check_type(request.headers.get("content-type"))
    state = request.app.state
    settings: ServiceSettings = state.settings
    batch = read_batch(await request.body(), settings.max_instances, settings.max_horizon)
    arms = arms_of(state.current)
    if arms is None:
        raise NothingLoadedError
    mark(request, arms.releases())
    chunks = _chunks(arms, batch, state.metrics, state.served_log)
    if len(batch.instances) > _CHUNK:
        return StreamingResponse(chunks, media_type=JSON)
    return Response(b"".join([chunk async for chunk in chunks]), media_type=JSON)


async def _chunks(
    arms: Arms, batch: Batch, counts: Metrics, log: ServedLog | None
) -> AsyncIterator[bytes]:
    """Yield the response to a batch, some instances at a time."""
    chunk: list[bytes] = []
    outcomes: Counter[str] = Counter()
    start = b'{"predictions":['
    answered: Counter[Arm] = Counter()
    for outcome, prediction in predictions(arms, batch, None if log is None else log.note):
        outcomes[outcome] += 1
        if outcome == "answered":
            answered[prediction["arm"]] += 1
        chunk.append(orjson.dumps(prediction))
        # Running sums take a millisecond themselves.
        if len(chunk) == _CHUNK or "cumulative" in prediction:
            yield start + b",".join(chunk)
            start, chunk = b",", []
            await asyncio.sleep(0)
    for outcome, number in outcomes.items():
        counts.note_instances(outcome, number)
    for arm, number in answered.items():
        counts.note_forecasts(arm, number)
    yield (start if chunk or not outcomes else b"") + b",".join(chunk) + b"]}"


async def healthz() -> Alive:
    """The process responds; `/readyz` has whether a release is loaded."""
    return Alive(status="alive")


async def readyz(request: Request) -> Response:
    """Whether a release is loaded; `problem` is why it may not be the right one."""
    current: Current = request.app.state.current
    log: ServedLog | None = request.app.state.served_log
    overrides: OverrideBook | None = request.app.state.watch.overrides
    release, problem = current.release, current.problem.text
    content = {
        "ready": release is not None,
        "release": release,
        "problem": problem,
        "stock_problem": current.stock_problem.text,
        "challenger": _challenger(current),
        "challenger_loading": current.rival_loading,
        "challenger_problem": current.rival_problem.text,
        "log_problem": None if log is None else log.problem.text,
        "override_problem": None if overrides is None else overrides.problem.text,
    }
    return Response(orjson.dumps(content), 200 if release else 503, media_type=JSON)


async def release(request: Request) -> Response:
    """Which release is served, when it was loaded, and its manifest."""
    served = await served_release(request)
    manifest = served.reader.payload.manifest
    content = {
        "release": served.release,
        "cutoff": manifest["cutoff"],
        "checksum": served.checksum,
        "place": served.location,
        "since": served.loaded_at,
        "titles": len(served.reader.isbns),
        "manifest": manifest,
    }
    return Response(orjson.dumps(content), media_type=JSON)


async def metrics(request: Request) -> Response:
    """Counts and times since the start."""
    counts: Metrics = request.app.state.metrics
    return Response(counts.text(), media_type="text/plain; version=1.0.0; charset=utf-8")


async def served_release(request: Request) -> ServedRelease:
    """Return the champion's release, which a request uses to its end.

    Raises:
        NothingLoadedError: If there is none yet.
    """
    current: Current = request.app.state.current
    if current.served is None:
        raise NothingLoadedError
    mark(request, {CHAMPION_ARM: current.served.release})
    return current.served


def answering_release(request: Request, isbn: str, wanted: Arm | None) -> tuple[Arm, ServedRelease]:
    """Return the arm that answers for a title and its release, and mark the answer with it.

    Args:
        request: The request.
        isbn: 13 digits.
        wanted: The arm that is asked for; None for that of the title.

    Raises:
        NothingLoadedError: If no release is loaded.
    """
    arms = arms_of(request.app.state.current)
    if arms is None:
        raise NothingLoadedError
    arm, served = arms.of(isbn, wanted)
    mark(request, {arm: served.release})
    return arm, served


def note_forecast(
    request: Request, arm: Arm, served: ServedRelease, isbn: str, horizon: int
) -> None:
    """Count a forecast that is served, and log it where there is a log."""
    log: ServedLog | None = request.app.state.served_log
    counts: Metrics = request.app.state.metrics
    counts.note_forecasts(arm, 1)
    if log is not None:
        log.note(arm, served, isbn, horizon)


def _challenger(current: Current) -> dict[str, Any] | None:
    arms = arms_of(current)
    if arms is None or arms.rival is None:
        return None
    return {"release": arms.rival.served.release, "share": arms.rival.challenge.share}


def _paths(usual: str, other: str | None) -> list[str]:
    """Return a path and Vertex AI's, unless another route has that one."""
    taken = {usual, "/healthz", "/readyz", "/predict", "/release", "/metrics"}
    return [usual] if other is None or other in taken else [usual, other]


def _operation(name: str, path: str) -> str:
    return name if path == f"/{name}" else f"{name}_by_vertex"
