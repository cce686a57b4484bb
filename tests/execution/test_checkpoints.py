"""What is finished of a title is there again after a kill, to the bit, and nothing else is."""

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from book_forecast.execution.checkpoints import Keep, KeepFolder
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


def keep_in(path: Path, *kinds: type, generation: str = "abc", name: str = "fit") -> Keep:
    return KeepFolder(path).keep(name, generation, *kinds)


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
    keep_in(tmp_path).add("1", RESULTS[name])
    assert same(keep_in(tmp_path).find(["1"])["1"], RESULTS[name])


def test_dataclasses_that_are_named_come_back_and_others_are_refused(tmp_path):
    bounds = {80.0: np.array([0.1, 0.2])}
    forecast = Forecast(np.array([1.0, 2.0]), bounds, bounds)
    title = TitleForecast("1", "naive", np.datetime64("2024-01-06"), forecast)
    keep = keep_in(tmp_path, TitleForecast, Forecast)
    keep.add("1", ([title], []))
    ((again,), rolling) = keep.find(["1"])["1"]
    assert (again.isbn, again.model, again.cutoff) == ("1", "naive", title.cutoff)
    assert same(again.forecast.columns(), forecast.columns())
    assert rolling == []
    with pytest.raises(TypeError, match="cannot keep Forecast"):
        keep_in(tmp_path).add("2", forecast)


@dataclass
class Unknown:
    value: int


def test_what_code_no_longer_knows_is_computed_again(tmp_path):
    keep_in(tmp_path, Unknown).add("1", Unknown(1))
    assert keep_in(tmp_path).find(["1"]) == {}


def test_only_the_titles_that_are_asked_for_are_read(tmp_path):
    keep = keep_in(tmp_path)
    assert keep.find(["1"]) == {}
    for isbn in ("1", "2", "3"):
        keep.add(isbn, f"result {isbn}")
    assert keep.find(["3", "1", "4"]) == {"1": "result 1", "3": "result 3"}


def test_a_file_cut_at_any_byte_has_its_whole_lines_and_takes_more(tmp_path):
    keep = keep_in(tmp_path)
    for isbn in ("1", "2"):
        keep.add(isbn, 12.75)
    whole = keep.path.read_bytes()
    first = whole.index(b"\n")
    for size in range(len(whole) + 1):
        keep.path.write_bytes(whole[:size])
        left = {"1"} if first <= size else set()
        left |= {"2"} if size >= len(whole) - 1 else set()
        assert set(keep.find(["1", "2"])) == left, size
        keep.add("3", [size])
        assert keep.find(["1", "3"])["3"] == [size]


@pytest.mark.parametrize("rubbish", [b"\x00" * 40, b"1 [", b"1 [1]x\n", b"1\n", b'1 [{"x":[]}]\n'])
def test_rubbish_is_passed_over(tmp_path, rubbish):
    keep = keep_in(tmp_path)
    keep.add("2", "two")
    keep.path.write_bytes(keep.path.read_bytes() + rubbish)
    keep.add("3", "three")
    assert keep.find(["1", "2", "3"]) == {"2": "two", "3": "three"}


def test_results_of_another_generation_or_function_are_not_found(tmp_path):
    keep_in(tmp_path).add("1", 1)
    assert keep_in(tmp_path, generation="def").find(["1"]) == {}
    assert keep_in(tmp_path, name="evaluate").find(["1"]) == {}


def test_results_of_other_libraries_are_not_found(tmp_path, monkeypatch):
    keep_in(tmp_path).add("1", 1)
    monkeypatch.setattr("book_forecast.execution.checkpoints._libraries", lambda: "another0")
    assert keep_in(tmp_path).find(["1"]) == {}


def test_old_results_of_other_generations_are_pruned(tmp_path):
    old, young, new, other = (
        keep_in(tmp_path, generation=generation, name=name)
        for generation, name in (("a", "fit"), ("b", "fit"), ("c", "fit"), ("a", "evaluate"))
    )
    for keep in (old, young, new, other):
        keep.add("1", 1)
    for keep in (old, new, other):
        os.utime(keep.path, (0, 0))
    assert new.prune() == 1
    assert [keep.path.exists() for keep in (old, young, new, other)] == [False, True, True, True]


def test_what_is_not_worth_it_is_not_kept(tmp_path):
    keep = KeepFolder(tmp_path).keep("fit", "abc", worth=str.isupper)
    for isbn, text in (("1", "A"), ("2", "a")):
        keep.add(isbn, text)
    assert keep.find(["1", "2"]) == {"1": "A"}


def test_a_folder_that_cannot_be_written_costs_a_warning(tmp_path, caplog):
    (tmp_path / "file").touch()
    keep_in(tmp_path / "file").add("1", 1)
    assert "1 is not kept" in caplog.text


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "a\n"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="is no name of a keep"):
        keep_in(tmp_path, name=name)
