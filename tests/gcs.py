"""A bucket on an emulator of Google Cloud Storage: a real server process on loopback.

The emulator proves paths, listings, replacement and clean-up. It does not prove IAM, quotas or the
consistency of the real service. A test module has it with `pytest_plugins = ("tests.gcs",)`.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from urllib.error import URLError
from urllib.request import urlopen

import fsspec
import pytest

from tests import leash
from tests.gcs_buckets import make_bucket
from tests.gcs_faults import FaultyBucket, start_proxy


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def forget_filesystems() -> None:
    """Let the next use of a bucket open it anew, where the environment says."""
    fsspec.get_filesystem_class("gs").clear_instance_cache()


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[str]:
    """The address of an emulator that keeps its objects in memory."""
    port = str(_free_port())
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gcp_storage_emulator", "start"]
    process = leash.start([*command, "--host", "127.0.0.1", "--port", port, "--in-memory"])
    try:
        deadline = time.monotonic() + 600
        while True:
            with suppress(URLError, OSError):
                urlopen(f"{address}/", timeout=60).close()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail("the storage emulator did not start")
            time.sleep(0.05)
        yield address
    finally:
        leash.end(process)


@pytest.fixture
def gcs_bucket(gcs_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket, `gs://…`, for this process and those it starts."""
    name = f"books-{time.time_ns()}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "books")
    # A filesystem that another test has opened talks to another address.
    forget_filesystems()
    make_bucket(gcs_server, name)
    yield f"gs://{name}"
    forget_filesystems()


@pytest.fixture
def faulty_bucket(
    gcs_bucket: str, gcs_server: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FaultyBucket]:
    """An empty bucket behind a proxy, for this process and those it starts."""
    bucket = FaultyBucket(gcs_bucket)
    server = start_proxy(bucket, gcs_server)
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    forget_filesystems()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def hasty_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let gcsfs repeat requests as often as it does, without the half minute in between."""
    real = asyncio.sleep
    hasty = SimpleNamespace(sleep=lambda _seconds: real(0.01))
    monkeypatch.setattr("gcsfs.retry.asyncio", hasty)
