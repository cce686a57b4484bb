"""Measures what a request costs the service: processor time inside its process, without a network.

    python -m benchmarks.request_costs --titles 1000 --rounds 40

Requests go to the application itself, one after the other. The service is measured alone, with a
challenger, with the log of served forecasts, and with both. Short rounds of them alternate, and the
fastest round of each counts, so that a busy machine changes little. Lines of the request log are
formatted and go to /dev/null. What it costs to write the log of served forecasts is measured after
the rounds: a thread does it beside the requests.
"""

from __future__ import annotations

import argparse
import asyncio
import logging.config
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvloop
from fastapi import FastAPI

from benchmarks.serving.releases import FIRST, SECOND, make_releases
from benchmarks.serving.service import PLAN
from book_forecast.releases.challenging import start_challenge
from book_forecast.releases.store import ReleaseStore
from book_forecast.serving.app import create_app
from book_forecast.serving.http.logs import LOG_CONFIG
from book_forecast.serving.release.served_log import ServedLog
from book_forecast.serving.settings import ServiceSettings
from tests.releases import payloads
from tests.serving.servers import promote


@dataclass(frozen=True)
class Ask:
    """A request for some titles.

    Attributes:
        path: With `{isbn}` for the first of the titles.
        query: After the path.
        body: Makes the JSON of a POST; None for a GET.
        titles: How many titles a request asks for.
        number: Requests of a round.
    """

    path: str
    query: str = ""
    body: Callable[[list[str]], Any] | None = None
    titles: int = 1
    number: int = 200

    def request(self, isbns: list[str]) -> tuple[dict[str, Any], bytes]:
        """Return the request as ASGI has it, and its body."""
        body = b"" if self.body is None else orjson.dumps(self.body(isbns))
        path = self.path.format(isbn=isbns[0])
        headers = [(b"host", b"localhost"), (b"content-length", str(len(body)).encode())]
        if self.body is not None:
            headers.append((b"content-type", b"application/json"))
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET" if self.body is None else "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": self.query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8080),
        }
        return scope, body


def _instances(isbns: list[str]) -> dict[str, Any]:
    return {"instances": [{"isbn": isbn} for isbn in isbns]}


ASKS = {
    "GET forecast of a title": Ask("/books/{isbn}/forecast", "horizon=32&level=80&level=95"),
    "POST /predict, one title": Ask("/predict", body=_instances),
    "POST /predict, 100 titles": Ask("/predict", body=_instances, titles=100, number=10),
    "POST what-if of a title": Ask("/books/{isbn}/what-if", body=lambda _: PLAN, number=20),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="store the releases there for the next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, quiet():
        store = ReleaseStore(str(options.folder or Path(temporary, "releases")))
        make_releases(store, options.titles, 300)
        if not store.promotions():
            promote(store, FIRST)
        if store.challenge() is None:
            start_challenge(store, SECOND, 0.5, "benchmark")
        plain = ServiceSettings(releases=store.root)
        logged = ServiceSettings(releases=store.root, log=str(Path(temporary, "log")))
        services = {
            "alone": service(plain, is_challenged=False),
            "with a challenger": service(plain),
            "with the log": service(logged, is_challenged=False),
            "with both": service(logged),
        }
        isbns = [payloads.isbn(n) for n in range(options.titles)]
        print(f"| µs a request | {' | '.join(services)} |")
        print("|---|" + "---|" * len(services))
        for name, ask in ASKS.items():
            found = uvloop.run(costs(list(services.values()), ask, isbns, options.rounds))
            print(f"| {name} | {' | '.join(f'{1e6 * cost:.0f}' for cost in found)} |")
        print(f"log: {1e6 * writing(services['with both'].state.served_log):.1f} µs a forecast")


async def costs(services: list[FastAPI], ask: Ask, isbns: list[str], rounds: int) -> list[float]:
    """Return the seconds of a request in the fastest round of each service."""
    found = [float("inf")] * len(services)
    for n in range(rounds):
        starts = [
            (n * ask.number + k) * 7919 % (len(isbns) - ask.titles + 1) for k in range(ask.number)
        ]
        for place, app in enumerate(services):
            requests = [ask.request(isbns[start : start + ask.titles]) for start in starts]
            # The first request warms the caches of the processor.
            await send(app, *ask.request(isbns[: ask.titles]))
            before = time.process_time()
            for scope, body in requests:
                await send(app, scope, body)
            found[place] = min(found[place], (time.process_time() - before) / ask.number)
    return found


def writing(log: ServedLog) -> float:
    """Return the seconds that it costs to write a served forecast; writes all that wait."""
    number, before = log.waiting, time.process_time()
    log.start()
    log.close(60.0)
    return (time.process_time() - before) / number


async def send(app: FastAPI, scope: dict[str, Any], body: bytes) -> None:
    """Send a request; it must be answered with 200."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # the caller stays
        return messages.pop()

    async def take(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] != 200:
            raise AssertionError(f"{scope['path']}: {message['status']}")

    await app(scope, receive, take)


def service(settings: ServiceSettings, is_challenged: bool = True) -> FastAPI:
    """Return the application with what the settings name in memory."""
    app = create_app(settings)
    watch = app.state.watch
    watch.check()
    if is_challenged:
        watch.challenger.check()
    return app


@contextmanager
def quiet() -> Iterator[None]:
    """Send the lines of the log to nowhere, formatted as the service formats them."""
    with Path(os.devnull).open("w") as nowhere:
        handlers = {"stdout": LOG_CONFIG["handlers"]["stdout"] | {"stream": nowhere}}
        logging.config.dictConfig(LOG_CONFIG | {"handlers": handlers})
        yield


if __name__ == "__main__":
    main()
