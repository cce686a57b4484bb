"""Before any route: the token, the size and time of the body, and requests for headers alone."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Collection, Mapping

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from book_forecast.serving.errors import RequestError
from book_forecast.serving.settings import LOOPBACK


def has_token(authorization: str | None, token: SecretStr) -> bool:
    """Return whether an Authorization header has the token."""
    scheme, _, given = (authorization or "").partition(" ")
    wanted = token.get_secret_value().encode()
    # Compared even with another scheme, so that the time reveals nothing.
    is_same = hmac.compare_digest(given.strip().encode(errors="replace"), wanted)
    return is_same and scheme.lower() == "bearer"


def is_same_site(headers: Mapping[str, str]) -> bool:
    """Return whether a request names this machine, and comes from no page of another site.

    A page of another site may reach loopback, under its own name or as the origin.
    """
    if _host_of(headers.get("host", "")) not in LOOPBACK:
        return False
    origin = headers.get("origin")
    return origin is None or _host_of(origin.partition("://")[2]) in LOOPBACK


def _host_of(address: str) -> str:
    """Return the host of an address without its port."""
    if address.startswith("["):
        return address.partition("]")[0].removeprefix("[")
    return address.partition(":")[0].lower()


class TokenGuard:
    """Refuses requests without the token, except to the open paths."""

    def __init__(self, app: ASGIApp, token: SecretStr, open_paths: Collection[str]) -> None:
        self._app = app
        self._token = token
        self._open_paths = frozenset(open_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "http" and scope["path"] not in self._open_paths:
            given = Headers(scope=scope).get("authorization")
            if not has_token(given, self._token):
                refusal = JSONResponse(
                    {"detail": "A bearer token is needed."}, 401, {"WWW-Authenticate": "Bearer"}
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyGuard:
    """Refuses a body that is too large or takes too long."""

    def __init__(self, app: ASGIApp, most: int, seconds: float) -> None:
        self._app = app
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # In the names of ASGI's headers, all letters are small.
        headers = dict(scope["headers"])
        if b"transfer-encoding" in headers and b"content-length" in headers:
            # Who stands in between may see the end of this request in another place.
            both = {"detail": "A body has either a Content-Length or a Transfer-Encoding."}
            await JSONResponse(both, 400, {"Connection": "close"})(scope, receive, send)
            return
        length = headers.get(b"content-length", b"0").decode("latin-1")
        if not length.isdecimal() or int(length[:20]) > self._most:
            refusal = JSONResponse({"detail": self._too_large()}, 413)
            await refusal(scope, receive, send)
            return
        deadline = time.monotonic() + self._seconds
        size, is_whole = 0, False

        async def receive_some() -> Message:
            nonlocal size, is_whole
            if is_whole:  # all that may come is that the caller has left
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), deadline - time.monotonic())
            except TimeoutError:
                raise RequestError(408, f"The body took more than {self._seconds:g} s.") from None
            size += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if size > self._most:
                raise RequestError(413, self._too_large())
            return message

        await self._app(scope, receive_some, send)

    def _too_large(self) -> str:
        return f"The body has more than {self._most} bytes."


class HeadAsGet:
    """Answers HEAD as GET, without the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        scope.setdefault("state", {})
        as_get = {**scope, "method": "GET"}
        try:
            await self._app(as_get, receive, send_headers)
        finally:
            # The request log names the route.
            if "route" in as_get:
                scope["route"] = as_get["route"]
