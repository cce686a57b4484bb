"""The models of a release, to be rolled forward; their weeks are kept once, beside the states."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from book_forecast.forecasters.base import FittedForecaster, plain
from book_forecast.forecasters.restoring import restore
from book_forecast.payload.contents import Payload
from book_forecast.series.history import FloatArray

_WEEKS = "volumes"
_PLACE = "…"


def state_without_weeks(state: str) -> str:
    """A model's state as JSON, with a mark in place of the weeks that it forecasts from."""
    content = json.loads(state)
    if _WEEKS in content:
        content[_WEEKS] = _PLACE
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def model_of(payload: Payload, row: int, weeks: FloatArray | None = None) -> FittedForecaster:
    """The model of one title.

    Args:
        payload: A release.
        row: Of the title.
        weeks: What it is to forecast from, if not the weeks up to the cutoff.

    Raises:
        ValueError: If the release is of a family that this code does not know.
    """
    state: Mapping[str, Any] = json.loads(payload.titles["state"][row].as_py())
    if state.get(_WEEKS) == _PLACE:
        known = weeks_of(payload, row) if weeks is None else weeks
        return restore(_family(payload, row), {**state, _WEEKS: plain(known)})
    model = restore(_family(payload, row), state)
    return model if weeks is None else model.roll_forward(weeks)


def _family(payload: Payload, row: int) -> str:
    return str(payload.titles["model"][row].as_py())


def weeks_of(payload: Payload, row: int) -> FloatArray:
    """Copies in the weeks up to the cutoff of one title, shape (n,); NaN where one is missing."""
    values = payload.volumes[row].values.to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)
