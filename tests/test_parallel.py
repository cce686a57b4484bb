"""Work on titles survives what happens to processes."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from book_forecast import parallel
from book_forecast.parallel import map_titles, workers_for


def square(number: int) -> int:
    return number * number


def die_at_five(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def fail_at_five(number: int) -> int:
    if number == 5:
        raise ValueError("five")
    return number


def test_results_keep_the_order_of_the_items():
    assert map_titles(square, list(range(40)), 2, "Squaring", square) == [i * i for i in range(40)]


def test_few_items_are_done_here(monkeypatch):
    monkeypatch.setattr(parallel, "_have_started", False)
    seen = []
    map_titles(lambda _: seen.append(os.getpid()), [1, 2], 2, "Looking", print)
    assert seen == [os.getpid()] * 2


@pytest.mark.slow
def test_a_process_that_dies_costs_its_own_title_alone():
    found = map_titles(die_at_five, list(range(12)), 2, "Dying", on_death=lambda n: -n)
    assert found == [0, 1, 2, 3, 4, -5, 6, 7, 8, 9, 10, 11]


def test_an_error_reaches_the_caller():
    with pytest.raises(ValueError, match="five"):
        map_titles(fail_at_five, list(range(12)), 2, "Failing", square)


def test_without_a_terminal_progress_is_plain_lines(caplog, monkeypatch):
    monkeypatch.setattr("book_forecast.parallel.SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO):
        map_titles(square, [1, 2, 3], 1, "Squaring", square)
    assert "Squaring: 1 of 3 titles, about 0 s left" in caplog.messages
    assert caplog.messages[-1].startswith("Squaring: 3 titles in ")


@pytest.mark.parametrize(("n_jobs", "items", "workers"), [(1, 9, 1), (4, 2, 2), (3, 0, 1)])
def test_there_are_never_more_workers_than_asked_for_or_needed(n_jobs, items, workers):
    assert workers_for(n_jobs, items) == workers


ENDLESS = """
import time
from book_forecast.parallel import map_titles
map_titles(time.sleep, [0.2] * 500, 2, "Sleeping", print)
"""


@pytest.mark.slow
def test_an_interrupt_leaves_no_process_behind(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(6)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=20)
    deadline = time.monotonic() + 10
    while _members(process.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _members(process.pid) == []


def _members(group: int) -> list[str]:
    found = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=False)
    return found.stdout.split()
