"""Commands of a warm process are processes of their own, and end with whoever has started them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_testing.warm import Warm

SLEEPS = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
part = pathlib.Path(sys.argv[1] + ".part")
part.write_text(f"{os.getpid()} {child.pid}")
part.rename(sys.argv[1])
time.sleep(600)
"""
PARENT = """
import os, pathlib, sys
from runner_testing.warm import Warm

Warm(()).start(sys.argv[1:], pathlib.Path.cwd(), os.environ).wait()
"""


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    made = Warm(("json",))
    yield made
    made.end()


def script(folder: Path, code: str) -> str:
    path = folder / "script.py"
    path.write_text(code)
    return str(path)


def pids(path: Path) -> list[int]:
    deadline = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return [int(number) for number in path.read_text().split()]


def are_gone(numbers: list[int]) -> bool:
    deadline = time.monotonic() + 300
    while any(Path(f"/proc/{number}").exists() for number in numbers):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_command_has_its_own_folder_environment_words_output_and_exit_code(
    warm: Warm, tmp_path: Path
) -> None:
    code = "import os, sys; print(os.getcwd(), os.environ, sys.argv[1:]); sys.exit(3)"
    done = warm.run([script(tmp_path, code), "word"], tmp_path, {"ONLY": "this"})
    assert done.returncode == 3
    assert done.stdout == f"{tmp_path} environ({{'ONLY': 'this'}}) ['word']\n"


def test_what_python_runs_at_its_start_is_run(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os; os.environ['SET'] = 'yes'")
    code = "import os, sys; print(os.environ['SET'], file=sys.stderr); print('then')"
    place = {"PYTHONPATH": str(tmp_path)}
    command = warm.start([script(tmp_path, code)], tmp_path, place)
    assert sorted(command.communicate()[0].splitlines()) == ["then", "yes"]


def test_several_commands_run_at_a_time_and_one_is_ended_with_its_own_processes(
    warm: Warm, tmp_path: Path
) -> None:
    sleeps = warm.start([script(tmp_path, SLEEPS), str(tmp_path / "pids")], tmp_path, os.environ)
    numbers = pids(tmp_path / "pids")
    other = tmp_path / "other"
    other.mkdir()
    assert warm.run([script(other, "print(1)")], tmp_path, {}).stdout == "1\n"
    assert sleeps.poll() is None
    sleeps.kill()
    assert sleeps.returncode == -signal.SIGKILL
    assert are_gone(numbers)


def test_a_signal_reaches_the_command_and_nothing_that_it_has_started(
    warm: Warm, tmp_path: Path
) -> None:
    sleeps = warm.start([script(tmp_path, SLEEPS), str(tmp_path / "pids")], tmp_path, os.environ)
    _, child = pids(tmp_path / "pids")
    sleeps.send_signal(signal.SIGTERM)
    assert sleeps.wait(300) == -signal.SIGTERM
    assert Path(f"/proc/{child}").exists()
    os.kill(child, signal.SIGKILL)


def test_commands_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    words = [script(tmp_path, SLEEPS), str(tmp_path / "pids")]
    source = str(Path(__file__).parent)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *words], env={**os.environ, "PYTHONPATH": source}
    )
    numbers = pids(tmp_path / "pids")
    parent.kill()
    parent.wait()
    assert are_gone(numbers)
