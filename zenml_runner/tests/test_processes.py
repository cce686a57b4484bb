"""Whether the process of a run is still there."""

import os
import subprocess
import sys
from types import SimpleNamespace

import psutil

from zenml_runner import processes


def run_of(process: dict) -> SimpleNamespace:
    status = SimpleNamespace(is_finished=False)
    return SimpleNamespace(
        status=status, config=SimpleNamespace(extra={processes.PROCESS: process})
    )


def test_a_process_lives_until_it_has_ended_though_nobody_has_asked_how():
    code = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as started:
        began = psutil.Process(started.pid).create_time()
        process = processes.this_process() | {"pid": started.pid, "started": began}
        assert processes._is_alive(process)
        started.kill()
        os.waitid(os.P_PID, started.pid, os.WEXITED | os.WNOWAIT)
        assert not processes._is_alive(process)
    assert not processes._is_alive(process)


def test_another_process_with_the_same_number_is_not_taken_for_it():
    own = processes.this_process()
    assert processes._is_alive(own)
    assert not processes._is_alive(own | {"started": own["started"] - 60})


def test_a_run_of_another_machine_is_not_known_to_be_at_work():
    own = processes.this_process()
    assert processes.is_running(run_of(own))
    assert not processes.is_running(run_of(own | {"host": "elsewhere"}))
