"""The application: settings, watch, routes and middleware put together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from book_forecast import __version__
from book_forecast.serving import page
from book_forecast.serving.errors import RequestError
from book_forecast.serving.http.guard import BodyGuard, HeadAsGet, TokenGuard
from book_forecast.serving.http.metrics import Metrics
from book_forecast.serving.http.openapi import describe
from book_forecast.serving.http.request_log import RequestLog
from book_forecast.serving.release.served_log import ServedLog, log_of
from book_forecast.serving.release.watch import Watch, watch_of
from book_forecast.serving.routes import (
    books,
    details,
    exports,
    left_out,
    lists,
    overrides,
    predictions,
    sums,
    what_if,
)
from book_forecast.serving.settings import ServiceSettings

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Paths that need no token."""


def create_app(settings: ServiceSettings, watch: Watch | None = None) -> FastAPI:
    """Make the service.

    Args:
        settings: Of the service.
        watch: One that exists already; it may have been started.

    Returns:
        The application; its state holds `settings`, `watch`, `metrics`, `served_log` and `current`,
        the release that is served.
    """
    app = FastAPI(
        title="book_forecast",
        description="Weekly sales forecasts of book titles, from the release that is champion.",
        version=__version__,
        docs_url=None,  # its page loads code from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a redirect would lead to any host that a caller names
        lifespan=_lifespan,
    )
    watch = watch or watch_of(settings)
    log = log_of(settings)
    metrics = Metrics(watch, log)
    app.state.served_log = log
    app.state.settings, app.state.metrics = settings, metrics
    app.state.watch, app.state.current = watch, watch.current
    app.include_router(predictions.make_router(settings))
    app.include_router(lists.make_router())
    app.include_router(exports.make_router())
    app.include_router(left_out.make_router())
    app.include_router(books.make_router(settings))
    app.include_router(sums.make_router(settings))
    for planning in (details, what_if, overrides):
        app.include_router(planning.make_router(settings))
    app.include_router(page.router)
    open_paths = OPEN_PATHS | page.PATHS | {settings.health_route or "/readyz"}
    describe(app, settings, open_paths)
    _unify_errors(app)
    # The middleware that is added last sees a request first.
    app.add_middleware(HeadAsGet)
    app.add_middleware(BodyGuard, most=settings.max_body, seconds=settings.body_seconds)
    if settings.token is not None:
        app.add_middleware(TokenGuard, token=settings.token, open_paths=open_paths)
    app.add_middleware(RequestLog, current=watch.current, metrics=metrics)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    watch: Watch = app.state.watch
    # Only the main thread handles signals, and not every system has this one.
    with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, watch.wake)
    watch.start()
    log: ServedLog | None = app.state.served_log
    if log is not None:
        log.start()
    yield
    watch.stop()
    if log is not None:
        # No request runs any more.
        log.close(app.state.settings.shutdown_seconds)


def _unify_errors(app: FastAPI) -> None:
    """Make every error `{"detail": "…"}`."""

    async def by_service(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestError)  # noqa: S101
        return JSONResponse({"detail": error.detail}, error.status, error.headers)

    async def by_framework(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        return JSONResponse({"detail": str(error.detail)}, error.status_code, error.headers)

    async def by_validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        errors = error.errors()
        if any(e["type"] == "json_invalid" for e in errors):
            return JSONResponse({"detail": "The body is no JSON."}, 400)
        problems = (f"{'.'.join(map(str, e['loc'][1:])) or 'body'}: {e['msg']}" for e in errors)
        return JSONResponse({"detail": "; ".join(problems)}, 422)

    app.add_exception_handler(RequestError, by_service)
    app.add_exception_handler(HTTPException, by_framework)
    app.add_exception_handler(RequestValidationError, by_validation)
