"""Predictions, health, release and metrics; books have routes of their own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.serving.current import Current
from book_forecast.serving.errors import NothingLoadedError
from book_forecast.serving.metrics import Metrics
from book_forecast.serving.openapi import predict_body
from book_forecast.serving.predict import JSON, Batch, check_type, predictions, read_batch
from book_forecast.serving.schemas import Alive, Predictions, Problem, Ready, Release
from book_forecast.serving.settings import Settings

_AT_A_TIME = 16
"""Instances that are answered before other requests get their turn: a millisecond. A larger batch
is sent in such parts, so that a caller who does not take them costs no more memory than one."""
NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": Problem, "description": "No release is loaded yet."}
}


def make_router(settings: Settings) -> APIRouter:
    """The routes.

    Args:
        settings: Where Vertex AI wants some of them, and limits.
    """
    router = APIRouter()
    refusals: dict[int | str, dict[str, Any]] = {
        400: {"model": Problem, "description": "The body is no JSON."},
        408: {"model": Problem, "description": "The body did not arrive in time."},
        413: {"model": Problem, "description": "The body or the number of instances is too large."},
        415: {"model": Problem, "description": "The body is of another type than JSON."},
        422: {"model": Problem, "description": "The body is not as described."},
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
    """One prediction for each instance; what is wrong with one is an error in its place."""
    check_type(request.headers.get("content-type"))
    state = request.app.state
    settings: Settings = state.settings
    current: Current = state.current
    counts: Metrics = state.metrics
    batch = read_batch(await request.body(), settings.max_instances, settings.max_horizon)
    answers = current.answers
    if answers is None:
        raise NothingLoadedError
    parts = _parts(answers, batch, counts)
    if len(batch.instances) > _AT_A_TIME:
        return StreamingResponse(parts, media_type=JSON)
    return Response(b"".join([part async for part in parts]), media_type=JSON)


async def _parts(answers: ForecastReader, batch: Batch, counts: Metrics) -> AsyncIterator[bytes]:
    """The answer to a batch, some instances at a time."""
    part: list[bytes] = []
    outcomes: Counter[str] = Counter()
    start = b'{"predictions":['
    for outcome, prediction in predictions(answers, batch):
        outcomes[outcome] += 1
        part.append(orjson.dumps(prediction))
        if len(part) == _AT_A_TIME:
            yield start + b",".join(part)
            start, part = b",", []
            await asyncio.sleep(0)
    for outcome, number in outcomes.items():
        counts.note_instances(outcome, number)
    yield (start if part or not outcomes else b"") + b",".join(part) + b"]}"


async def healthz() -> Alive:
    """The process answers; whether it has a release, `/readyz` tells."""
    return Alive(status="alive")


async def readyz(request: Request) -> Response:
    """A release is loaded; `problem` tells why it may not be the one that it should be."""
    current: Current = request.app.state.current
    status = current.status
    is_ready = current.answers is not None
    content = {"ready": is_ready, "release": status.release, "problem": status.problem}
    return Response(orjson.dumps(content), 200 if is_ready else 503, media_type=JSON)


async def release(request: Request) -> Response:
    """Which release is served, since when, and what training has written of it."""
    current: Current = request.app.state.current
    answers, status = current.answers, current.status
    if answers is None:
        raise NothingLoadedError
    content = {
        "release": status.release,
        "cutoff": status.cutoff,
        "checksum": status.checksum,
        "place": status.place,
        "since": status.since,
        "titles": len(answers.isbns),
        "manifest": answers.payload.manifest,
    }
    return Response(orjson.dumps(content), media_type=JSON)


async def metrics(request: Request) -> Response:
    """Counts and times since the start."""
    counts: Metrics = request.app.state.metrics
    return Response(counts.text(), media_type="text/plain; version=1.0.0; charset=utf-8")


def _paths(usual: str, other: str | None) -> list[str]:
    """A path and the one that Vertex AI asks for; those of other routes stay theirs."""
    taken = {usual, "/healthz", "/readyz", "/predict", "/release", "/metrics"}
    return [usual] if other is None or other in taken else [usual, other]


def _operation(name: str, path: str) -> str:
    return name if path == f"/{name}" else f"{name}_by_vertex"
