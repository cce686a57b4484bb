"""Fitted models from their saved states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from book_forecast.forecasters.base import FittedForecaster
from book_forecast.forecasters.ensemble import Ensemble
from book_forecast.forecasters.families import restore_member


def restore(family: str, state: Mapping[str, Any]) -> FittedForecaster:
    """Restore a fitted model, an ensemble or a single one; see `restore_member`."""
    if family == Ensemble.family:
        return Ensemble.from_state(state)
    return restore_member(family, state)
