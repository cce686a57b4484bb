"""How many threads the linear algebra of a node has."""

import json
import os
import subprocess
import sys

import pytest

from book_forecast.hooks.threads import VARIABLES, ThreadsHooks
from book_forecast.settings import HOOKS

NODE = """
import json
import numpy
from threadpoolctl import threadpool_info
from book_forecast.hooks.threads import ThreadsHooks

def threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

before = threads()
ThreadsHooks().before_node_run()
loaded = threads()
import scipy.linalg
print(json.dumps([before, loaded, threads()]))
"""


@pytest.mark.skipif(os.cpu_count() == 1, reason="a single core has one thread anyway")
def test_linear_algebra_has_one_thread_whether_it_is_loaded_before_or_in_the_node():
    unset = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", NODE],
        env=unset | dict.fromkeys(VARIABLES, "2"),
        capture_output=True,
        text=True,
        check=True,
    )
    before, loaded, later = json.loads(done.stdout)
    assert max(before) > 1
    assert set(loaded) == {1}
    # SciPy has a library of its own.
    assert len(later) > len(loaded)
    assert set(later) == {1}


def test_every_run_has_it():
    assert any(isinstance(hook, ThreadsHooks) for hook in HOOKS)
