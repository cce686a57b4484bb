"""Sales inside a training that are others by now."""

from __future__ import annotations

import numpy as np

from book_forecast.payload.contents import Payload
from book_forecast.releases.models import weeks_of
from book_forecast.series.history import FloatArray, History, weeks_between


def trained_weeks(release: Payload, row: int) -> FloatArray:
    """Return the copies of one title in the weeks of its training."""
    own = weeks_of(release, row)
    trained, cutoff = (
        np.datetime64(release.titles[name][row].as_py(), "D")
        for name in ("trained_until", "cutoff")
    )
    return own[: len(own) - weeks_between(trained, cutoff)]


def corrected_copies(known: FloatArray, history: History, trained: np.datetime64) -> float:
    """Return the copies by which present sales differ from those of a training.

    A week that was missing in the training counts with all of its copies; one that is missing now
    does not count.

    Args:
        known: The weeks of the training.
        history: The present weeks.
        trained: The last week of the training.
    """
    present = _weeks_until(history, trained)
    n = min(len(known), len(present))
    known, present = known[len(known) - n :], present[len(present) - n :]
    return float(np.nansum(np.abs(np.nan_to_num(known) - present)))


def _weeks_until(history: History, week: np.datetime64) -> FloatArray:
    """Return the copies up to a week; the last of them are NaN where the history ends before."""
    beyond = weeks_between(week, history.cutoff)
    if beyond >= 0:
        return history.volumes[: max(history.n_weeks - beyond, 0)]
    return np.concatenate([history.volumes, np.full(-beyond, np.nan)])
