"""Writers that race or are killed leave one whole generation."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from book_forecast.datasets.generation_folder import GenerationFolder
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
from tests.datasets.generations import TITLES, dataset_at, models, save_all


@pytest.mark.parametrize("shards", [3, 1])
def test_a_writer_killed_before_the_manifest_leaves_the_generation_before(
    tmp_path, monkeypatch, shards
):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "old", 2, generation=1)
    with monkeypatch.context() as patch:
        patch.setattr(GenerationFolder, "complete", lambda *_: None)
        save_all(dataset, "new", shards, generation=2)
    assert dataset_at(tmp_path).load()["order"].min() == 100
    (tmp_path / "old" / "manifest.json").unlink()
    assert not dataset_at(tmp_path).exists()
    # Any shard that is run again completes it.
    save_all(dataset, "new", shards, generation=2, order=[1])
    assert dataset_at(tmp_path).load()["order"].min() == 200


def _save_shard(folder: str, index: int, count: int, barrier) -> None:
    barrier.wait()
    shard = Shard(index=index, count=count)
    dataset_at(Path(folder)).save(Part(models(shard.take(TITLES)), "aa", shard))


def test_racing_shards_complete_the_generation_whoever_is_last(tmp_path):
    context = multiprocessing.get_context("fork")
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        barrier = context.Barrier(8)
        workers = [
            context.Process(target=_save_shard, args=(str(folder), k, 8, barrier))
            for k in range(1, 9)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert json.loads((folder / "aa" / "manifest.json").read_text())["number"] == 1
        assert dataset_at(folder).load()["isbn"].tolist() == TITLES


def test_a_reader_beside_writers_always_sees_one_whole_generation(tmp_path):
    writer, reader = dataset_at(tmp_path, keep=1), dataset_at(tmp_path, keep=1)
    save_all(writer, "g0", 2, generation=0)
    done = threading.Event()

    def write() -> None:
        for generation in range(1, 25):
            save_all(writer, f"g{generation}", 1 + generation % 3, generation=generation)
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    seen = []
    while not done.is_set():
        frame = reader.load()
        assert frame["isbn"].tolist() == TITLES
        assert len(frame["order"].floordiv(100).unique()) == 1
        seen.append(int(frame["order"].iloc[0]) // 100)
    thread.join()
    assert seen == sorted(seen)
    assert len(set(seen)) > 2


KILLED = """
import sys, time, pandas as pd
from book_forecast.datasets import GenerationDataset
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
dataset = GenerationDataset(filepath=sys.argv[1], keep=1)
print("ready", flush=True)
for round in range(10_000):
    for k in (1, 2, 3):
        frame = pd.DataFrame({"isbn": ["a", "b"], "order": [round, round], "shard": [k, k]})
        dataset.save(Part(frame, f"r{round}", Shard(index=k, count=3)))
"""


@pytest.mark.parametrize("after", [0.05, 0.12, 0.2, 0.33])
def test_a_kill_at_any_time_leaves_a_whole_generation_and_the_next_run_works(tmp_path, after):
    dataset = dataset_at(tmp_path, keep=1)
    dataset.save(Part(pd.DataFrame({"isbn": ["a"] * 6, "order": [-1] * 6}), "first"))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    loaded = dataset.load()
    assert len(loaded) == 6
    assert len(loaded["order"].unique()) == 1
    dataset.save(Part(loaded.assign(order=99_999), "next"))
    assert dataset.load()["order"].unique().tolist() == [99_999]
