"""Compiled functions never outlive the source that they were compiled from."""

import subprocess
import sys

import numba
import pytest

from book_forecast.sarima.kernels import PREFIX, kernel_cache

MODULES = {
    "inner.py": "from numba import njit\n\n@njit(cache=True)\ndef inner():\n    return 1\n",
    "outer.py": "from numba import njit\nfrom inner import inner\n\n"
    "@njit(cache=True)\ndef outer():\n    return inner()\n",
}
CALL = """
import numba, pathlib, sys
from book_forecast.sarima.kernels import kernel_cache
numba.config.CACHE_DIR = str(kernel_cache(pathlib.Path.cwd()))
sys.path.insert(0, ".")
from outer import outer
print(outer(), sum(outer.stats.cache_hits.values()))
"""


FIT = """
import numpy as np
from book_forecast.sarima import Specification, compile_core, fit
compile_core()
values = np.log1p(np.random.default_rng(3).poisson(5.0, 260).astype(float))
print(fit(values, Specification(1, 0, 1, 1, 0, 0, s=52, trend="c")).arma.tobytes().hex())
"""


def called(folder) -> str:
    """Return the result of `outer` in a process of its own, and its number of cache hits."""
    done = subprocess.run(
        [sys.executable, "-c", CALL], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_change_in_a_function_reaches_the_ones_that_call_it(tmp_path):
    for name, text in MODULES.items():
        (tmp_path / name).write_text(text)
    assert [called(tmp_path), called(tmp_path)] == ["1 0", "1 1"]
    (tmp_path / "inner.py").write_text(MODULES["inner.py"].replace("1\n", "2\n"))
    assert called(tmp_path) == "2 0"


def test_only_the_newest_compiled_functions_are_kept(tmp_path):
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "a.py").write_text("1")
    first = kernel_cache(tmp_path)
    first.mkdir()
    (tmp_path / "a.py").write_text("2")
    second = kernel_cache(tmp_path)
    assert second != first
    assert not first.exists()


def test_a_folder_that_is_named_for_all_of_numba_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    assert kernel_cache(tmp_path).parent == tmp_path / "numba"


def test_the_core_keeps_its_own_apart():
    assert f"/{PREFIX}" in str(numba.config.CACHE_DIR)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_the_process_that_fills_the_cache_has_the_results_of_all_others(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    for processor in ({}, {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}):
        for name, value in processor.items():
            monkeypatch.setenv(name, value)
        runs = [
            subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True, check=True)
            for _ in range(2)
        ]
        assert runs[0].stdout == runs[1].stdout
    assert len([*tmp_path.glob("*/complete-*")]) == 2
