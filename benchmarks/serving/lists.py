"""Measures sums, plans, lists, searches, files and the page, one request after the other."""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import partial
from pathlib import Path
from urllib.parse import quote

from benchmarks.serving.service import PLAN, Client, Service, post, request, spread, timed
from tests.browser.chromium import NAMES, started


async def measure_lists(client: Client, service: Service, isbns: list[str]) -> None:
    """Measure sums, plans, lists, searches and files, one request after the other."""
    demand = [request(f"/books/{isbn}/demand?weeks=13") for isbn in isbns[:500]]
    await report_each(client, service, "demand of a title in 13 weeks", demand)
    plans = [post(f"/books/{isbn}/what-if", PLAN) for isbn in isbns[:500]]
    await report_each(client, service, "what-if of a title with a promotion", plans)
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
    print(f"{name}: {spread(times)}, processor {each * 1000:.1f} ms")


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
