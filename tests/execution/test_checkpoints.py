"""Finished titles are restored to the bit after a kill, and nothing else is."""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from book_forecast.execution.checkpoints import Checkpoint, CheckpointFolder
from book_forecast.forecasters.base import Forecast
from book_forecast.forecasters.frames import TitleForecast

NEGATIVE_NAN = struct.unpack("<d", bytes.fromhex("010000000000f8ff"))[0]
RESULTS = {
    "plain": {"isbn": "9780722532935", "reason": None, "n": 3, "found": True, "text": 'a "b"\n…'},
    "nested": ([{"p": 1}, {"p": 2}], [], (), ("one",)),
    "a float": 0.1 + 0.2,
    "the smallest": 5e-324,
    "minus zero": -0.0,
    "nan": float("nan"),
    "negative nan": NEGATIVE_NAN,
    "infinite": [float("inf"), -float("inf")],
    "numpy's": [np.float64(0.1), np.float32(0.1), np.int64(4), np.bool_(True), np.str_("x")],
    "a week": np.datetime64("2024-01-06", "D"),
    "levels": {80: np.array([1.5, np.nan, -0.0]), 95.0: np.empty((2, 0), dtype=np.float32)},
    "not contiguous": np.arange(12.0).reshape(3, 4).T[1:],
}


def checkpoint_in(
    path: Path, *kinds: type, generation: str = "abc", name: str = "fit"
) -> Checkpoint:
    return CheckpointFolder(path).open(name, generation, *kinds)


def same(one, other) -> bool:
    """The same kinds and bits all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray | np.generic):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and one.tobytes() == other.tobytes()
    if isinstance(one, float):
        return struct.pack("<d", one) == struct.pack("<d", other)
    if isinstance(one, Mapping):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.parametrize("name", RESULTS)
def test_results_come_back_bit_for_bit(tmp_path, name):
    checkpoint_in(tmp_path).save("1", RESULTS[name])
    assert same(checkpoint_in(tmp_path).load(["1"])["1"], RESULTS[name])


def test_dataclasses_that_are_named_come_back_and_others_are_refused(tmp_path):
    bounds = {80.0: np.array([0.1, 0.2])}
    forecast = Forecast(np.array([1.0, 2.0]), bounds, bounds)
    title = TitleForecast("1", "naive", np.datetime64("2024-01-06"), forecast)
    checkpoint = checkpoint_in(tmp_path, TitleForecast, Forecast)
    checkpoint.save("1", ([title], []))
    ((again,), rolling) = checkpoint.load(["1"])["1"]
    assert (again.isbn, again.model, again.cutoff) == ("1", "naive", title.cutoff)
    assert same(again.forecast.columns(), forecast.columns())
    assert rolling == []
    with pytest.raises(TypeError, match="cannot save Forecast"):
        checkpoint_in(tmp_path).save("2", forecast)


@dataclass
class Unknown:
    value: int


def test_what_code_no_longer_knows_is_computed_again(tmp_path):
    checkpoint_in(tmp_path, Unknown).save("1", Unknown(1))
    assert checkpoint_in(tmp_path).load(["1"]) == {}


def test_only_the_titles_that_are_asked_for_are_read(tmp_path):
    checkpoint = checkpoint_in(tmp_path)
    assert checkpoint.load(["1"]) == {}
    for isbn in ("1", "2", "3"):
        checkpoint.save(isbn, f"result {isbn}")
    assert checkpoint.load(["3", "1", "4"]) == {"1": "result 1", "3": "result 3"}


def test_a_file_cut_at_any_byte_has_its_whole_lines_and_takes_more(tmp_path):
    checkpoint = checkpoint_in(tmp_path)
    for isbn in ("1", "2"):
        checkpoint.save(isbn, 12.75)
    whole = checkpoint.path.read_bytes()
    first = whole.index(b"\n")
    for size in range(len(whole) + 1):
        checkpoint.path.write_bytes(whole[:size])
        left = {"1"} if first <= size else set()
        left |= {"2"} if size >= len(whole) - 1 else set()
        assert set(checkpoint.load(["1", "2"])) == left, size
        checkpoint.save("3", [size])
        assert checkpoint.load(["1", "3"])["3"] == [size]


@pytest.mark.parametrize("rubbish", [b"\x00" * 40, b"1 [", b"1 [1]x\n", b"1\n", b'1 [{"x":[]}]\n'])
def test_rubbish_is_passed_over(tmp_path, rubbish):
    checkpoint = checkpoint_in(tmp_path)
    checkpoint.save("2", "two")
    checkpoint.path.write_bytes(checkpoint.path.read_bytes() + rubbish)
    checkpoint.save("3", "three")
    assert checkpoint.load(["1", "2", "3"]) == {"2": "two", "3": "three"}


def test_results_of_another_generation_or_function_are_not_found(tmp_path):
    checkpoint_in(tmp_path).save("1", 1)
    assert checkpoint_in(tmp_path, generation="def").load(["1"]) == {}
    assert checkpoint_in(tmp_path, name="evaluate").load(["1"]) == {}


def test_old_results_of_other_generations_are_pruned(tmp_path):
    old, young, new, other = (
        checkpoint_in(tmp_path, generation=generation, name=name)
        for generation, name in (("a", "fit"), ("b", "fit"), ("c", "fit"), ("a", "evaluate"))
    )
    for checkpoint in (old, young, new, other):
        checkpoint.save("1", 1)
    for checkpoint in (old, new, other):
        os.utime(checkpoint.path, (0, 0))
    assert new.prune() == 1
    assert [one.path.exists() for one in (old, young, new, other)] == [False, True, True, True]


def test_a_result_that_another_run_would_not_find_is_not_saved(tmp_path):
    checkpoint = CheckpointFolder(tmp_path).open("fit", "abc", is_final=str.isupper)
    for isbn, text in (("1", "A"), ("2", "a")):
        checkpoint.save(isbn, text)
    assert checkpoint.load(["1", "2"]) == {"1": "A"}


def test_a_folder_that_cannot_be_written_costs_a_warning(tmp_path, caplog):
    (tmp_path / "file").touch()
    checkpoint_in(tmp_path / "file").save("1", 1)
    assert "The checkpoint of 1 is not saved" in caplog.text


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\n"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="is no name of a checkpoint"):
        checkpoint_in(tmp_path, name=name)
