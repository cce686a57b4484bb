"""The node that scores overrides by people beside the forecasts that they replaced."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from book_forecast.payload.contents import Payload
from book_forecast.releases.models import weeks_of
from book_forecast.series.history import WEEK

logger = logging.getLogger(__name__)

TYPES = {
    "number": "int64",
    "isbn": "str",
    "who": "str",
    "why": "str",
    "made": "datetime64[us]",
    "withdrawn": "bool",
    "release": "str",
    "first_week": "datetime64[us]",
    "last_week": "datetime64[us]",
    "weeks": "int64",
    "weeks_to_come": "int64",
    "sold": "float64",
    "override": "float64",
    "forecast": "float64",
    "override_error": "float64",
    "forecast_error": "float64",
    "better": "str",
}


def score_overrides(current_release: Payload, overrides: pd.DataFrame | None) -> pd.DataFrame:
    """Score overrides on the weeks that have arrived since.

    Args:
        current_release: After newer weeks.
        overrides: number, isbn, who, why, made, withdrawn, release, week, copies and replaced, the
            mean of the forecast at the time; None without any.

    Returns:
        A row for each override with a known week: first_week, last_week and weeks of those scored,
        weeks_to_come, copies sold, expected by the person and by the forecast, the sums of absolute
        errors of the weeks, and which is the smaller one (override, forecast or neither).
    """
    row_of = {isbn: row for row, isbn in enumerate(current_release.titles["isbn"].to_pylist())}
    records = []
    for number, rows in () if overrides is None else overrides.groupby("number"):
        weeks = rows.sort_values("week")
        if (row := row_of.get(weeks["isbn"].iloc[0])) is None:
            continue
        sold = _sold(current_release, row, weeks["week"])
        known = np.isfinite(sold)
        if known.any():
            records.append({"number": number, **_scores(weeks, sold, known)})
    scores = pd.DataFrame(records, columns=list(TYPES)).astype(TYPES)
    if len(scores):
        logger.info(
            "Overrides on %d titles: %d better than the forecast that they replaced, %d worse",
            scores["isbn"].nunique(),
            *((scores["better"] == name).sum() for name in ("override", "forecast")),
        )
    return scores


def _sold(release: Payload, row: int, weeks: pd.Series) -> np.ndarray:
    """Return the copies of a title in some weeks; NaN where they are not known."""
    volumes = weeks_of(release, row)
    cutoff = np.datetime64(release.titles["cutoff"][row].as_py(), "D")
    places = len(volumes) - 1 + ((weeks.to_numpy().astype("datetime64[D]") - cutoff) // WEEK)
    inside = (places >= 0) & (places < len(volumes))
    return np.where(inside, volumes[np.clip(places, 0, len(volumes) - 1)], np.nan)


def _scores(weeks: pd.DataFrame, sold: np.ndarray, known: np.ndarray) -> dict[str, object]:
    first, arrived = weeks.iloc[0], weeks[known]
    own, replaced = (
        float(np.abs(arrived[name].to_numpy() - sold[known]).sum())
        for name in ("copies", "replaced")
    )
    better = "neither" if own == replaced else "override" if own < replaced else "forecast"
    return {
        **{name: first[name] for name in ("isbn", "who", "why", "made", "withdrawn", "release")},
        "first_week": arrived["week"].iloc[0],
        "last_week": arrived["week"].iloc[-1],
        "weeks": len(arrived),
        "weeks_to_come": len(weeks) - len(arrived),
        "sold": float(sold[known].sum()),
        "override": arrived["copies"].sum(),
        "forecast": arrived["replaced"].sum(),
        "override_error": own,
        "forecast_error": replaced,
        "better": better,
    }
