"""The models of a release, restored from their states and weeks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from book_forecast.forecasters.base import FittedForecaster, plain
from book_forecast.forecasters.restoring import restore
from book_forecast.options.models import ModelOptions
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
    state = str(payload.titles["state"][row].as_py())
    if weeks is None:
        return restored(family, state, weeks_of(payload, row))
    if json.loads(state).get(WEEKS) == WEEKS_MARK:
        return restored(family, state, weeks)
    return restored(family, state, weeks).roll_forward(weeks)


def restored(family: str, state: str, weeks: FloatArray) -> FittedForecaster:
    """Return a model from its state in a release.

    Args:
        family: Its family.
        state: As JSON, with a mark in place of the weeks.
        weeks: The weeks that the state includes.

    Raises:
        ValueError: If this code does not know the family.
    """
    content: Mapping[str, Any] = json.loads(state)
    if content.get(WEEKS) == WEEKS_MARK:
        content = {**content, WEEKS: plain(weeks)}
    return restore(family, content)


def weeks_of(payload: Payload, row: int) -> FloatArray:
    """Return the copies of one title up to its cutoff, shape (n,); NaN where a week is missing."""
    values = payload.volumes[row].values.to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def options_of(payload: Payload) -> ModelOptions:
    """Return the model options that a release was trained with; the defaults where it has none."""
    try:
        return ModelOptions.model_validate(payload.manifest.get("options", {}))
    except ValueError:
        # Options of an older version that this one does not have.
        return ModelOptions()
