"""Buckets on the emulator of Google Cloud Storage."""

import json
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def make_bucket(server: str, name: str) -> None:
    """Make a bucket on an emulator, unless another test of this process has made it."""
    body = json.dumps({"name": name}).encode()
    request = Request(
        f"{server}/storage/v1/b?project=books", body, {"Content-Type": "application/json"}
    )
    try:
        urlopen(request, timeout=120).close()
    except HTTPError as error:
        if error.code != HTTPStatus.CONFLICT:
            raise
