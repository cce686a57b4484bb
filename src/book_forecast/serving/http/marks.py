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
    setattr(request.state, _MARK, releases)


def headers_of(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Return the headers that name who answers a request; none where no release does."""
    releases: Mapping[Arm, str] = scope.get("state", {}).get(_MARK) or {}
    if not releases:
        return []
    arms, names = ", ".join(releases), ", ".join(releases.values())
    pairs = ((ARM_HEADER, arms), (RELEASE_HEADER, names))
    return [(name.lower().encode(), value.encode()) for name, value in pairs]
