"""Authenticates MLflow's client with Google identity tokens, as Cloud Run requires.

Tokens are valid for an hour, less than a long run or a schedule, so each process requests its own.
The environment variable `MLFLOW_TRACKING_AUTH=google_identity` enables it.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

NAME = "google_identity"
# Google's tokens are valid for an hour.
RENEWAL_SECONDS = 45 * 60


class GoogleIdentity(RequestAuthProvider):
    """MLflow's plugin, found by its entry point."""

    def get_name(self) -> str:
        """Return the value of `MLFLOW_TRACKING_AUTH` that enables it."""
        return NAME

    def get_auth(self) -> Any:
        """Return the function that `requests` calls with each request."""
        return _add_token


_tokens: dict[str, tuple[float, str]] = {}


def _add_token(request: Any) -> Any:
    """Add a token for the request's own server to its header."""
    address = urlsplit(request.url)
    request.headers["Authorization"] = f"Bearer {_token(f'{address.scheme}://{address.netloc}')}"
    return request


def _token(audience: str) -> str:
    """Return a token of this process's service account, a new one when the last is old."""
    began, token = _tokens.get(audience, (0.0, ""))
    if not token or time.monotonic() - began > RENEWAL_SECONDS:
        from google.auth.transport.requests import Request
        from google.oauth2.id_token import fetch_id_token

        fetch: Any = fetch_id_token
        token = str(fetch(Request(), audience))
        _tokens[audience] = (time.monotonic(), token)
    return token
