"""Lets MLflow's client in where a server wants Google's identity tokens, as on Cloud Run.

Tokens are valid for an hour, a run may take longer, and a schedule does: so each process asks for
its own. Chosen by the environment variable `MLFLOW_TRACKING_AUTH=google_identity`.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from mlflow.tracking.request_auth.abstract_request_auth_provider import RequestAuthProvider

NAME = "google_identity"
# Google's are valid for an hour.
SECONDS_OF_USE = 45 * 60


class GoogleIdentity(RequestAuthProvider):
    """MLflow's plugin, found by its entry point."""

    def get_name(self) -> str:
        """The value of `MLFLOW_TRACKING_AUTH` that chooses it."""
        return NAME

    def get_auth(self) -> Any:
        """What `requests` calls with each request."""
        return _add_token


_tokens: dict[str, tuple[float, str]] = {}


def _add_token(request: Any) -> Any:
    """Put a token for the request's own server in its header."""
    address = urlsplit(request.url)
    request.headers["Authorization"] = f"Bearer {_token(f'{address.scheme}://{address.netloc}')}"
    return request


def _token(audience: str) -> str:
    """A token of the service account that this process runs as, asked for when the last is old."""
    began, token = _tokens.get(audience, (0.0, ""))
    if not token or time.monotonic() - began > SECONDS_OF_USE:
        from google.auth.transport.requests import Request
        from google.oauth2.id_token import fetch_id_token

        fetch: Any = fetch_id_token
        token = str(fetch(Request(), audience))
        _tokens[audience] = (time.monotonic(), token)
    return token
