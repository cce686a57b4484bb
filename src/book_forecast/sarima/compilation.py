"""Compilation of the core before several processes need it."""

from __future__ import annotations

import numpy as np

from book_forecast.sarima.estimation import fit
from book_forecast.sarima.forecasting import predict
from book_forecast.sarima.specification import Specification


def compile_core() -> None:
    """Compile everything, or load it from the cache on disk, with the fit of a small series.

    The first time on a machine takes ten seconds, which processes started together would all spend.
    """
    values = np.sin(np.arange(40.0) ** 2)
    values[20] = np.nan
    predict(fit(values, Specification(1, 0, 1, 1, 0, 1, s=4, trend="c")), values, 2)
