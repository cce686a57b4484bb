"""A study that was killed goes on as if it had not been, and nobody waits for a dead lock."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest

from book_forecast.execution.journals import JournalFolder
from book_forecast.storage.errors import UserError

optuna.logging.set_verbosity(optuna.logging.WARNING)

KEY = "abc123/9780722532935"


def tune(folder: JournalFolder, trials: int, key: str = KEY) -> list[tuple]:
    """Run a small study up to so many trials, each drawn from its own number."""
    with folder.open(key) as journal:
        study = optuna.create_study(
            storage=optuna.storages.JournalStorage(journal),  # type: ignore[arg-type]
            study_name="orders",
            load_if_exists=True,
            direction="minimize",
        )
        if not study.trials:
            study.enqueue_trial({"p": 1, "q": 0})
            study.enqueue_trial({"p": 2, "q": 1})
        while len(finished(study)) < trials:
            number = len(finished(study))
            study.sampler = optuna.samplers.RandomSampler(seed=number)
            trial = study.ask()
            p, q = trial.suggest_int("p", 0, 3), trial.suggest_int("q", 0, 3)
            for fold in range(2):
                trial.report(p + 0.1 * fold, fold)
            trial.set_user_attr("folds", 2)
            study.tell(trial, (p - 2) ** 2 + 0.5 * q)
        return [
            (t.number, t.params, t.value, t.intermediate_values, t.user_attrs)
            for t in study.trials
            if t.state.is_finished()
        ]


def finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [trial for trial in study.trials if trial.state.is_finished()]


@pytest.fixture
def unbroken(tmp_path) -> list[tuple]:
    return tune(JournalFolder(tmp_path / "unbroken"), 6)


def test_a_study_cut_at_any_byte_of_its_last_records_goes_on_to_the_same_end(tmp_path, unbroken):
    assert len(unbroken) == 6
    folder = JournalFolder(tmp_path / "broken")
    whole = (tmp_path / "unbroken" / f"{KEY}.journal").read_bytes()
    journal = tmp_path / "broken" / f"{KEY}.journal"
    journal.parent.mkdir(parents=True)
    lines = whole.splitlines(keepends=True)
    started = len(whole) - sum(map(len, lines[-3:]))
    for size in range(started, len(whole) + 1):
        journal.write_bytes(whole[:size])
        assert tune(folder, 6) == unbroken, size


def test_a_study_cut_after_any_record_goes_on_to_the_same_end(tmp_path, unbroken):
    whole = (tmp_path / "unbroken" / f"{KEY}.journal").read_bytes()
    folder = JournalFolder(tmp_path / "broken")
    journal = tmp_path / "broken" / f"{KEY}.journal"
    journal.parent.mkdir(parents=True)
    lines = whole.splitlines(keepends=True)
    for count in range(len(lines)):
        # Before the second seed is enqueued the study is not set up; tune starts it anew.
        if 1 <= count < 3:
            continue
        journal.write_bytes(b"".join(lines[:count]))
        assert tune(folder, 6) == unbroken, count


@pytest.mark.parametrize("tail", [b"\x00" * 40, b'{"op_code": 6\n', b"\n", b"[1]\n", b"{}"])
def test_rubbish_at_the_end_is_cut_off(tmp_path, unbroken, tail):
    journal = tmp_path / "unbroken" / f"{KEY}.journal"
    journal.write_bytes(journal.read_bytes() + tail)
    folder = JournalFolder(tmp_path / "unbroken")
    assert tune(folder, 6) == unbroken
    assert len(tune(folder, 7)) == 7


def test_a_finished_study_is_left_byte_for_byte(tmp_path, unbroken):
    journal = tmp_path / "unbroken" / f"{KEY}.journal"
    before = journal.read_bytes()
    with JournalFolder(tmp_path / "unbroken").open(KEY):
        pass
    assert journal.read_bytes() == before


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_journals import JournalFolder, tune
print("ready", flush=True)
for count in range(1, 200):
    tune(JournalFolder(Path(sys.argv[2])), count)
"""


def start(folder: Path, script: str = SCRIPT) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(Path(__file__).parent), str(folder)],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def kill(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.parametrize("after", [0.05, 0.11, 0.17, 0.23])
def test_a_killed_run_goes_on_at_once_and_ends_the_same(tmp_path, after):
    process = start(tmp_path / "broken")
    time.sleep(after)
    kill(process)
    began = time.monotonic()
    assert tune(JournalFolder(tmp_path / "broken"), 30)[:30] == tune(
        JournalFolder(tmp_path / "unbroken"), 30
    )
    assert time.monotonic() - began < 20  # Optuna's own lock would have been stuck for 30 s


HOLDER = """
import sys, time
from pathlib import Path
from book_forecast.execution.journals import JournalFolder
with JournalFolder(Path(sys.argv[2])).open("one"):
    print("ready", flush=True)
    time.sleep(60)
"""


def test_a_journal_in_use_is_waited_for_and_then_refused_by_name(tmp_path):
    process = start(tmp_path, HOLDER)
    try:
        with (
            pytest.raises(UserError, match=r"one\.journal has been in use by another run"),
            JournalFolder(tmp_path, patience=0.2).open("one"),
        ):
            pass
        with JournalFolder(tmp_path, patience=0.2).open("two"):
            pass  # another title's journal is free
        JournalFolder(tmp_path).discard(["one"])
        assert "one" in JournalFolder(tmp_path).keys()  # noqa: SIM118
    finally:
        kill(process)
    with JournalFolder(tmp_path, patience=0.2).open("one"):
        pass


def test_a_journal_that_is_freed_while_waiting_is_opened(tmp_path):
    process = start(tmp_path, HOLDER)
    timer = threading.Timer(0.3, kill, [process])
    timer.start()
    with JournalFolder(tmp_path, patience=20).open("one"):
        pass
    timer.join()


@pytest.mark.parametrize(
    "key", ["", "..", "../x", "a/../b", "/etc/x", "a//b", "a/", ".hidden", "a b", "a\n", "x" * 101]
)
def test_a_key_that_leaves_the_folder_is_refused(tmp_path, key):
    with (
        pytest.raises(ValueError, match="is no key of a journal"),
        JournalFolder(tmp_path / "here").open(key),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_only_old_journals_of_other_generations_are_pruned(tmp_path):
    folder = JournalFolder(tmp_path)
    for key in ("old/1", "old/2", "new/1", "young/1"):
        with folder.open(key):
            pass
    for key in ("old/1", "old/2", "new/1"):
        os.utime(tmp_path / f"{key}.journal", (0, 0))
    assert folder.prune(keep="new") == 2
    assert folder.keys() == ["new/1", "young/1"]
    assert not (tmp_path / "old").exists()


def test_discarding_what_is_not_there_is_no_error(tmp_path):
    folder = JournalFolder(tmp_path)
    with folder.open("a"):
        pass
    folder.discard(["a", "b", "c/d"])
    assert folder.keys() == []


def test_a_folder_goes_to_worker_processes(tmp_path):
    folder = pickle.loads(pickle.dumps(JournalFolder(tmp_path)))
    assert len(tune(folder, 2)) == 2


def test_optuna_reads_the_journal_by_itself(tmp_path, unbroken):
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path = tmp_path / "unbroken" / f"{KEY}.journal"
    study = optuna.load_study(
        study_name="orders", storage=JournalStorage(JournalFileBackend(str(path)))
    )
    assert [trial.params for trial in study.trials] == [params for _, params, *_ in unbroken]
