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
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self, cast
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import uvloop

from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.payload.planning import PARTS
from book_forecast.releases.assembly import assemble
from book_forecast.releases.store import ReleaseStore
from tests.browser.chromium import NAMES, started
from tests.releases import payloads
from tests.serving.servers import promote
from tests.serving.stores import write_stock

FIRST, SECOND = "2024-07-01T05.00.00-00000001", "2024-07-08T05.00.00-00000002"
HORIZON, LEVELS = 32, [80, 95]
_LAST_CHUNK = b"\r\n0\r\n\r\n"


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
    print(f"ready {service.seconds_to_ready:.2f} s after the start of the process")
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


async def measure_lists(client: Client, service: Service, isbns: list[str]) -> None:
    """Measure sums, lists, searches and files, one request after the other."""
    demand = [request(f"/books/{isbn}/demand?weeks=13") for isbn in isbns[:500]]
    await report_each(client, service, "demand of a title in 13 weeks", demand)
    # No span twice: sums are stored.
    spans = [request(f"/totals?weeks={weeks}&level=80") for weeks in range(1, 53)]
    await report_each(client, service, "total over all titles, 1 to 52 weeks", spans)
    for by in ("product_class", "publisher_group", "imprint", "author"):
        paths = [request(f"/totals?by={by}&weeks={weeks}&level=80") for weeks in (8, 13, 26)]
        await report_each(client, service, f"25 totals by {by}", paths)
    page = "limit=50&sparklines=true&facets=true"
    views = [
        request(f"/books?view={view}&{page}&offset={offset}")
        for view in ("all", "changed", "runs_out", "wrong", "launches")
        for offset in (0, 50, 100, 5000)
    ]
    await report_each(client, service, "50 titles of a list, with filters and sparklines", views)
    found = json.loads(await client.send(request("/books?limit=200")))["books"]
    words = [book["title"].split()[0] for book in found if len(book["title"].split()[0]) > 5]
    typos = [request(f"/books?q={quote(word[:2] + word[3:])}&limit=8") for word in words]
    await report_each(client, service, "search for a word that lacks a letter", typos)
    for name in ("format=csv", "format=xlsx&view=changed", "format=xlsx&everything=true"):
        await report_each(client, service, f"file: {name}", [request(f"/export?{name}")])


async def report_each(client: Client, service: Service, name: str, requests: list[bytes]) -> None:
    """Send requests one after the other, and print how long they took."""
    before = service.processor_seconds()
    times = [await timed(partial(client.send, one)) for one in requests]
    each = (service.processor_seconds() - before) / len(requests)
    print(f"{name}: {spread(times)}, of which the service had a processor for {each * 1000:.1f} ms")


_LISTED = """
new MutationObserver((_, observer) => {
  if (!document.querySelector("#title-rows tr")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.listed = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""


def measure_page(port: int) -> None:
    """Measure when the list can be read and used in a browser that has never seen the page."""
    if not any(shutil.which(name) for name in NAMES):
        print("no Chromium: the page is not measured")
        return
    times, turns = [], []
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as browser:
            browser.send("Page.addScriptToEvaluateOnNewDocument", source=_LISTED)
            browser.open(f"http://127.0.0.1:{port}/")
            browser.until("window.listed")
            times.append(browser.run("window.listed") / 1000)
            turns.append(browser.run(_TURN) / 1000)
    print(f"list of the page, from the address to the end of its first drawing: {spread(times)}")
    print(f"its next page, from the click to the end of its drawing: {spread(turns)}")


_TURN = """
new Promise((done) => {
  const begin = performance.now();
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)));
  }).observe(document.querySelector("#title-rows"), { childList: true });
  document.querySelector("#list-pager button:last-of-type").click();
})
"""


def make_releases(store: ReleaseStore, titles: int, weeks: int) -> None:
    """Write two releases of invented titles, unless they are there."""
    for seed, release in enumerate((FIRST, SECOND)):
        if release not in store.releases():
            tables = payloads.tables(titles=titles, weeks=weeks, seed=seed)
            tables["titles"] = named(tables["titles"])
            tables |= payloads.planning(titles=titles, weeks=weeks, horizon=LONGEST_HORIZON)
            tables["explanations"] = explained(tables["explanations"])
            store.write(release, assemble(release, tables, {}))


def explained(explanations: pa.Table) -> pa.Table:
    """Return explanations of all titles with all parts, which differ from title to title."""
    generator = np.random.default_rng(0)
    for name in PARTS:
        factors = generator.lognormal(0.0, 0.1, explanations.num_rows * LONGEST_HORIZON)
        ends = np.arange(explanations.num_rows + 1, dtype=np.int32) * LONGEST_HORIZON
        column = pa.ListArray.from_arrays(pa.array(ends), pa.array(factors, pa.float32()))
        place = explanations.schema.get_field_index(name)
        explanations = explanations.set_column(place, name, column)
    return explanations


def named(titles: pa.Table) -> pa.Table:
    """Return titles with names as long and as many as those of a catalogue."""
    generator = np.random.default_rng(0)
    syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "or", "um", "an")]

    def words(number: int, most: int) -> list[str]:
        lengths = generator.integers(1, most + 1, number)
        return ["".join(generator.choice(syllables, length)).title() for length in lengths]

    vocabulary, n_titles = words(8000, 4), titles.num_rows
    authors = [" ".join(words(2, 3)) for _ in range(max(n_titles * 2 // 5, 1))]
    columns = {
        "title": [
            " ".join(generator.choice(vocabulary, generator.integers(1, 7)))
            for _ in range(n_titles)
        ],
        "author": generator.choice(authors, n_titles).tolist(),
        "product_class": [f"{'FSTY'[n % 4]}{n % 9}" for n in range(n_titles)],
    }
    for name, values in columns.items():
        place = titles.schema.get_field_index(name)
        titles = titles.set_column(place, name, pa.array(values, pa.string()))
    return titles


class Service:
    """The service as a process."""

    def __init__(self, releases: str, stock: Path) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "book_forecast.serving", "--port", "0"),
                *("--releases", releases, "--stock", str(stock)),
            ],
            stdout=self.log,
            env={**os.environ, "BOOK_FORECAST_SERVE_POLL_SECONDS": "600"},
        )
        self.port = self._wait(self._port)
        self._wait(self._is_ready)
        self.seconds_to_ready = time.perf_counter() - started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def memory(self) -> str:
        """Return the memory of the process now, and its maximum."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        now, most = (
            int(re.findall(rf"{key}:\s+(\d+)", status)[0]) / 1024 for key in ("VmRSS", "VmHWM")
        )
        return f"{now:.0f} MB now, {most:.0f} MB at most"

    def processor_seconds(self) -> float:
        """Return how long the process, without its children, has had a processor."""
        status = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(status[11]) + int(status[12])) / os.sysconf("SC_CLK_TCK")

    def _wait(self, what: Callable[[], int]) -> int:
        while True:
            if self.process.poll() is not None:
                sys.exit("The service has ended.")
            if found := what():
                return found
            time.sleep(0.005)

    def _port(self) -> int:
        found = re.search(rb"http://[\d.]+:(\d+)", os.pread(self.log.fileno(), 10_000, 0))
        return int(found[1]) if found else 0

    def _is_ready(self) -> int:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz").status == 200
        except OSError:
            return 0


class Connection(asyncio.Protocol):
    """One open connection, with a request at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.response: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect a response until it is whole."""
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        # Responses to large batches come in chunks; the last chunk is empty.
        if separator and (len(body) >= int(length[1]) if length else body.endswith(_LAST_CHUNK)):
            self.buffer = b""
            if self.response is not None:
                self.response.set_result((int(head[9:12]), body))

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the request that waits."""
        if self.response is not None and not self.response.done():
            self.response.set_exception(error or ConnectionError("closed before the response"))

    def send(self, request: bytes) -> asyncio.Future[tuple[int, bytes]]:
        """Send a request; status and body come later."""
        self.response = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.response


class Client:
    """Sends requests over as many connections as there are requests at the same time."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.free: list[Connection] = []

    async def send(self, request: bytes) -> bytes:
        """Return the body of the response, whose status must be 200."""
        while self.free and self.free[-1].transport.is_closing():
            self.free.pop()
        if self.free:
            connection = self.free.pop()
        else:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
        status, body = await connection.send(request)
        self.free.append(connection)
        if status != 200:
            raise ConnectionError(f"{status}: {body[:200]!r}")
        return body


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


def predict(isbns: list[str], horizon: int = HORIZON, levels: Sequence[float] = LEVELS) -> bytes:
    """Return a request for some titles."""
    instances = [{"isbn": isbn} for isbn in isbns]
    parameters = {"horizon": horizon, "levels": levels}
    body = json.dumps({"instances": instances, "parameters": parameters}).encode()
    head = (
        "POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def get(isbn: str) -> bytes:
    """Return a request for one title."""
    levels = "&".join(f"level={level}" for level in LEVELS)
    return request(f"/books/{isbn}/forecast?horizon={HORIZON}&{levels}")


def request(path: str) -> bytes:
    """Return a request for a path."""
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


async def timed(send: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds until the response."""
    started = time.perf_counter()
    await send()
    return time.perf_counter() - started


def spread(seconds: list[float]) -> str:
    """Return median and maximum in milliseconds."""
    return f"{np.median(seconds) * 1000:.1f} ms (at most {max(seconds) * 1000:.0f} ms)"


def report(name: str, result: Result) -> None:
    """Print the result of a load."""
    p50, p99, most = np.percentile(np.array(result.latencies) * 1000, [50, 99, 100])
    print(
        f"{name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, at most {most:.1f} ms; "
        f"{len(result.latencies)} responses, {len(result.errors)} errors {result.errors[:3]}"
    )


if __name__ == "__main__":
    main()
