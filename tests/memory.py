"""The memory that Python objects take at most, whatever else runs in the tests' process."""

import subprocess
import sys
from collections.abc import Callable

_RUN = """
import tracemalloc
from {module} import {name}

for argument in ({arguments},):
    tracemalloc.start()
    {name}(argument)
    print(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
"""


def traced_peaks(function: Callable[[int], object], *arguments: int) -> list[int]:
    """Call a function of a module, and return the bytes at most of each call.

    The process is a new one: in that of the tests, threads of other tests take memory too.
    """
    code = _RUN.format(
        module=function.__module__,
        name=function.__name__,
        arguments=", ".join(map(str, arguments)),
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.splitlines()]
