"""Errors that a caller of the service reads."""

from __future__ import annotations

from collections.abc import Mapping


class RequestError(Exception):
    """A request that cannot be answered; it becomes `{"detail": …}` with a status.

    Attributes:
        status: Of HTTP, such as 404.
        detail: What is wrong, and the bounds.
        headers: Of the response.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class NothingLoadedError(RequestError):
    """There is no release yet."""

    def __init__(self) -> None:
        super().__init__(
            503,
            "No release is loaded yet; see /readyz for the reason.",
            headers={"Retry-After": "1"},
        )
