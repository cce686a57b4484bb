"""Sums over the next weeks, by title, by product class and over all titles."""

from __future__ import annotations

import logging

import pandas as pd

from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.payload.contents import Payload
from book_forecast.payload.sums import SumReader
from book_forecast.pipelines.forecast.choice import asked_titles
from book_forecast.series.history import ALL_TITLES

logger = logging.getLogger(__name__)

TYPES = {
    "by": "str",
    "name": "str",
    "weeks": "int64",
    "first_week": "datetime64[us]",
    "last_week": "datetime64[us]",
    "n_titles": "int64",
    "release": "str",
    "mean": "float64",
    "expected": "float64",
}
BY_TITLE, BY_CLASS, OVER_ALL = "isbn", "product_class", ALL_TITLES


def sum_forecasts(
    current_release: Payload, forecast: ForecastOptions, selection: SelectionOptions
) -> pd.DataFrame:
    """Add up the weeks after the release's last one.

    Args:
        current_release: The release, after newer weeks.
        forecast: Interval levels, and the numbers of weeks to add up.
        selection: The titles to forecast, where they are named; all of the release otherwise.

    Returns:
        by (isbn, product_class or all), name, weeks, first_week, last_week, n_titles, release, mean
        (the sum of the forecasts' means), expected (the mean of the sum's distribution) and `lo-L`,
        `hi-L` for each level.

    Raises:
        UserError: If the release has none of the titles that are named.
    """
    reader = SumReader(current_release)
    isbns = asked_titles(current_release, selection)
    tails = [0.5 - level / 200.0 for level in forecast.levels]
    probabilities = [p for tail in tails for p in (tail, 1.0 - tail)]
    names = [f"{side}-{level}" for level in forecast.levels for side in ("lo", "hi")]
    rows = []
    for n_weeks in forecast.sums if isbns else ():
        weeks = reader.next_weeks(n_weeks)
        within = reader.within_reach(isbns, weeks)
        if len(within) < len(isbns):
            logger.warning(
                "Totals of %d weeks lack %d titles whose last week is too long ago",
                *(n_weeks, len(isbns) - len(within)),
            )
        groups = [
            (OVER_ALL, OVER_ALL, within),
            *((BY_CLASS, name, members) for name, members in reader.by_class(within)),
            *((BY_TITLE, isbn, [isbn]) for isbn in within),
        ]
        for by, name, members in groups:
            found = reader.sum_of(members, weeks, probabilities)
            values = (by, name, n_weeks, weeks[0], weeks[-1], len(members))
            row = (*values, current_release.release, found.mean, found.expected, *found.quantiles)
            rows.append(row)
    types = TYPES | dict.fromkeys(names, "float64")
    frame = pd.DataFrame(rows, columns=list(types)).astype(types)
    logger.info("Added up %d weeks of %d titles", max(forecast.sums, default=0), len(isbns))
    return frame
