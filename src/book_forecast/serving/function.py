"""The service as a Google Cloud Function, or on Cloud Run without a server of our own.

    functions-framework --source src/book_forecast/serving/function.py --target predict

A POST is `/predict` of the service; a GET is `/readyz`. The settings are the service's environment
variables.
"""

from __future__ import annotations

import logging.config
import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import orjson

from book_forecast.releases.challenges import CHAMPION_ARM, Arm
from book_forecast.serving.errors import NothingLoadedError, RequestError
from book_forecast.serving.http.guard import has_token
from book_forecast.serving.http.logs import LOG_CONFIG
from book_forecast.serving.http.marks import headers_of
from book_forecast.serving.loading.no_pandas import keep_pandas_out
from book_forecast.serving.loading.source import source_of
from book_forecast.serving.release.arms import arms_of
from book_forecast.serving.release.watch import Watch, challenges_of
from book_forecast.serving.requests.predict import JSON, check_type, predictions, read_batch
from book_forecast.serving.settings import ServiceSettings, read_settings

if TYPE_CHECKING:
    from flask import Request

logger = logging.getLogger(__name__)

_starting = threading.Lock()
_Response = tuple[bytes, int, dict[str, str]]


def predict(request: Request) -> _Response:
    """Return body, status and headers of the response to a request."""
    try:
        content, releases = _answer(request)
        return orjson.dumps(content), 200, {"Content-Type": JSON, **headers_of(releases)}
    except RequestError as error:
        headers = {"Content-Type": JSON, **error.headers}
        return orjson.dumps({"detail": error.detail}), error.status, headers


def _answer(request: Request) -> tuple[object, Mapping[Arm, str]]:
    """Return the response's content, and the releases that answer by arm."""
    settings, watch = _service()
    if settings.token is not None and not has_token(
        request.headers.get("Authorization"), settings.token
    ):
        raise RequestError(401, "A bearer token is needed.", {"WWW-Authenticate": "Bearer"})
    if request.method in ("GET", "HEAD"):
        if watch.current.release is None:
            raise NothingLoadedError
        release, problem = watch.current.release, watch.current.problem.text
        return {"ready": True, "release": release, "problem": problem}, {CHAMPION_ARM: release}
    if request.method != "POST":
        raise RequestError(405, "Method Not Allowed", {"Allow": "GET, HEAD, POST"})
    check_type(request.headers.get("Content-Type"))
    # One byte above the limit is enough to refuse, whatever length the head announces.
    body = request.stream.read(settings.max_body + 1)
    if len(body) > settings.max_body:
        raise RequestError(413, f"The body has more than {settings.max_body} bytes.")
    batch = read_batch(body, settings.max_instances, settings.max_horizon)
    arms = arms_of(watch.current)
    if arms is None:
        raise NothingLoadedError
    found = predictions(arms, batch)
    return {"predictions": [prediction for _, prediction in found]}, arms.releases()


def _service() -> tuple[ServiceSettings, Watch]:
    """Return the settings and the watch, which live as long as the process.

    The framework imports this module in a process that it then forks, which neither threads nor
    connections to a bucket survive. So the first request starts them and waits for the release.
    """
    with _starting:
        return _start()


@cache
def _start() -> tuple[ServiceSettings, Watch]:
    settings = read_settings(os.environ)
    challenges = challenges_of(settings)
    watch = Watch(source_of(settings), settings.poll_seconds, challenges=challenges)
    watch.check()
    watch.start()
    if settings.log is not None:
        # Between two requests a function may have no processor, so that nothing is written then.
        logger.warning("A function does not log served forecasts: the service does")
    return settings, watch


if os.environ.get("FUNCTION_TARGET"):  # in a process of its own, not merely imported
    keep_pandas_out()
    logging.config.dictConfig(LOG_CONFIG)
