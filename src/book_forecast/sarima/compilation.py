"""Compiling the core before it is needed in several processes at once."""

from __future__ import annotations

import numpy as np

from book_forecast.sarima.estimation import fit
from book_forecast.sarima.forecasting import predict
from book_forecast.sarima.specification import Specification


def compile_core() -> None:
    """Compiles everything, or loads it from the cache on disk, by fitting a small series.

    The first time on a machine this takes some ten seconds, which processes that start together
    would each spend.
    """
    values = np.sin(np.arange(40.0) ** 2)
    values[20] = np.nan
    predict(fit(values, Specification(1, 0, 1, 1, 0, 1, s=4, trend="c")), values, 2)
