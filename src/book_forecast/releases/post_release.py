"""How releases have done on weeks that none of them was estimated on."""

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
    """WAPE of releases on the weeks after all of their trainings, over the titles all of them have.

    All forecast from the same week, the last one that any of them was trained on: the others have
    the weeks up to it rolled in.

    Args:
        releases: To compare.
        sales: isbn, week, volume: a full weekly grid a title.

    Returns:
        release, weeks, titles and wape; None where there is no such week yet.
    """
    answers = [ForecastReader(payload) for payload in releases]
    common = set.intersection(*({*a.isbns} for a in answers))
    wrong, sold = np.zeros(len(releases)), 0.0
    titles, known_weeks = 0, set()
    for history in title_histories(sales[sales["isbn"].isin(common)]):
        rows = [a.row(history.isbn) for a in answers]
        origin = max(_day(p, "trained_until", row) for p, row in zip(releases, rows, strict=True))
        happened = history.weeks_since(origin)[:LONGEST_HORIZON]
        known = np.flatnonzero(np.isfinite(happened))
        if not len(known):
            continue
        titles += 1
        known_weeks |= {origin + WEEK * (week + 1) for week in known.tolist()}
        sold += float(happened[known].sum())
        for place, (payload, row) in enumerate(zip(releases, rows, strict=True)):
            newer = history.weeks_since(_day(payload, "trained_until", row))
            mean = _mean_from(payload, row, origin, newer, len(happened))
            wrong[place] += float(np.abs(mean - happened)[known].sum())
    if not titles:
        return None
    return pd.DataFrame(
        {
            "release": [payload.release for payload in releases],
            "weeks": len(known_weeks),
            "titles": titles,
            "wape": wrong / sold if sold else np.nan,
        }
    )


def _mean_from(
    payload: Payload, row: int, origin: np.datetime64, newer: FloatArray, horizon: int
) -> FloatArray:
    """What a release says of the weeks after one of its last training week or later.

    Args:
        payload: The release.
        row: Of the title.
        origin: The week.
        newer: The weeks since its training.
        horizon: Weeks ahead.
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
