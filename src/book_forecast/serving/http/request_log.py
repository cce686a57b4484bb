"""One log line a request, and a response to every unexpected error."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from book_forecast.serving.http.logs import request_id
from book_forecast.serving.http.marks import marks_of
from book_forecast.serving.http.metrics import Metrics
from book_forecast.serving.release.current import Current

logger = logging.getLogger(__name__)

_HARMLESS_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}", re.ASCII)
_UNMATCHED = "-"
"""The path of a request without a route: what callers invent does not reach logs and metrics."""
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}


class RequestLog:
    """Gives each request an id, times it, and responds to unexpected errors."""

    def __init__(self, app: ASGIApp, current: Current, metrics: Metrics) -> None:
        self._app = app
        self._current = current
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        identity = _id_of(scope)
        token = request_id.set(identity)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [(b"x-request-id", identity.encode()), *marks_of(scope)]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            pass  # nobody is there to read a response
        except Exception:
            logger.exception("A request has failed")
            if not status:
                detail = f"The service has failed; its log has the error under {identity}."
                await JSONResponse({"detail": detail}, 500)(scope, receive, send_with_id)
        finally:
            self._note(scope, status, time.perf_counter() - started)
            request_id.reset(token)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        path = getattr(scope.get("route"), "path", _UNMATCHED)
        self._metrics.note_request(method, path, status, seconds)
        fields = {
            "method": method,
            "path": path,
            "status": status,
            "milliseconds": round(seconds * 1000, 2),
            "release": self._current.release,
        }
        logger.info("request", extra={"fields": fields})


def _id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _HARMLESS_ID.fullmatch(given := value.decode("latin-1")):
            return str(given)
    return uuid.uuid4().hex
