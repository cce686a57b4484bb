"""The models of a release, restored from their states and weeks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from book_forecast.forecasters.base import FittedForecaster, plain
from book_forecast.forecasters.restoring import restore
from book_forecast.payload.contents import Payload
from book_forecast.releases.assembly import WEEKS, WEEKS_MARK
from book_forecast.series.history import FloatArray


def model_of(payload: Payload, row: int, weeks: FloatArray | None = None) -> FittedForecaster:
    """Return the model of one title.

    Args:
        payload: A release.
        row: Row of the title.
        weeks: The weeks to forecast from; those up to the cutoff if not given.

    Raises:
        ValueError: If this code does not know the model's family.
    """
    family = str(payload.titles["model"][row].as_py())
    state: Mapping[str, Any] = json.loads(payload.titles["state"][row].as_py())
    if state.get(WEEKS) == WEEKS_MARK:
        known = weeks_of(payload, row) if weeks is None else weeks
        return restore(family, {**state, WEEKS: plain(known)})
    model = restore(family, state)
    return model if weeks is None else model.roll_forward(weeks)


def weeks_of(payload: Payload, row: int) -> FloatArray:
    """Return the copies of one title up to its cutoff, shape (n,); NaN where a week is missing."""
    values = payload.volumes[row].values.to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)
