"""A release that is too large for what it is costs an error and no memory; the old one stays."""

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from book_forecast.payload.manifest import MANIFEST, checksum, file_entry
from book_forecast.payload.sizes import LONGEST_NAME
from book_forecast.releases.assembly import assemble
from book_forecast.releases.store import ReleaseStore
from tests.releases import payloads
from tests.serving.servers import FIRST, KNOWN, FreshServer, eventually, make_store, promote, write

MB = 1 << 20
TEXT = 60 * MB


def padded_manifest(folder: Path) -> None:
    """A right manifest with 200 MB of spaces behind it."""
    with (folder / MANIFEST).open("ab") as file:
        for _ in range(200):
            file.write(b" " * MB)


def with_texts(folder: Path, name: str, texts: list[str]) -> None:
    """Give a column of the titles other texts, and a manifest that is right."""
    manifest = json.loads((folder / MANIFEST).read_text())
    old = folder / manifest["files"]["titles"]["name"]
    table = pq.read_table(old)
    index = table.schema.get_field_index(name)
    buffer = pa.BufferOutputStream()
    pq.write_table(table.set_column(index, name, pa.array(texts)), buffer, compression="zstd")
    old.unlink()
    new = f"titles-{'0' * 16}.parquet"
    (folder / new).write_bytes(buffer.getvalue())
    manifest["files"]["titles"] = file_entry(new, buffer.getvalue().to_pybytes())
    manifest["checksum"] = checksum(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def one_long_title(folder: Path) -> None:
    with_texts(folder, "title", ["x" * TEXT, *("short" for _ in KNOWN[1:])])


def many_long_titles(folder: Path) -> None:
    """Parquet stores equal texts once, and readers unpack each of them."""
    with_texts(folder, "title", ["x" * TEXT] * len(KNOWN))


def long_authors(folder: Path) -> None:
    with_texts(folder, "author", ["x" * (LONGEST_NAME + 1)] * len(KNOWN))


def long_states(folder: Path) -> None:
    with_texts(folder, "state", ["x" * TEXT, *("{}" for _ in KNOWN[1:])])


def larger_file(folder: Path) -> None:
    """A table that has grown since the manifest was written."""
    (path,) = folder.glob("histories-*")
    with path.open("ab") as file:
        file.truncate(3000 * MB)


SPOILT = [
    (padded_manifest, "has more than 8 MB"),
    (one_long_title, "at most"),
    (many_long_titles, ""),
    (long_authors, f"has a author of {LONGEST_NAME + 1} characters"),
    (long_states, "MB of texts in 12 rows"),
    (larger_file, "is damaged"),
]
NAMES = [spoil.__name__ for spoil, _ in SPOILT]


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    store = make_store(tmp_path_factory.mktemp("store"))
    variables = {"BOOK_FORECAST_SERVE_POLL_SECONDS": "600"}
    with FreshServer(
        tmp_path_factory.mktemp("log"), "--releases", store.root, **variables
    ) as server:
        yield server.ready(), store


def most_memory(server: FreshServer) -> int:
    """The most bytes that the service has had at any time."""
    return server.memory("VmHWM")


@pytest.mark.parametrize(("spoil", "words"), SPOILT, ids=NAMES)
def test_a_release_that_is_too_large_is_refused_and_the_old_one_served(service, spoil, words):
    server, store = service
    before, former = most_memory(server), server.readiness()["problem"]
    release = f"2024-07-15T05.00.00-{NAMES.index(spoil.__name__):08x}"
    write(store, release, seed=3)
    spoil(Path(store.location(release)))
    promote(store, release)
    server.wake()
    problem = eventually(lambda: (p := server.readiness()["problem"]) not in (None, former) and p)
    assert words in problem
    assert release in problem
    assert server.predict({"isbn": KNOWN[0]}).json()["predictions"][0]["release"] == FIRST
    assert most_memory(server) - before < 30 * MB


PEAK = """
import resource, sys
from book_forecast.payload.manifest import PayloadError
from book_forecast.serving.loading.loader import load
try:
    load(sys.argv[1])
except PayloadError as error:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, error)
"""


@pytest.mark.parametrize("spoil", [one_long_title, many_long_titles, larger_file])
def test_the_process_that_reads_it_takes_little_memory(tmp_path, spoil):
    store = ReleaseStore(str(tmp_path))
    write(store, FIRST)
    spoil(Path(store.location(FIRST)))
    command = [sys.executable, "-c", PEAK, store.location(FIRST)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    size, _, problem = done.stdout.partition(" ")
    assert int(size) < 500 * MB, done
    assert FIRST in problem


def test_a_name_that_is_too_long_is_cut_when_it_is_written(tmp_path):
    store = ReleaseStore(str(tmp_path))
    tables = payloads.tables(titles=2)
    titles = tables["titles"]
    long = pa.array(["é" * 5000, "short"])
    tables["titles"] = titles.set_column(titles.schema.get_field_index("title"), "title", long)
    store.write(FIRST, assemble(FIRST, tables, {}))
    assert store.read(FIRST).titles["title"].to_pylist() == ["é" * LONGEST_NAME, "short"]
