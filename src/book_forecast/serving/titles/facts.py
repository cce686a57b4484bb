"""What the list tells of each title, as arrays by row of the payload."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from book_forecast.payload.contents import Payload

SPANS = (4, 13, 32)
"""Weeks ahead whose sums stand for the size of a title."""
RECENT_WEEKS = 26
COMING_WEEKS = 13
NEW_FOR_WEEKS = 26
"""A title is a launch so many weeks after its publication, or its first sale."""
LAUNCH = "launch"
"""The model family of titles with few weeks of sales, or none."""

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class LastForecast:
    """The last forecast of each title against what it sold, over the same weeks; NaN: unknown.

    Attributes:
        expected: Copies that were forecast, shape (titles,).
        sold: Copies that were sold.
        missed: Sum of the weekly errors, in copies.
    """

    expected: Floats
    sold: Floats
    missed: Floats


class TitleFacts:
    """Facts of all titles.

    Attributes:
        next_weeks: Copies expected by number of weeks, shape (titles,) each.
        error: Sum of the weekly errors as a share of the copies sold, shape (titles,).
        last: The last forecast; NaN in releases without it.
        published: Day of publication; NaT if it is not known.
        price: Recommended price; NaN if it is not known.
        is_launch: Whether a title is new or not published yet.
    """

    def __init__(self, payload: Payload) -> None:
        """Read the facts of a release."""
        n_titles = len(payload)
        self.next_weeks: dict[int, Floats] = {
            span: payload.mean[:, :span].sum(axis=1, dtype=np.float64) for span in SPANS
        }
        history = _History(payload)
        self._recent = history.last(RECENT_WEEKS).astype(np.float32)
        self._coming = payload.mean[:, :COMING_WEEKS].astype(np.float32)
        self.last = _last_forecasts(payload, history)
        self.error = _column(payload.scores, "wape", n_titles)
        details = payload.planning.get("details")
        self.published = _days(details, "publication_date", n_titles)
        self.price = _column(details, "price", n_titles)
        self.is_launch = self._launches(payload)

    def recent(self, row: int) -> list[float | None]:
        """Return the copies sold in the last weeks of a title; None where it is not known."""
        return [None if np.isnan(v) else round(v, 1) for v in self._recent[row].tolist()]

    def coming(self, row: int) -> list[float]:
        """Return the copies expected in the first weeks ahead."""
        return [round(v, 1) for v in self._coming[row].tolist()]

    def _launches(self, payload: Payload) -> npt.NDArray[np.bool_]:
        models = payload.titles["model"].to_pylist()
        cutoffs = _days(payload.titles, "cutoff", len(payload))
        began = _days(payload.titles, "first_week", len(payload))
        began = np.where(np.isnat(self.published), began, self.published)
        is_new = began > cutoffs - np.timedelta64(7 * NEW_FOR_WEEKS, "D")
        return is_new | np.array([model == LAUNCH for model in models], dtype=bool)


class _History:
    """The weeks of all titles one after the other, read without a Python object a week."""

    def __init__(self, payload: Payload) -> None:
        chunks = [chunk for chunk in payload.volumes.chunks if len(chunk)]
        empty = np.empty(0)
        values = [c.flatten().to_numpy(zero_copy_only=False) for c in chunks]
        self.values: Floats = np.concatenate([empty, *values])
        lengths = [c.value_lengths().fill_null(0).to_numpy() for c in chunks]
        self.lengths = np.concatenate([np.empty(0, np.int64), *lengths]).astype(np.int64)
        self.ends = np.cumsum(self.lengths)

    def last(self, n_weeks: int) -> Floats:
        """Return the last weeks of each title, shape (titles, weeks); NaN before the first."""
        return self.at(np.arange(-n_weeks, 0)[None, :], np.arange(len(self.ends))[:, None])

    def at(self, weeks: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]) -> Floats:
        """Return single weeks; -1 is the last one of a title."""
        places = self.ends[rows] + weeks
        known = (weeks < 0) & (-weeks <= self.lengths[rows])
        if not len(self.values):
            return np.full(known.shape, np.nan)
        return np.where(known, self.values[np.where(known, places, 0)], np.nan)


def _last_forecasts(payload: Payload, history: _History) -> LastForecast:
    """Add up the last forecasts and what was sold over the weeks in which sales are known."""
    n_titles, table = len(payload), payload.planning.get("last_forecasts")
    if table is None:
        nothing = np.full(n_titles, np.nan)
        return LastForecast(nothing, nothing, nothing)
    mean = table["mean"].combine_chunks()
    if isinstance(mean, pa.ChunkedArray):  # of a table without rows
        mean = pa.concat_arrays(mean.chunks) if mean.num_chunks else pa.array([], mean.type)
    lengths = mean.value_lengths().fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    rows = np.repeat(np.arange(n_titles), lengths)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    cutoffs = _days(payload.titles, "cutoff", n_titles)
    first = _days(table, "first_week", n_titles)
    first = np.where(np.isnat(first), cutoffs, first)
    weeks_ago = (cutoffs - first).astype("timedelta64[D]").astype(np.int64) // 7
    sold = history.at(place - 1 - weeks_ago[rows], rows)
    expected = mean.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    known = np.isfinite(sold) & np.isfinite(expected)
    n_known = np.bincount(rows[known], minlength=n_titles)

    def total(values: Floats) -> Floats:
        summed = np.bincount(rows[known], weights=values[known], minlength=n_titles)
        return np.where(n_known > 0, summed, np.nan)

    return LastForecast(total(expected), total(sold), total(np.abs(sold - expected)))


def _column(table: pa.Table | None, name: str, n_titles: int) -> Floats:
    """Return a column of numbers as a copy: a view would hold the memory of the whole release."""
    if table is None:
        return np.full(n_titles, np.nan)
    return np.array(table[name].to_numpy(), dtype=np.float64)


def _days(table: pa.Table | None, name: str, n_titles: int) -> Days:
    if table is None:
        return np.full(n_titles, np.datetime64("NaT"), dtype="datetime64[D]")
    return np.asarray(table[name].to_numpy().astype("datetime64[D]"))
