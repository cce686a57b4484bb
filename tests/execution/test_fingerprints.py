"""A fingerprint depends on content alone, that of code on what the code imports."""

import dataclasses
import datetime as dt
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from book_forecast.execution import fingerprints
from book_forecast.execution.fingerprints import code_fingerprint, fingerprint, import_closure

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

    assert fingerprint(TuneOptions()) == fingerprint(TuneOptions(trials=10))
    assert fingerprint(TuneOptions()) != fingerprint(TuneOptions(trials=11))
    assert fingerprint(TuneOptions()) != fingerprint(TuneOptions(levels=[80]))
    assert fingerprint(Folds()) != fingerprint(Folds(4))


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
    assert prints == {"b729e6ce40dfb9c955db8528f43d9b53\n"}


def make_package(folder: Path, **modules: str) -> None:
    """Write a package `made`; `inner__model` is the module `made.inner.model`."""
    sources = {"__init__": "", "inner__init__": "", "inner__deep__init__": ""} | modules
    for name, text in sources.items():
        package, is_init, _ = name.partition("__init__")
        parts = [*filter(None, package.split("__")), *(["__init__"] if is_init else [])]
        path = folder.joinpath("made", *parts).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Returns a function that writes a package and makes it the one that Python finds."""
    folders = iter("abcdef")

    def make(**modules: str) -> None:
        folder = tmp_path / next(folders)
        make_package(folder, **modules)
        monkeypatch.syspath_prepend(str(folder))
        sys.modules.pop("made", None)
        code_fingerprint.cache_clear()

    yield make
    code_fingerprint.cache_clear()


def closure(module: str) -> set[str]:
    return set(import_closure(module)[0])


def test_a_changed_line_of_an_imported_module_changes_the_fingerprint(made):
    prints = []
    for line in ("ORDER = 1", "ORDER = 1", "ORDER = 2"):
        made(node="from made.inner import model", inner__model=line, other=line)
        prints.append((code_fingerprint("made.node"), code_fingerprint("made.other")))
    assert prints[0] == prints[1]  # the folder that the package is in does not count
    assert prints[0][0] != prints[2][0]
    assert prints[0][0] != prints[0][1]


@pytest.mark.parametrize(
    "line",
    [
        "import made.inner.model",
        "import made.inner.model as renamed",
        "from made.inner import model",
        "from made.inner.model import ORDER",
        "from made.inner.model import *",
        "from . import model",
        "from .model import ORDER",
        "from ..inner.model import ORDER",
        "from .deep import user",
        "def run():\n    from made.inner import model",
        "class Model:\n    def run(self):\n        import made.inner.model",
        "try:\n    import made.inner.model\nexcept ImportError:\n    pass",
        "if not TYPE_CHECKING:\n    import made.inner.model",
        "if TYPE_CHECKING:\n    import pandas\nelse:\n    import made.inner.model",
    ],
)
def test_every_way_to_import_a_module_counts(made, line):
    made(inner__node=line, inner__model="ORDER = 1", inner__deep__user="from ..model import ORDER")
    assert "made.inner.model" in closure("made.inner.node")


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_alone_do_not_count(made, test):
    made(node=f"if {test}:\n    import numpy\n    from made.inner import model", inner__model="")
    sources, libraries = import_closure("made.node")
    assert set(sources) == {"made.node"}
    assert libraries == set()


def test_a_package_counts_only_where_something_is_imported_from_itself(made):
    modules = {
        "inner__init__": "from made.inner.model import ORDER",
        "inner__model": "ORDER = 1",
        "inner__other": "",
        "passes": "from made.inner import other",
        "uses": "from made.inner import ORDER",
    }
    made(**modules)
    assert closure("made.passes") == {"made.passes", "made.inner.other"}
    assert closure("made.uses") == {"made.uses", "made.inner", "made.inner.model"}


def test_a_package_without_an_init_and_a_circle_do_no_harm(made):
    made(one="import made.bare.two", bare__two="import made.one")
    assert closure("made.one") == closure("made.bare.two") == {"made.one", "made.bare.two"}


@given(st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7)), min_size=8, max_size=8))
@settings(max_examples=25)
def test_the_closure_is_what_can_be_reached(edges):
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        modules = {
            f"m{name}": "\n".join(f"import made.m{target}" for target in targets)
            for name, targets in edges.items()
        }
        make_package(Path(folder), **modules)
        patch.syspath_prepend(folder)
        reached, waiting = set(), [0]
        while waiting:
            if (name := waiting.pop()) not in reached:
                reached.add(name)
                waiting.extend(edges[name])
        assert closure("made.m0") == {f"made.m{name}" for name in reached}


def test_an_optional_library_that_is_not_installed_costs_no_search(made, monkeypatch):
    made(node="def f():\n    import not_installed_anywhere")

    def search() -> None:
        pytest.fail("all installed packages are read")

    monkeypatch.setattr(fingerprints, "packages_distributions", search)
    fingerprints._all_distributions.cache_clear()
    code_fingerprint.cache_clear()
    assert code_fingerprint("made.node")


def test_libraries_count_with_their_versions(made, monkeypatch):
    made(node="import made.deep", deep="import numpy.linalg, os, yaml\ndef f():\n    import pandas")
    assert import_closure("made.node")[1] == {"numpy", "yaml", "pandas"}
    before = code_fingerprint("made.node")
    for changed in ("numpy", "pandas", "PyYAML", "scipy", "python-dateutil"):
        with monkeypatch.context() as patch:
            patch.setattr(
                fingerprints,
                "_version",
                lambda name, changed=changed: "0.0.1" if name == changed else version(name),
            )
            code_fingerprint.cache_clear()
            imported = changed in ("numpy", "pandas", "PyYAML")
            assert (code_fingerprint("made.node") != before) == imported, changed
    monkeypatch.setattr("platform.python_version", lambda: "2.7.18")
    code_fingerprint.cache_clear()
    assert code_fingerprint("made.node") != before


@pytest.mark.parametrize("module", ["made.nowhere", "nowhere_at_all", "nowhere_at_all.model"])
def test_a_module_without_source_is_refused(made, module):
    made()
    with pytest.raises(ModuleNotFoundError, match=module.partition(".")[0]):
        code_fingerprint(module)


def test_arrays_count_with_shape_type_and_values_but_not_with_their_layout():
    numbers = np.arange(6.0).reshape(2, 3)
    assert fingerprint(numbers) == fingerprint(np.asfortranarray(numbers))
    assert fingerprint(numbers) == fingerprint(numbers.astype(">f8"))
    others = [numbers.ravel(), numbers.astype("float32"), numbers + 1.0, numbers.T, numbers > 2.0]
    assert len({fingerprint(other) for other in [numbers, *others]}) == 1 + len(others)
