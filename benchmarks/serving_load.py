"""Measures the service: time to be ready, memory, and latencies under load and during swaps.

    python -m benchmarks.serving_load --titles 10000 --rate 200 --seconds 60

The releases have the tables for planners, and there is advice on the stock of all titles. Sums, the
list, searches and files are measured one request after the other; the page in a Chromium that has
never seen it, where there is one.

The service runs as a process of its own on releases of invented titles. This process sends requests
at a fixed rate, whether earlier responses have come or not. A latency counts from the moment when
the request was due, so a pause of the service counts for every request in it. Half of the requests
are `POST /predict` with one instance and half `GET /books/{isbn}/forecast`.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import uvloop

from benchmarks.serving.lists import measure_lists, measure_page
from benchmarks.serving.releases import FIRST, SECOND, make_releases
from benchmarks.serving.service import Client, Service, get, predict, request, spread, timed
from book_forecast.releases.store import ReleaseStore
from tests.releases import payloads
from tests.serving.servers import promote
from tests.serving.stores import write_stock


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", type=int, default=10_000)
    parser.add_argument("--weeks", type=int, default=570)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--folder", type=Path, help="store the releases there for the next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        store = ReleaseStore(str(options.folder or Path(temporary, "releases")))
        make_releases(store, options.titles, options.weeks)
        promote(store, FIRST)
        stock = Path(temporary, "stock_advice.parquet")
        chances = np.random.default_rng(0).beta(0.4, 1.5, options.titles).tolist()
        isbns = [payloads.isbn(n) for n in range(options.titles)]
        write_stock(stock, dict(zip(isbns, chances, strict=True)))
        with Service(store.root, stock) as service:
            uvloop.run(measure(service, store, options))


async def measure(service: Service, store: ReleaseStore, options: argparse.Namespace) -> None:
    """Make all measurements, one after the other."""
    isbns = [payloads.isbn(n) for n in range(options.titles)]
    print(
        f"ready {service.seconds_to_ready:.2f} s after the start of the process, which had a "
        f"processor for {service.processor_seconds_to_ready:.2f} s"
    )
    client = Client(service.port)
    batches = [isbns[start : start + 1000] for start in range(0, len(isbns), 1000)]
    times = [await timed(partial(client.send, predict(batch))) for batch in batches]
    print(f"{len(batches[0])} titles in a batch: {spread(times)}")
    # After every title was requested once, all that can be in memory is there.
    for batch in batches:
        await client.send(predict(batch, 104, [50, 60, 70, 80, 90, 95, 98, 99]))
    for isbn in isbns:
        for path in ("", "/history", "/demand"):
            await client.send(request(f"/books/{isbn}{path}"))
    await measure_lists(client, service, isbns)
    print(f"memory after every title, list and file: {service.memory()}")
    measure_page(service.port)
    requests = [predict([isbn]) if n % 2 else get(isbn) for n, isbn in enumerate(isbns)]
    name = f"{options.rate:g} requests/s for {options.seconds:g} s"
    report(name, await open_loop(client, requests, options.rate, options.seconds))
    print(f"memory: {service.memory()}")

    async def swap() -> None:
        for release in (SECOND, FIRST, SECOND):
            await asyncio.sleep(options.seconds / 12)
            await asyncio.to_thread(promote, store, release)
            service.process.send_signal(signal.SIGHUP)

    swapping = asyncio.create_task(swap())
    seconds = max(options.seconds / 2, 10.0)
    result = await open_loop(client, requests, options.rate, seconds)
    await swapping
    report(f"the same for {seconds:g} s with three swaps in it", result)
    print(f"releases seen meanwhile: {len(result.releases)}; memory: {service.memory()}")


@dataclass
class Result:
    """The result of a load."""

    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    releases: set[bytes] = field(default_factory=set)


async def open_loop(client: Client, requests: list[bytes], rate: float, seconds: float) -> Result:
    """Send requests at a fixed rate."""
    result = Result()

    async def one(request: bytes, due: float) -> None:
        try:
            body = await client.send(request)
        except (OSError, asyncio.IncompleteReadError) as error:
            result.errors.append(repr(error))
        else:
            result.latencies.append(time.perf_counter() - due)
            result.releases.update(re.findall(rb'"release":"([^"]+)', body))

    loop_start, tasks = time.perf_counter(), set()
    for n in range(int(rate * seconds)):
        due = loop_start + n / rate
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(requests[n * 7919 % len(requests)], due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return result


def report(name: str, result: Result) -> None:
    """Print the result of a load."""
    p50, p99, most = np.percentile(np.array(result.latencies) * 1000, [50, 99, 100])
    print(
        f"{name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, at most {most:.1f} ms; "
        f"{len(result.latencies)} responses, {len(result.errors)} errors {result.errors[:3]}"
    )


if __name__ == "__main__":
    main()
