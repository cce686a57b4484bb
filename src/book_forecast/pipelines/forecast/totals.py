"""Sums over the next weeks, by title, by product class and over all titles."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pandas as pd

from book_forecast.options.groups import ForecastOptions, SelectionOptions
from book_forecast.payload.contents import Payload
from book_forecast.payload.running_sums import running_sums
from book_forecast.payload.sums import SumForecast, SumReader
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
    within = _within_reach(reader, isbns, forecast.sums) if isbns else {}
    of_titles = _sums_of_titles(reader, within, probabilities)
    rows = []
    for n_weeks, members_of_all in within.items():
        weeks = reader.next_weeks(n_weeks)
        groups = [
            (OVER_ALL, OVER_ALL, members_of_all),
            *((BY_CLASS, name, members) for name, members in reader.by_class(members_of_all)),
        ]
        found = [(*group, reader.sum_of(group[2], weeks, probabilities)) for group in groups]
        found += [(BY_TITLE, isbn, [isbn], of_titles[isbn, n_weeks]) for isbn in members_of_all]
        for by, name, members, total in found:
            values = (by, name, n_weeks, weeks[0], weeks[-1], len(members))
            row = (*values, current_release.release, total.mean, total.expected, *total.quantiles)
            rows.append(row)
    types = TYPES | dict.fromkeys(names, "float64")
    frame = pd.DataFrame(rows, columns=list(types)).astype(types)
    logger.info("Added up %d weeks of %d titles", max(forecast.sums, default=0), len(isbns))
    return frame


def _within_reach(
    reader: SumReader, isbns: Sequence[str], counts: Sequence[int]
) -> dict[int, list[str]]:
    """Return the titles that the release forecasts so many weeks ahead."""
    within = {n_weeks: reader.within_reach(isbns, reader.next_weeks(n_weeks)) for n_weeks in counts}
    for n_weeks, members in within.items():
        if len(members) < len(isbns):
            logger.warning(
                "Totals of %d weeks lack %d titles whose last week is too long ago",
                *(n_weeks, len(isbns) - len(members)),
            )
    return within


def _sums_of_titles(
    reader: SumReader, within: Mapping[int, Sequence[str]], probabilities: Sequence[float]
) -> dict[tuple[str, int], SumForecast]:
    """Return the sums of each title, by number of weeks."""
    counts: dict[str, list[int]] = {}
    for n_weeks, members in within.items():
        for isbn in members:
            counts.setdefault(isbn, []).append(n_weeks)
    return {
        (isbn, n_weeks): total
        for isbn, own in counts.items()
        for n_weeks, total in zip(
            own, _sums_of_title(reader, isbn, own, probabilities), strict=True
        )
    }


def _sums_of_title(
    reader: SumReader, isbn: str, counts: Sequence[int], probabilities: Sequence[float]
) -> list[SumForecast]:
    """Return the sums of a title's weeks after the last week of all titles."""
    longest = reader.next_weeks(max(counts))
    if (longest != reader.next_weeks(max(counts), isbn)).any():
        return [reader.sum_of([isbn], longest[:n_weeks], probabilities) for n_weeks in counts]
    sums = running_sums(reader, isbn, max(counts), probabilities, counts)
    parts = zip(sums.mean, sums.expected, sums.quantiles.T, strict=True)
    return [SumForecast(float(mean), float(expected), found) for mean, expected, found in parts]
