"""Servers of tests end with the tests."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests import leash

PARENT = """
import sys
import time
from tests import leash

leash.start([sys.executable, "-c", sys.argv[1]])
time.sleep(600)
"""
# A server with a process of its own; both write their numbers.
SERVER = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
part = pathlib.Path({path!r} + ".part")
part.write_text(f"{{os.getpid()}} {{child.pid}}")
part.rename({path!r})
time.sleep(600)
"""


def numbers(path: Path) -> list[int]:
    deadline = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(number) for number in path.read_text().split()]


def are_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if not any(is_running(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def is_running(pid: int) -> bool:
    try:
        # A process that nobody has waited for is no more than its number.
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_server_ends_when_the_process_that_started_it_is_killed(tmp_path, project_path):
    path = tmp_path / "numbers"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, SERVER.format(path=str(path))], cwd=project_path
    )
    pids = numbers(path)
    assert len(pids) == 2
    assert all(is_running(pid) for pid in pids)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert are_gone(pids)


def test_a_server_that_is_ended_takes_its_own_processes_with_it(tmp_path):
    path = tmp_path / "numbers"
    process = leash.start([sys.executable, "-c", SERVER.format(path=str(path))])
    pids = numbers(path)
    leash.end(process)
    assert are_gone(pids)


def test_the_exit_code_and_the_output_are_the_command_s_own():
    command = [sys.executable, "-c", "print('told'); raise SystemExit(7)"]
    process = leash.start(command, output=subprocess.PIPE)
    output, _ = process.communicate()
    assert (process.returncode, output) == (7, "told\n")
