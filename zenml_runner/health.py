"""Asks servers whether they are there."""

from __future__ import annotations

import urllib.error
import urllib.request

ANSWERS_WITHIN = 10  # seconds


def trouble(url: str) -> OSError | None:
    """Why a server does not answer at `/health`, as ZenML's and MLflow's do; None if it does.

    Args:
        url: Its address, with http or https.
    """
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/health", timeout=ANSWERS_WITHIN):  # noqa: S310
            return None
    except urllib.error.HTTPError:
        return None  # It answers; whether it lets us in is told when it is used.
    except OSError as error:
        return error
