"""Shards partition the titles; a fingerprint sees content and nothing else."""

import dataclasses
import datetime as dt
import subprocess
import sys
from enum import Enum
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from book_forecast.execution import fingerprints
from book_forecast.execution.fingerprints import fingerprint, source_fingerprint
from book_forecast.execution.shards import Shard

SCRIPT = """
import pandas as pd
from book_forecast.execution.fingerprints import fingerprint
frame = pd.DataFrame(
    {"isbn": ["9780722532935", "9780241003008"], "week": pd.to_datetime(["2024-01-06", None]),
     "volume": [1.5, float("nan")], "copies": [1, 2]}
).astype({"isbn": "str"})
print(fingerprint(frame, {"levels": [80, 95], "seed": 42}, {"a", "b", "c"}))
"""


def sales() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "isbn": pd.Series(["9780722532935", "9780722532935", "9780241003008"], dtype="str"),
            "week": pd.to_datetime(["2024-01-06", "2024-01-13", "2024-01-06"]),
            "volume": [3.0, np.nan, 5.0],
            "copies": [3, 4, 5],
            "promoted": [True, False, True],
        }
    )


@given(items=st.lists(st.integers(), max_size=60), count=st.integers(1, 70))
def test_shards_partition_the_items_in_order_with_sizes_at_most_one_apart(items, count):
    slices = [Shard(k, count).take(items) for k in range(1, count + 1)]
    assert [item for part in slices for item in part] == items
    sizes = [len(part) for part in slices]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("index", "count"), [(0, 1), (2, 1), (-1, 3), (1, 0)])
def test_a_shard_outside_its_count_is_refused(index, count):
    with pytest.raises(ValueError, match="index must be 1 to count"):
        Shard(index, count)


def test_a_shard_is_named_so_that_names_sort_in_order():
    assert Shard(3, 16).name == "0003-of-0016"


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        (0, "isbn", "9780722532936"),
        (1, "week", pd.Timestamp("2024-01-20")),
        (2, "week", pd.NaT),
        (0, "volume", 3.0000000001),
        (1, "volume", 0.0),
        (2, "volume", np.nan),
        (0, "copies", 9),
        (1, "promoted", True),
        (2, "isbn", None),
    ],
)
def test_every_cell_counts(row, column, value):
    changed = sales()
    changed.loc[row, column] = value
    assert fingerprint(changed) != fingerprint(sales())


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.rename(columns={"volume": "value"}),
        lambda frame: frame[list(reversed(frame.columns))],
        lambda frame: frame.drop(columns="copies"),
        lambda frame: frame.assign(asp=1.0),
        lambda frame: frame.astype({"copies": "int32"}),
        lambda frame: frame.astype({"copies": "float64"}),
        lambda frame: frame.astype({"isbn": "category"}),
        lambda frame: frame.astype({"isbn": "object"}),
        lambda frame: frame.iloc[::-1],
        lambda frame: frame.iloc[:2],
        lambda frame: frame.iloc[:0],
    ],
)
def test_columns_dtypes_and_the_order_of_rows_count(change):
    assert fingerprint(change(sales())) != fingerprint(sales())


def test_the_index_and_the_layout_in_memory_do_not_count():
    frame = sales()
    again = pd.concat([frame.iloc[:1], frame.iloc[1:]]).set_axis([7, 8, 9])
    assert fingerprint(again) == fingerprint(frame)
    assert fingerprint(pd.concat([frame["isbn"], frame.drop(columns="isbn")], axis=1)) == (
        fingerprint(frame)
    )
    assert fingerprint(pd.DataFrame({"x": [0.0]})) == fingerprint(pd.DataFrame({"x": [-0.0]}))


@given(
    a=st.lists(st.text(max_size=3), min_size=1, max_size=5),
    b=st.lists(st.text(max_size=3), min_size=1, max_size=5),
)
def test_two_columns_of_text_agree_only_if_they_are_equal(a, b):
    first, second = (pd.DataFrame({"x": pd.Series(x, dtype="str")}) for x in (a, b))
    assert (fingerprint(first) == fingerprint(second)) == (a == b)


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(a=nested, b=nested)
def test_two_options_agree_only_if_they_are_equal_and_of_one_kind(a, b):
    def tagged(thing):  # Python holds 1, 1.0 and True for equal
        if isinstance(thing, list):
            return [tagged(item) for item in thing]
        if isinstance(thing, dict):
            return {key: tagged(value) for key, value in thing.items()}
        return (type(thing), thing)

    assert (fingerprint(a) == fingerprint(b)) == (tagged(a) == tagged(b))


def test_the_order_of_a_mapping_does_not_count_and_that_of_a_list_does():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint([1, 2]) != fingerprint([2, 1])
    assert fingerprint([1], [2]) != fingerprint([1, 2])
    assert fingerprint("ab", "c") != fingerprint("a", "bc")


def test_numpy_scalars_and_containers_count_as_what_they_hold():
    assert fingerprint(np.float64(1.5), np.int64(3)) == fingerprint(1.5, 3)
    assert fingerprint((1, 2)) == fingerprint([1, 2])
    assert fingerprint(np.arange(6).reshape(2, 3)) != fingerprint(np.arange(6).reshape(3, 2))
    assert fingerprint(dt.datetime(2024, 1, 6)) == fingerprint(pd.Timestamp("2024-01-06"))


def test_every_field_of_options_counts():
    class TuneOptions(BaseModel):
        trials: int = 10
        levels: list[int] = [80, 95]

    @dataclasses.dataclass
    class Folds:
        count: int = 3

    class Level(Enum):
        LOW = 1
        HIGH = 2

    assert fingerprint(TuneOptions()) == fingerprint(TuneOptions(trials=10))
    assert fingerprint(TuneOptions()) != fingerprint(TuneOptions(trials=11))
    assert fingerprint(TuneOptions()) != fingerprint(TuneOptions(levels=[80]))
    assert fingerprint(Folds()) != fingerprint(Folds(4))
    assert fingerprint(Level.LOW) != fingerprint(Level.HIGH)


def test_a_thing_without_readable_content_is_refused():
    with pytest.raises(TypeError, match="cannot take a fingerprint of function"):
        fingerprint(lambda: 1)


def test_a_fingerprint_is_the_same_in_processes_with_other_hash_seeds():
    prints = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1
    # Pinned: another value means that every stored generation is made anew.
    assert prints == {"195053f14855249f26db9d51193ae9a9\n"}


def package(folder: Path, name: str) -> Path:
    root = folder / name
    (root / "inner").mkdir(parents=True)
    (root / "__init__.py").write_text("")
    (root / "inner" / "__init__.py").write_text("")
    (root / "inner" / "model.py").write_text("ORDER = 1\n")
    return root


def test_a_changed_line_of_source_changes_the_fingerprint(tmp_path, monkeypatch):

    prints = []
    for folder, text in (("a", "ORDER = 1\n"), ("b", "ORDER = 1\n"), ("c", "ORDER = 2\n")):
        root = package(tmp_path / folder, "model_code")
        (root / "inner" / "model.py").write_text(text)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(str(tmp_path / folder))
            fingerprints._sources.cache_clear()
            prints.append(source_fingerprint("model_code"))
            sys.modules.pop("model_code", None)
    assert prints[0] == prints[1]  # the folder it stands in does not count
    assert prints[0] != prints[2]


def test_modules_count_each_by_name_and_in_any_order():
    one, two = "book_forecast.execution.fingerprints", "book_forecast.storage.errors"
    assert source_fingerprint(one, two) == source_fingerprint(two, one)
    assert source_fingerprint(one) != source_fingerprint(one, two)
    assert source_fingerprint(sys.modules[one]) == source_fingerprint(one)
    with pytest.raises(ModuleNotFoundError, match=r"book_forecast\.nowhere"):
        source_fingerprint("book_forecast.nowhere")
