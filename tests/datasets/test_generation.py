"""One complete generation is read, whatever shards, reruns and kills do around it."""

import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io.core import DatasetError

from book_forecast.datasets import GenerationDataset
from book_forecast.datasets.generation import IncompleteGenerationError
from book_forecast.datasets.listings import modified
from book_forecast.execution.shards import Part, Shard
from book_forecast.storage.errors import UserError

TITLES = [f"97800000000{i:02d}" for i in range(23)]


def models(titles: list[str], generation: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {"isbn": pd.Series(titles, dtype="str"), "order": np.arange(len(titles)) + generation * 100}
    ).assign(reason=None)


def dataset_at(folder: Path, keep: int = 2) -> GenerationDataset:
    return GenerationDataset(filepath=str(folder), keep=keep)


def save_all(dataset: GenerationDataset, name: str, count: int, generation: int = 1) -> None:
    for index in range(1, count + 1):
        shard = Shard(index, count)
        dataset.save(Part(models(shard.take(TITLES), generation), name, shard))


def set_back(folder: Path, seconds: float) -> None:
    """Make a generation look as if it had been written some time ago."""
    for path in folder.iterdir():
        if path.name == "manifest.json":
            manifest = json.loads(path.read_text())
            path.write_text(json.dumps(manifest | {"completed": manifest["completed"] - seconds}))
        else:
            then = path.stat().st_mtime - seconds
            os.utime(path, (then, then))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("count", [1, 4, 16, 30])
def test_any_number_of_shards_gives_the_same_titles_in_the_same_order(tmp_path, count):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", count)
    loaded = dataset.load()
    assert loaded["isbn"].tolist() == TITLES
    assert loaded["isbn"].dtype == "str"
    assert loaded["order"].dtype == np.int64
    assert list(loaded.index) == list(range(len(TITLES)))


def test_what_is_missing_throughout_one_shard_has_the_type_of_the_others(tmp_path):
    dataset = dataset_at(tmp_path)
    first = models(TITLES[:2]).assign(week=pd.to_datetime(["", ""]))
    second = models(TITLES[2:4]).assign(reason="too few weeks", week=pd.Timestamp("2024-01-06"))
    second["reason"] = second["reason"].astype("str")
    dataset.save(Part(first, "aa", Shard(1, 3)))
    dataset.save(Part(models([]), "aa", Shard(2, 3)))
    dataset.save(Part(second, "aa", Shard(3, 3)))
    loaded = dataset.load()
    assert loaded["reason"].isna().tolist() == [True, True, False, False]
    assert loaded["reason"].dropna().unique().tolist() == ["too few weeks"]
    assert pd.api.types.is_datetime64_any_dtype(loaded["week"])


def test_no_titles_at_all_is_an_empty_table_with_its_columns(tmp_path):
    dataset = dataset_at(tmp_path)
    dataset.save(Part(models([]), "aa"))
    assert dataset.load().columns.tolist() == ["isbn", "order", "reason"]
    assert dataset.load().empty


def test_an_empty_folder_says_to_run_what_writes_it(tmp_path):
    dataset = dataset_at(tmp_path / "specifications")
    assert not dataset.exists()
    with pytest.raises(UserError, match=r"nothing in .*specifications: run the pipeline"):
        dataset.load()


def test_missing_parts_are_named(tmp_path):
    dataset = dataset_at(tmp_path)
    for index in (1, 2, 4):
        dataset.save(Part(models(TITLES[:1]), "aa", Shard(index, 4)))
    assert not dataset.exists()
    assert not (tmp_path / "aa" / "manifest.json").exists()
    with pytest.raises(IncompleteGenerationError, match=r"aa lacks 1 of 4 parts \(0003-of-0004\)"):
        dataset.load()


def test_an_incomplete_newer_generation_is_passed_over_with_a_warning(tmp_path, caplog):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "old", 2, generation=1)
    dataset.save(Part(models(TITLES[:1], 2), "new", Shard(1, 2)))
    with caplog.at_level(logging.WARNING):
        assert dataset.load()["order"].min() == 100
    assert "generation new is newer but 1 of its 2 parts are missing" in caplog.text
    dataset.save(Part(models(TITLES[1:], 2), "new", Shard(2, 2)))
    assert dataset.load()["order"].min() == 200


def test_fewer_shards_after_more_leave_no_part_of_the_old_count(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 16)
    set_back(tmp_path / "aa", 60)
    save_all(dataset, "aa", 4)
    assert names(tmp_path / "aa") == [
        *(f"000{k}-of-0004.parquet" for k in range(1, 5)),
        "manifest.json",
    ]
    assert dataset.load()["isbn"].tolist() == TITLES


@pytest.mark.parametrize(("before", "after"), [(16, 4), (4, 16)])
def test_half_a_rerun_with_another_count_leaves_the_complete_one_readable(tmp_path, before, after):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", before)
    dataset.save(Part(models(TITLES[:2]), "aa", Shard(1, after)))
    assert dataset.load()["isbn"].tolist() == TITLES


def test_going_back_to_earlier_options_reads_their_generation_again(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 2, generation=1)
    save_all(dataset, "bb", 2, generation=2)
    save_all(dataset, "aa", 2, generation=1)
    assert dataset.load()["order"].min() == 100


def test_only_the_newest_generations_are_kept(tmp_path):
    dataset = dataset_at(tmp_path, keep=2)
    for age, name in enumerate(["cc", "bb", "aa"]):
        save_all(dataset, name, 3)
        set_back(tmp_path / name, 300 - 100 * age)
    save_all(dataset, "dd", 1)
    assert names(tmp_path) == ["aa", "dd"]


def test_older_generations_stay_until_the_new_one_is_complete(tmp_path):
    dataset = dataset_at(tmp_path, keep=1)
    save_all(dataset, "aa", 2)
    set_back(tmp_path / "aa", 60)
    dataset.save(Part(models(TITLES[:1]), "bb", Shard(1, 2)))
    assert dataset.load()["isbn"].tolist() == TITLES
    dataset.save(Part(models(TITLES[1:]), "bb", Shard(2, 2)))
    assert names(tmp_path) == ["bb"]


def test_a_run_that_was_given_up_goes_and_one_at_work_stays(tmp_path):
    dataset = dataset_at(tmp_path, keep=1)
    dataset.save(Part(models(TITLES[:1]), "killed", Shard(1, 16)))
    set_back(tmp_path / "killed", 3600)
    dataset.save(Part(models(TITLES[:1]), "mine", Shard(1, 2)))
    set_back(tmp_path / "mine", 60)
    dataset.save(Part(models(TITLES[:1]), "working", Shard(1, 16)))
    dataset.save(Part(models(TITLES[1:]), "mine", Shard(2, 2)))
    assert names(tmp_path) == ["mine", "working"]


@pytest.mark.parametrize("text", ["", "{", '{"count": 2', "[]", '{"count": "x"}', "null"])
def test_a_torn_manifest_does_not_hide_complete_parts(tmp_path, text):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 3)
    (tmp_path / "aa" / "manifest.json").write_text(text)
    assert dataset.exists()
    assert dataset.load()["isbn"].tolist() == TITLES


def test_a_manifest_whose_parts_are_gone_is_not_believed(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 3)
    (tmp_path / "aa" / "0002-of-0003.parquet").unlink()
    with pytest.raises(IncompleteGenerationError, match="0002-of-0003"):
        dataset.load()


def test_a_damaged_part_is_named(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 3)
    (tmp_path / "aa" / "0002-of-0003.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(UserError, match=r"0002-of-0003\.parquet is damaged"):
        dataset.load()


def test_a_failing_part_leaves_the_old_part(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 2)
    before = (tmp_path / "aa" / "0001-of-0002.parquet").read_bytes()
    with pytest.raises(DatasetError):
        dataset.save(Part(pd.DataFrame({"x": [{"a": 1}, "b"]}), "aa", Shard(1, 2)))
    assert (tmp_path / "aa" / "0001-of-0002.parquet").read_bytes() == before
    assert names(tmp_path / "aa") == [
        "0001-of-0002.parquet",
        "0002-of-0002.parquet",
        "manifest.json",
    ]


@pytest.mark.parametrize("name", ["", "../elsewhere", "a/b", "."])
def test_a_fingerprint_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises(DatasetError, match="is no folder name"):
        dataset_at(tmp_path / "here").save(Part(models([]), name))
    assert names(tmp_path) == []


def test_a_frame_in_place_of_a_part_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="expected a Part, not DataFrame"):
        dataset_at(tmp_path).save(models([]))  # type: ignore[arg-type]


def test_other_files_in_the_folder_do_no_harm(tmp_path):
    (tmp_path / ".gitkeep").touch()
    (tmp_path / "notes").mkdir()
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 2)
    (tmp_path / "aa" / "readme.txt").touch()
    assert dataset.load()["isbn"].tolist() == TITLES


def _save_shard(folder: str, index: int, count: int, barrier) -> None:
    barrier.wait()
    shard = Shard(index, count)
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
        assert json.loads((folder / "aa" / "manifest.json").read_text())["count"] == 8
        assert dataset_at(folder).load()["isbn"].tolist() == TITLES


def test_racing_runs_with_other_counts_leave_one_that_can_be_read(tmp_path):
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(7)
    workers = [
        context.Process(target=_save_shard, args=(str(tmp_path), k, count, barrier))
        for count in (3, 4)
        for k in range(1, count + 1)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert dataset_at(tmp_path).load()["isbn"].tolist() == TITLES


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
from book_forecast.execution.shards import Part, Shard
dataset = GenerationDataset(filepath=sys.argv[1], keep=1)
print("ready", flush=True)
for round in range(10_000):
    for k in (1, 2, 3):
        frame = pd.DataFrame({"isbn": ["a", "b"], "order": [round, round], "shard": [k, k]})
        dataset.save(Part(frame, f"r{round}", Shard(k, 3)))
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


@pytest.mark.parametrize(
    "info",
    [
        {"mtime": 1704538800.0},
        {"updated": "2024-01-06T11:00:00Z"},
        {"created": pd.Timestamp("2024-01-06T11:00:00Z").to_pydatetime()},
    ],
)
def test_the_time_of_writing_is_read_from_every_kind_of_listing(info):
    assert modified(info) == 1704538800.0


def test_kedro_viz_previews_the_newest_generation(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 4)
    preview = dataset.preview(nrows=3)
    assert preview["columns"] == ["isbn", "order", "reason"]
    assert [row[0] for row in preview["data"]] == TITLES[:3]
