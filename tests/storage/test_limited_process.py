import logging
import os
import pickle
import subprocess
import sys
import time
from typing import IO, cast

import psutil
import pytest

from book_forecast.storage.errors import UserError
from book_forecast.storage.limited_process import (
    LimitedProcess,
    OutOfMemoryError,
    OutOfTimeError,
    WorkerError,
)

MODULE = "tests.storage.limited_answers"
GIGABYTE = 1 << 30


@pytest.fixture
def process():
    limited = LimitedProcess(MODULE)
    yield limited
    limited.close()


def ask(process, do, seconds=60, **request):
    return list(process.ask({"do": do, **request}, GIGABYTE, seconds))


def number_of(process) -> int:
    return int(ask(process, "process")[0])


def test_parts_come_in_order_and_one_process_answers_all_requests(process):
    first = number_of(process)
    assert ask(process, "count", to=100) == [str(number).encode() for number in range(100)]
    assert number_of(process) == first != psutil.Process().pid


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit memory")
def test_too_much_memory_is_an_error_and_the_next_request_is_answered(process):
    assert ask(process, "allocate", size=1 << 20) == [b"1048576"]
    with pytest.raises(OutOfMemoryError):
        ask(process, "allocate", size=4 * GIGABYTE)
    assert ask(process, "count", to=1) == [b"0"]


def test_a_library_that_aborts_ends_its_own_process_alone(process):
    with pytest.raises(OutOfMemoryError):
        ask(process, "abort")
    assert ask(process, "count", to=1) == [b"0"]


def test_a_part_that_takes_too_long_is_an_error_and_its_process_ends(process):
    child = psutil.Process(number_of(process))
    with pytest.raises(OutOfTimeError):
        ask(process, "sleep", seconds=0.3)
    assert not child.is_running()


def test_errors_of_users_and_of_the_code_are_told_apart(process):
    with pytest.raises(UserError, match=r"^sales\.xlsx has a password\.$"):
        ask(process, "refuse")
    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        ask(process, "fail")
    with pytest.raises(WorkerError):
        list(LimitedProcess("tests.storage.no_such_module").ask({}, GIGABYTE, 60))


def test_log_records_reach_the_parent(process, caplog):
    ask(process, "log")
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("some.reader", logging.WARNING)
    assert record.getMessage() == "Ignored Notes"


def test_an_answer_that_is_not_read_to_its_end_spoils_no_other(process):
    parts = process.ask({"do": "count", "to": 1000}, GIGABYTE, 60)
    assert next(parts) == b"0"
    parts.close()
    assert ask(process, "count", to=2) == [b"0", b"1"]


def test_the_process_ends_with_its_object():
    limited = LimitedProcess(MODULE)
    child = psutil.Process(number_of(limited))
    del limited
    assert not child.is_running()


def test_the_process_ends_when_its_parent_is_killed():
    code = (
        "import time\n"
        "from book_forecast.storage.limited_process import LimitedProcess\n"
        f"process = LimitedProcess({MODULE!r})\n"
        f"part, = process.ask({{'do': 'process'}}, {GIGABYTE}, 60)\n"
        "print(part.decode(), flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        child = psutil.Process(int(cast("IO[bytes]", parent.stdout).readline()))
        parent.kill()
    deadline = time.monotonic() + 60
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_copy_has_a_process_of_its_own(process):
    first = number_of(process)
    copy = pickle.loads(pickle.dumps(process))
    try:
        assert number_of(copy) != first
    finally:
        copy.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no forks")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_leaves_the_process_of_its_parent_alone(process):
    first = number_of(process)
    fork = os.fork()
    if not fork:
        process.close()
        os._exit(0)
    os.waitpid(fork, 0)
    assert number_of(process) == first
