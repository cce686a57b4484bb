"""The same answers as a Google Cloud Function, or on Cloud Run without a server of our own.

    functions-framework --source src/book_forecast/serving/function.py --target predict

A POST is what `/predict` of the service is; a GET tells the release, or 503 before there is one.
Settings are the service's environment variables.
"""

from __future__ import annotations

import logging.config
import os
import threading
from functools import cache
from typing import TYPE_CHECKING

import orjson

from book_forecast.serving.errors import NothingLoadedError, RequestError
from book_forecast.serving.guard import has_token
from book_forecast.serving.logs import LOG_CONFIG
from book_forecast.serving.no_pandas import keep_pandas_out
from book_forecast.serving.predict import JSON, check_type, predictions, read_batch
from book_forecast.serving.settings import Settings, read_settings
from book_forecast.serving.source import source_of
from book_forecast.serving.watch import Watch

if TYPE_CHECKING:
    from flask import Request

_starting = threading.Lock()
_Answer = tuple[bytes, int, dict[str, str]]


def predict(request: Request) -> _Answer:
    """Answer a request.

    Args:
        request: As the functions framework hands it over.

    Returns:
        Body, status and headers.
    """
    try:
        return orjson.dumps(_answer(request)), 200, _headers({})
    except RequestError as error:
        return orjson.dumps({"detail": error.detail}), error.status, _headers(error.headers)


def _answer(request: Request) -> object:
    settings, watch = _service()
    if settings.token is not None and not has_token(
        request.headers.get("Authorization"), settings.token
    ):
        raise RequestError(401, "A bearer token is needed.", {"WWW-Authenticate": "Bearer"})
    if request.method == "GET":
        status = watch.current.status
        if status.release is None:
            raise NothingLoadedError
        return {"ready": True, "release": status.release, "problem": status.problem}
    if request.method != "POST":
        raise RequestError(405, "Method Not Allowed", {"Allow": "GET, POST"})
    check_type(request.headers.get("Content-Type"))
    # One byte more than allowed tells enough, whatever length was announced.
    body = request.stream.read(settings.max_body + 1)
    if len(body) > settings.max_body:
        raise RequestError(413, f"The body has more than {settings.max_body} bytes.")
    batch = read_batch(body, settings.max_instances, settings.max_horizon)
    answers = watch.current.answers
    if answers is None:
        raise NothingLoadedError
    return {"predictions": [prediction for _, prediction in predictions(answers, batch)]}


def _service() -> tuple[Settings, Watch]:
    """The settings and the release, which the process keeps from one request to the next.

    The framework imports this module in a process that it then forks, which neither threads nor
    connections to a bucket survive: the first request starts them, and waits for the release.
    """
    with _starting:
        return _start()


@cache
def _start() -> tuple[Settings, Watch]:
    settings = read_settings(os.environ)
    watch = Watch(source_of(settings), settings.poll_seconds)
    watch.check()
    watch.start()
    return settings, watch


def _headers(others: dict[str, str]) -> dict[str, str]:
    return {"Content-Type": JSON, **others}


if os.environ.get("FUNCTION_TARGET"):  # in a process of its own, not merely imported
    keep_pandas_out()
    logging.config.dictConfig(LOG_CONFIG)
