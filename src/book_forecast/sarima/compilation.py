"""Compilation of the core before several processes need it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
from numba.core.registry import cpu_target

from book_forecast.sarima.estimation import fit
from book_forecast.sarima.forecasting import predict
from book_forecast.sarima.specification import Specification


def compile_core() -> None:
    """Load all compiled functions, and fill their cache on disk first if it is empty.

    The first time on a machine takes ten seconds, which processes started together would all spend.
    A process of its own fills the cache: code that was compiled in a process differs from the code
    that others load, in the last digits of results, which optimisers amplify to the sixth.
    """
    # The mark comes last, so that a cache that a kill has left half full is filled too.
    mark = Path(numba.config.CACHE_DIR, f"complete-{_processor()}")  # type: ignore[attr-defined]
    if not mark.exists():
        done = subprocess.run(  # noqa: S603 - this interpreter
            [sys.executable, "-c", f"from {__name__} import fit_small_series; fit_small_series()"],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
        if done.returncode == 0:
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
    fit_small_series()


def _processor() -> str:
    """Hash the processor that functions are compiled for; several may share a cache."""
    target = cpu_target.target_context.codegen().magic_tuple()
    return hashlib.blake2b(repr(target).encode(), digest_size=8).hexdigest()


def fit_small_series() -> None:
    """Fit and forecast a small series, which needs all compiled functions."""
    values = np.sin(np.arange(40.0) ** 2)
    values[20] = np.nan
    predict(fit(values, Specification(1, 0, 1, 1, 0, 1, s=4, trend="c")), values, 2)
