"""One complete generation is read, whatever shards, reruns and kills do around it."""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kedro.io.core import DatasetError

from book_forecast.datasets import GenerationDataset
from book_forecast.datasets.generation_folder import IncompleteGenerationError
from book_forecast.execution.lineage import Lineage
from book_forecast.execution.parts import Part
from book_forecast.options.groups import Shard
from book_forecast.storage.errors import UserError
from tests.datasets.generations import TITLES, dataset_at, models, names, reader_of, save_all


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
    dataset.save(Part(first, "aa", Shard(index=1, count=3)))
    dataset.save(Part(models([]), "aa", Shard(index=2, count=3)))
    dataset.save(Part(second, "aa", Shard(index=3, count=3)))
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
        dataset.save(Part(models(TITLES[:1]), "aa", Shard(index=index, count=4)))
    assert not dataset.exists()
    assert not (tmp_path / "aa" / "manifest.json").exists()
    with pytest.raises(IncompleteGenerationError, match=r"aa lacks 1 of 4 parts \(0003-of-0004\)"):
        dataset.load()


def test_an_incomplete_newer_generation_is_passed_over(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "old", 2, generation=1)
    dataset.save(Part(models(TITLES[:1], 2), "new", Shard(index=1, count=2)))
    for reader in (dataset, dataset_at(tmp_path)):
        assert reader.load()["order"].min() == 100
    dataset.save(Part(models(TITLES[1:], 2), "new", Shard(index=2, count=2)))
    for reader in (dataset, dataset_at(tmp_path)):
        assert reader.load()["order"].min() == 200


def test_fewer_shards_after_more_leave_no_part_of_the_old_count(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 16)
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
    dataset.save(Part(models(TITLES[:2]), "aa", Shard(index=1, count=after)))
    assert dataset.load()["isbn"].tolist() == TITLES


def test_going_back_to_earlier_options_reads_their_generation_again(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 2, generation=1)
    save_all(dataset, "bb", 2, generation=2)
    save_all(dataset, "aa", 2, generation=1)
    assert dataset.load()["order"].min() == 100


@pytest.mark.parametrize("keep", [1, 2, 3, 4, 6])
def test_so_many_generations_stay_those_completed_last(tmp_path, keep):
    dataset = dataset_at(tmp_path, keep=keep)
    order = ["cc", "bb", "aa", "dd", "ee"]
    for done, name in enumerate(order, start=1):
        save_all(dataset, name, 3)
        assert names(tmp_path) == sorted(order[max(done - keep, 0) : done])


def test_nothing_is_kept_without_a_generation():
    with pytest.raises(ValueError, match="keep must be at least 1"):
        GenerationDataset(filepath="anywhere", keep=0)


def test_older_generations_stay_until_the_new_one_is_complete(tmp_path):
    dataset = dataset_at(tmp_path, keep=1)
    save_all(dataset, "aa", 2)
    dataset.save(Part(models(TITLES[:1]), "bb", Shard(index=1, count=2)))
    assert dataset.load()["isbn"].tolist() == TITLES
    dataset.save(Part(models(TITLES[1:]), "bb", Shard(index=2, count=2)))
    assert names(tmp_path) == ["bb"]


def test_a_run_that_was_given_up_goes(tmp_path):
    dataset = dataset_at(tmp_path, keep=3)
    dataset.save(Part(models(TITLES[:1]), "killed", Shard(index=1, count=16)))
    save_all(dataset, "mine", 2)
    assert names(tmp_path) == ["mine"]


@pytest.mark.parametrize("text", ["", "{", '{"number": 2', "[]", '{"number": "x"}', "null"])
def test_a_torn_manifest_makes_a_generation_incomplete_with_a_warning(tmp_path, text, caplog):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "old", 2, generation=1)
    save_all(dataset, "new", 2, generation=2)
    (tmp_path / "new" / "manifest.json").write_text(text)
    assert dataset_at(tmp_path).load()["order"].min() == 100
    assert "new/manifest.json cannot be read" in caplog.text
    save_all(dataset, "new", 2, generation=2)
    assert dataset_at(tmp_path).load()["order"].min() == 200


def test_a_generation_whose_parts_are_gone_is_not_read(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 3)
    (tmp_path / "aa" / "0002-of-0003.parquet").unlink()
    with pytest.raises(IncompleteGenerationError, match=r"aa lacks 0002-of-0003\.parquet: run"):
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
        dataset.save(Part(pd.DataFrame({"x": [{"a": 1}, "b"]}), "aa", Shard(index=1, count=2)))
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


def set_back(folder: Path, seconds: float) -> None:
    """Make a folder look as if it had been written some time ago."""
    for path in [folder, *folder.rglob("*")]:
        then = path.stat().st_mtime - seconds
        os.utime(path, (then, then))


@pytest.mark.parametrize("inputs", [{}, {"weeks": "now"}])
def test_a_clock_that_is_set_back_changes_nothing(tmp_path, monkeypatch, inputs):
    save_all(dataset_at(tmp_path), "zz", 2, generation=1, inputs=inputs)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    save_all(dataset_at(tmp_path), "aa", 2, generation=2, inputs=inputs)
    set_back(tmp_path / "aa", 3 * 24 * 3600)
    for reader in (dataset_at(tmp_path), reader_of(tmp_path, **inputs)):
        assert reader.load()["order"].min() == 200
    save_all(dataset_at(tmp_path, keep=1), "bb", 1, generation=3)
    assert names(tmp_path) == ["bb"]


@pytest.mark.parametrize("again", [False, True])
def test_readers_get_the_generation_of_their_own_inputs(tmp_path, again):
    save_all(dataset_at(tmp_path), "gen-a", 2, generation=1, inputs={"weeks": "A", "titles": "T"})
    save_all(dataset_at(tmp_path), "gen-b", 3, generation=2, inputs={"weeks": "B", "titles": "T"})
    assert reader_of(tmp_path, weeks="B", titles="T").load()["order"].min() == 200
    if again:
        save_all(dataset_at(tmp_path), "gen-a", 1, generation=1, inputs={"weeks": "A"})
    reader = reader_of(tmp_path, weeks="A", titles="T")
    assert reader.load()["order"].min() == 100
    lineage = reader.lineage()
    assert lineage is not None
    assert (lineage.digest, lineage.run) == ("gen-a", "run of gen-a")
    assert lineage.inputs["weeks"] == "A"
    assert Lineage.of(reader.load().attrs) == lineage


def test_of_several_generations_of_the_same_inputs_the_last_is_read(tmp_path):
    for number, name in enumerate(["cc", "aa", "bb"], start=1):
        save_all(dataset_at(tmp_path, keep=3), name, 1, generation=number, inputs={"weeks": "A"})
    assert reader_of(tmp_path, weeks="A").load()["order"].min() == 300


def test_without_a_generation_of_these_inputs_the_one_completed_last_is_read(tmp_path):
    save_all(dataset_at(tmp_path), "zz", 1, generation=1, inputs={"weeks": "A"})
    save_all(dataset_at(tmp_path), "aa", 1, generation=2, inputs={"weeks": "B"})
    reader = reader_of(tmp_path, weeks="C")
    assert reader.load()["order"].min() == 200
    lineage = reader.lineage()
    assert lineage is not None
    assert lineage.inputs == {"weeks": "B"}


def test_a_run_reads_what_it_has_written_itself(tmp_path):
    ours = reader_of(tmp_path, weeks="A")
    save_all(ours, "ours", 1, generation=1, inputs={"weeks": "B"})
    save_all(dataset_at(tmp_path), "theirs", 1, generation=2, inputs={"weeks": "A"})
    assert ours.load()["order"].min() == 100


@settings(max_examples=10)
@given(st.data())
def test_shards_may_come_in_any_order_and_more_than_once(data):
    count = data.draw(st.integers(1, 5))
    order = data.draw(st.permutations(range(1, count + 1)))
    order += data.draw(st.lists(st.integers(1, count), max_size=3))
    with TemporaryDirectory() as folder:
        save_all(dataset_at(Path(folder)), "aa", 1, generation=1)
        save_all(dataset_at(Path(folder)), "bb", count, generation=2, order=order)
        loaded = dataset_at(Path(folder)).load()
        assert loaded["isbn"].tolist() == TITLES
        assert loaded["order"].min() == 200


def test_kedro_viz_previews_the_first_rows(tmp_path):
    dataset = dataset_at(tmp_path)
    save_all(dataset, "aa", 4)
    preview = dataset.preview(nrows=3)
    assert preview["columns"] == ["isbn", "order", "reason"]
    assert [row[0] for row in preview["data"]] == TITLES[:3]
