"""One run at a time holds a data root; the parts of one run share it."""

import logging
import os
import signal
import subprocess
import sys
import threading
import uuid
from contextlib import ExitStack

import fsspec
import pytest

from book_forecast.storage import run_lock as module
from book_forecast.storage.errors import UserError
from book_forecast.storage.run_lock import Holder, run_lock

pytest_plugins = ("tests.gcs",)

# Holds the lock, or waits for it, until a line arrives; `token` may be empty.
PROCESS = """
import logging, sys
from book_forecast.storage.errors import UserError
from book_forecast.storage.run_lock import Holder, run_lock
root, run, token, wait_seconds = sys.argv[1:]
handler = logging.StreamHandler(sys.stdout)
logging.basicConfig(level=logging.INFO, handlers=[handler], format="%(message)s", force=True)
try:
    with run_lock(root, Holder(run, token or None), float(wait_seconds)):
        print("holds", flush=True)
        sys.stdin.readline()
    print("ended", flush=True)
except UserError as error:
    print(f"refused: {error}", flush=True)
"""


class Run:
    """A process that takes the lock."""

    def __init__(self, root: str, run: str, token: str = "", wait: float = 0.0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, root, run, token, str(wait)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": ":".join(sys.path)},
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> list[str]:
        """Let the run end; returns its last lines."""
        return self.process.communicate("\n", timeout=120)[0].splitlines()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def start(tmp_path):
    """Starts processes on one root, and ends them with the test."""
    runs: list[Run] = []

    def _start(run: str, token: str = "", wait: float = 0.0) -> Run:
        runs.append(Run(str(tmp_path), run, token, wait))
        return runs[-1]

    yield _start
    for run in runs:
        if run.process.poll() is None:
            run.kill()


def test_a_second_process_waits_with_one_line_that_names_the_first_and_then_goes_on(start):
    first = start("train, 2024-01-06")
    assert first.line() == "holds"
    second = start("evaluate, later", wait=600.0)
    line = second.line()
    assert line.startswith("Waiting for the run “train, 2024-01-06” (process ")
    assert f"process {first.process.pid} on " in line
    assert first.end() == ["ended"]
    assert second.line() == "holds"
    assert second.end() == ["ended"]


def test_without_time_to_wait_a_second_process_is_refused_naming_the_first(start, tmp_path):
    first = start("train, 2024-01-06")
    assert first.line() == "holds"
    (line,) = start("evaluate, later").end()
    assert line.startswith(f"refused: {tmp_path} is in use by the run “train, 2024-01-06”")
    assert str(first.process.pid) in line
    assert "execution.wait_minutes" in line


def test_a_killed_holder_frees_the_lock(start):
    first = start("train, 2024-01-06")
    assert first.line() == "holds"
    second = start("evaluate, later", wait=600.0)
    assert second.line().startswith("Waiting")
    first.kill()
    assert second.line() == "holds"


def test_parts_of_one_run_share_the_lock_and_others_wait_for_the_last(start):
    first, second = start("part 1", "run a"), start("part 2", "run a", wait=600.0)
    assert {first.line(), second.line()} == {"holds"}
    for other in (start("another run", "run b"), start("a single run")):
        (line,) = other.end()
        assert line.startswith("refused")
    first.end()
    waiting = start("another run", "run b", wait=600.0)
    assert waiting.line().startswith("Waiting for the run “part ")
    third = start("part 3", "run a", wait=600.0)
    assert third.line() == "holds"
    second.end()
    third.end()
    assert waiting.line() == "holds"


def test_a_lock_can_be_taken_again_in_the_same_process(tmp_path):
    for run in ("one", "two"):
        with run_lock(str(tmp_path), Holder(run), 0.0):
            assert (tmp_path / module.FILE).exists()


def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"file/data cannot be written .* --params data_root="),
        run_lock(str(tmp_path / "file" / "data"), Holder("one"), 0.0),
    ):
        pass


@pytest.fixture(params=["memory", "gcs"])
def bucket(request) -> str:
    """The address of a folder on an object store."""
    if request.param == "gcs":
        return f"{request.getfixturevalue('gcs_bucket')}/data"
    return f"memory://{uuid.uuid4().hex}/data"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)


def objects(bucket: str) -> list[str]:
    fs, path = fsspec.core.url_to_fs(bucket)
    fs.invalidate_cache()
    return fs.find(path)


def refused(bucket: str, holder: Holder) -> str:
    with pytest.raises(UserError) as error, run_lock(bucket, holder, 0.0):
        pass
    return str(error.value)


def test_on_a_bucket_a_second_run_is_refused_and_nothing_stays(bucket):
    with run_lock(bucket, Holder("train"), 0.0):
        assert f"{bucket} is in use by the run “train”" in refused(bucket, Holder("evaluate"))
        assert "“train”" in refused(bucket, Holder("part 1", "run a"))
    assert objects(bucket) == []
    with run_lock(bucket, Holder("evaluate"), 0.0):
        assert len(objects(bucket)) == 1
    assert objects(bucket) == []


def test_on_a_bucket_a_second_run_waits_and_goes_on(bucket, caplog):
    caplog.set_level(logging.INFO)
    holds, ends = threading.Event(), threading.Event()

    def first() -> None:
        with run_lock(bucket, Holder("train"), 0.0):
            holds.set()
            ends.wait()

    thread = threading.Thread(target=first)
    thread.start()
    holds.wait()
    threading.Timer(0.2, ends.set).start()
    with run_lock(bucket, Holder("evaluate"), 600.0):
        thread.join()
    (line,) = [message for message in caplog.messages if "Waiting" in message]
    assert "“train”" in line


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_on_a_bucket_the_last_part_of_a_run_frees_the_lock(bucket, order):
    parts = [ExitStack() for _ in range(3)]
    for number, part in enumerate(parts):
        part.enter_context(run_lock(bucket, Holder(f"part {number}", "run a"), 0.0))
    for number in order:
        assert "“part" in refused(bucket, Holder("part 1 of another", "run b"))
        assert "“part" in refused(bucket, Holder("single"))
        parts[number].close()
    assert objects(bucket) == []


def abandon(bucket: str, holder: Holder) -> None:
    """Leave a lock behind, as a kill does."""
    fs, path = fsspec.core.url_to_fs(bucket)
    lock = module._RemoteLock(fs, f"{path}/{module.FILE}", holder)
    lock._ended.set()
    assert lock.take() is None


def test_on_a_bucket_a_lock_that_nobody_renews_is_taken_over(bucket, monkeypatch, caplog):
    abandon(bucket, Holder("killed"))
    assert "“killed”" in refused(bucket, Holder("evaluate"))
    monkeypatch.setattr(module, "_ABANDONED_SECONDS", 0.05)
    with run_lock(bucket, Holder("evaluate"), 600.0):
        monkeypatch.setattr(module, "_ABANDONED_SECONDS", 90.0)
        assert "“evaluate”" in refused(bucket, Holder("third"))
    assert "Taking over the lock" in caplog.text
    assert objects(bucket) == []


def test_on_a_bucket_a_holder_renews_its_lock(bucket, monkeypatch):
    monkeypatch.setattr(module, "_RENEW_SECONDS", 0.01)
    fs, path = fsspec.core.url_to_fs(f"{bucket}/{module.FILE}")

    def content() -> bytes:
        fs.invalidate_cache()
        return fs.cat_file(path)

    with run_lock(bucket, Holder("train"), 0.0):
        first = content()
        while content() == first:
            pass
    assert objects(bucket) == []


def test_on_a_bucket_a_part_goes_on_renewing_when_the_first_was_killed(bucket, monkeypatch):
    abandon(bucket, Holder("part 1", "run a"))
    monkeypatch.setattr(module, "_RENEW_SECONDS", 0.01)
    fs, path = fsspec.core.url_to_fs(f"{bucket}/{module.FILE}")
    with run_lock(bucket, Holder("part 2", "run a"), 0.0):
        while b"part 2" not in fs.cat_file(path):
            fs.invalidate_cache()
        assert "“part 2”" in refused(bucket, Holder("evaluate"))
