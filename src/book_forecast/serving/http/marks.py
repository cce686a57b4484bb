"""Marks of an answer: whose forecasts it has, in two headers."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.types import Scope

from book_forecast.releases.challenges import Arm

ARM_HEADER, RELEASE_HEADER = "X-Forecast-Arm", "X-Forecast-Release"
_MARK = "answered_by"


def mark(request: Request, releases: Mapping[Arm, str]) -> None:
    """Name the arms that answer a request, and their releases."""
    request.scope.setdefault("state", {})[_MARK] = releases


def headers_of(releases: Mapping[Arm, str]) -> dict[str, str]:
    """Return the headers that name who answers; none where no release does."""
    if not releases:
        return {}
    return {ARM_HEADER: ", ".join(releases), RELEASE_HEADER: ", ".join(releases.values())}


def marks_of(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers of the mark of a request, as a response has them."""
    headers = headers_of(scope.get("state", {}).get(_MARK) or {})
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
