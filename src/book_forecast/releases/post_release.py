"""Post-release evaluation: errors of releases on weeks after their trainings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from book_forecast.payload.contents import Payload
from book_forecast.payload.forecast_reader import ForecastReader
from book_forecast.payload.manifest import LONGEST_HORIZON
from book_forecast.releases.models import model_of, weeks_of
from book_forecast.series.history import WEEK, FloatArray, title_histories, weeks_between


def post_release_errors(releases: Sequence[Payload], sales: pd.DataFrame) -> pd.DataFrame | None:
    """Return the WAPE of releases on the weeks after all their trainings, over common titles.

    All forecast from the same origin, the last week that any of them was trained on. The weeks up
    to it are rolled into the others.

    Args:
        releases: The releases to compare.
        sales: isbn, week, volume: a full weekly grid a title.

    Returns:
        release, weeks, titles and wape; None where there is no such week yet.
    """
    readers = [ForecastReader(payload) for payload in releases]
    common = set.intersection(*({*reader.isbns} for reader in readers))
    errors, sold = np.zeros(len(releases)), 0.0
    titles, weeks = 0, set()
    for history in title_histories(sales[sales["isbn"].isin(common)]):
        rows = [reader.row(history.isbn) for reader in readers]
        origin = max(_day(p, "trained_until", row) for p, row in zip(releases, rows, strict=True))
        actual = history.weeks_since(origin)[:LONGEST_HORIZON]
        known = np.flatnonzero(np.isfinite(actual))
        if not len(known):
            continue
        titles += 1
        weeks |= {origin + WEEK * (ahead + 1) for ahead in known.tolist()}
        sold += float(actual[known].sum())
        for index, (payload, row) in enumerate(zip(releases, rows, strict=True)):
            newer = history.weeks_since(_day(payload, "trained_until", row))
            mean = _mean_from(payload, row, origin, newer, len(actual))
            errors[index] += float(np.abs(mean - actual)[known].sum())
    if not titles:
        return None
    return pd.DataFrame(
        {
            "release": [payload.release for payload in releases],
            "weeks": len(weeks),
            "titles": titles,
            "wape": errors / sold if sold else np.nan,
        }
    )


def _mean_from(
    payload: Payload, row: int, origin: np.datetime64, newer: FloatArray, horizon: int
) -> FloatArray:
    """Return a release's forecast from its last training week or a later origin.

    `newer` holds the weeks after its training.
    """
    cutoff = _day(payload, "cutoff", row)
    if cutoff == origin:
        return payload.mean[row, :horizon].astype(np.float64)
    trained = _day(payload, "trained_until", row)
    own = weeks_of(payload, row)
    own = own[: len(own) - weeks_between(trained, cutoff)]
    weeks = np.concatenate([own, newer[: weeks_between(trained, origin)]])
    return model_of(payload, row, weeks).forecast(horizon, ()).mean


def _day(payload: Payload, column: str, row: int) -> np.datetime64:
    return np.datetime64(payload.titles[column][row].as_py(), "D")
