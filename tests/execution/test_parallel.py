"""Work on titles survives what happens to processes."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from book_forecast.execution import parallel
from book_forecast.execution.checkpoints import Checkpoint, CheckpointFolder
from book_forecast.execution.parallel import map_titles, workers_for
from tests.signals import interruptible


def square(number: int) -> int:
    return number * number


def whereabouts(_number: int) -> int:
    return os.getpid()


def warn_at_five(number: int) -> int:
    if number == 5:
        logging.getLogger("book_forecast.somewhere").warning("%d is odd", number)
    return number


def die_at_five(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once_at_five(task: tuple[int, Path]) -> int:
    number, died = task
    if number == 5 and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_once_slowly(task):
    time.sleep(0.1)
    return die_once_at_five(task)


def meet(folder: Path) -> int:
    """Waits for another process to come."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.01)
    return os.getpid()


@dataclass(frozen=True)
class Title:
    """A task that tells a folder that it was begun."""

    number: int
    folder: Path

    @property
    def isbn(self) -> str:
        return str(self.number)


def begun(title: Title) -> tuple[int, float]:
    with (title.folder / f"begun-{title.number}").open("a") as file:
        file.write("x")
    return title.number, title.number / 7


def die_at_a_title(title: Title) -> tuple[int, float]:
    if title.number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return begun(title)


def interrupt_at_five(title: Title) -> tuple[int, float]:
    if title.number == 5:
        raise KeyboardInterrupt
    return begun(title)


def times_begun(folder: Path) -> dict[int, int]:
    files = folder.glob("begun-*")
    return {int(file.name.removeprefix("begun-")): len(file.read_text()) for file in files}


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


@pytest.mark.parametrize(("n_slow", "is_here"), [(None, False), (8, False), (7, True), (0, True)])
def test_items_that_take_no_time_start_no_processes(monkeypatch, n_slow, is_here):
    monkeypatch.setattr(parallel, "_have_started", False)
    places = map_titles(whereabouts, range(20), 2, "Looking", print, fewest=8, n_slow=n_slow)
    assert (set(places) == {os.getpid()}) is is_here


def test_few_items_go_to_processes_that_wait_already_and_give_the_same(monkeypatch, tmp_path):
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(parallel, "_have_started", False)
    here = map_titles(square, [1, 2], 2, "Squaring", square)
    first = map_titles(meet, [folders[0]] * 2, 2, "Meeting", print, fewest=2)
    second = map_titles(meet, [folders[1]] * 2, 2, "Meeting", print)
    assert set(first) == set(second)
    assert len({*first, os.getpid()}) == 3
    assert map_titles(square, [1, 2], 2, "Squaring", square) == here == [1, 4]


@pytest.mark.parametrize(("items", "times"), [(0, 0), (7, 1), (8, 1)])
def test_what_processes_need_is_prepared_once_where_there_is_work(monkeypatch, items, times):
    monkeypatch.setattr(parallel, "_have_started", False)
    prepared = []
    map_titles(square, list(range(items)), 2, "Squaring", square, lambda: prepared.append(1))
    assert sum(prepared) == times


@pytest.mark.slow
def test_a_title_whose_process_dies_once_is_done_again_and_later_calls_go_on(tmp_path):
    tasks = [(number, tmp_path / "died") for number in range(12)]
    for _ in range(2):
        found = map_titles(die_once_at_five, tasks, 2, "Dying", on_death=lambda _: -1)
        assert found == list(range(12))
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_a_process_that_dies_costs_its_own_title_alone():
    found = map_titles(die_at_five, list(range(12)), 2, "Dying", on_death=lambda n: -n)
    assert found == [0, 1, 2, 3, 4, -5, 6, 7, 8, 9, 10, 11]


DYING = """
import os, signal
from book_forecast.execution.parallel import map_titles

def die_at_five(number):
    if number == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return number

assert map_titles(die_at_five, range(12), 2, "Dying", on_death=lambda n: -n)[5] == -5
"""


@pytest.mark.slow
def test_no_traceback_of_a_dead_process_reaches_the_user():
    done = subprocess.run(
        [sys.executable, "-c", DYING], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Dying: a worker process died with" in done.stderr
    assert "Traceback" not in done.stderr
    assert "TerminatedWorkerError" not in done.stderr


@pytest.mark.slow
def test_a_death_leaves_the_rest_to_all_processes(tmp_path, caplog):
    # Each takes a while, as work does: else all would be handed over before the death is seen.
    tasks = [(number, tmp_path / "died") for number in range(30)]
    assert map_titles(die_once_slowly, tasks, 2, "Dying", lambda _: -1) == list(range(30))
    (line,) = [message for message in caplog.messages if "died" in message]
    assert int(line.split("; ")[1].split()[0]) <= 2 * parallel.CHUNKS_AHEAD + 2


@pytest.mark.parametrize("items", [3, 40, 67])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_chunks_change_nothing(items, chunk):
    found = map_titles(square, list(range(items)), 2, "Squaring", square, chunk=chunk)
    assert found == [i * i for i in range(items)]


def checkpoint_in(folder: Path) -> Checkpoint:
    return CheckpointFolder(folder / "checkpoints").open("begun", "abc")


@pytest.mark.parametrize("items", [7, 20])
def test_finished_titles_are_not_begun_again(tmp_path, items, monkeypatch):
    monkeypatch.setattr(parallel, "_have_started", False)
    titles = [Title(number, tmp_path) for number in range(items)]
    checkpoint = checkpoint_in(tmp_path)
    map_titles(begun, titles[3:6], 2, "Beginning", begun, checkpoint=checkpoint)
    for _ in range(2):
        found = map_titles(begun, titles, 2, "Beginning", begun, chunk=2, checkpoint=checkpoint)
        assert found == [(number, number / 7) for number in range(items)]
    assert times_begun(tmp_path) == dict.fromkeys(range(items), 1)


def test_an_interrupted_call_goes_on_with_the_title_it_was_at(tmp_path):
    titles = [Title(number, tmp_path) for number in range(8)]
    with pytest.raises(KeyboardInterrupt):
        map_titles(
            interrupt_at_five, titles, 1, "Beginning", begun, checkpoint=checkpoint_in(tmp_path)
        )
    assert set(times_begun(tmp_path)) == set(range(5))
    map_titles(begun, titles, 1, "Beginning", begun, checkpoint=checkpoint_in(tmp_path))
    assert times_begun(tmp_path) == dict.fromkeys(range(8), 1)


@pytest.mark.slow
def test_what_stands_in_for_a_title_whose_process_died_is_not_saved(tmp_path):
    titles = [Title(number, tmp_path) for number in range(12)]
    checkpoint = checkpoint_in(tmp_path)
    found = map_titles(
        die_at_a_title, titles, 2, "Dying", lambda t: (-t.number, 0.0), checkpoint=checkpoint
    )
    assert found[5] == (-5, 0.0)
    assert set(checkpoint.load([title.isbn for title in titles])) == {str(n) for n in range(12)} - {
        "5"
    }
    assert max(times_begun(tmp_path).values()) == 1
    assert map_titles(begun, titles, 2, "Beginning", begun, checkpoint=checkpoint)[5] == (5, 5 / 7)


def test_an_error_reaches_the_caller():
    with pytest.raises(ValueError, match="five"):
        map_titles(fail_at_five, list(range(12)), 2, "Failing", square)


def test_without_a_terminal_progress_is_plain_lines(caplog, monkeypatch):
    monkeypatch.setattr("book_forecast.execution.progress.SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO):
        map_titles(square, [1, 2, 3], 1, "Squaring", square)
    assert "Squaring: 1 of 3 titles, about 0 s left" in caplog.messages
    assert caplog.messages[-1].startswith("Squaring: 3 titles in ")


@pytest.mark.parametrize(("n_jobs", "items", "workers"), [(1, 9, 1), (4, 2, 2), (3, 0, 1)])
def test_there_are_never_more_workers_than_asked_for_or_needed(n_jobs, items, workers):
    assert workers_for(n_jobs, items) == workers


ENDLESS = """
import os, sys, time
from pathlib import Path
from book_forecast.execution.parallel import map_titles

def work(folder):
    (folder / str(os.getpid())).touch()
    time.sleep(0.2)

map_titles(work, [Path(sys.argv[1])] * 5000, 2, "Working", print)
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", ["interrupt", "kill of the run alone"])
def test_neither_an_interrupt_nor_a_kill_of_the_run_alone_leaves_a_process_behind(tmp_path, sent):
    with interruptible():
        process = subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(tmp_path)],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        _wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        if sent == "interrupt":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.kill()
        process.wait(timeout=120)
        _wait_until(lambda: not _members(process.pid))
    finally:
        if _members(process.pid):
            os.killpg(process.pid, signal.SIGKILL)


def _wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _members(group: int) -> list[str]:
    found = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_what_a_worker_warns_of_reaches_the_log_of_the_run(caplog):
    map_titles(warn_at_five, range(20), 2, "Counting", on_death=abs)
    (record,) = [r for r in caplog.records if r.name == "book_forecast.somewhere"]
    assert record.getMessage() == "5 is odd"
    assert record.process != os.getpid()
