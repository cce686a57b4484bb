"""Detection of a recent level shift; the weeks before it move to the new level.

A title that a shop drops, or that wins a place on a list, sells on another level from one week to
the next. Models would expect the former level again. With the weeks before the shift on the new
level, season and growth remain, and the former level is gone. The rule is strict: what looks like a
shift is mostly a season, a promotion or a decline, which the models understand better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from book_forecast.series.history import YEAR, FloatArray, IntArray, title_histories

KEY = "level_shift"
"""Its name in the states of models."""

FEWEST_AFTER, MOST_AFTER = 6, 52
"""Weeks since a shift; after a year, a season on the new level is known."""
BEFORE = 26
FEWEST_BEFORE = 13
"""Weeks before a shift that define the former level, and those of them that must be known."""
FEWEST_WEEKS = 78
LEAST = float(np.log(3.0))
# A fall to a tenth, after half a year on the former level, is no season: short histories show it.
LEAST_FALL = float(np.log(10.0))
# In standard deviations of a week.
LEAST_DEVIATIONS = 4.0
NOISE_WEEKS = 3 * YEAR
NORMAL_MAD = 1.4826
# Shares of the weeks that lie on their side of the middle between the levels.
CLEAR_AFTER, CLEAR_BEFORE = 0.99, 0.9
# Share of it that happens from the weeks just before it to those just after it.
SHARP = 0.7
# A year ago, a seasonal change was at least this share of it.
SEASONAL = 0.5
# Mean absolute value of a standard normal variable.
MEAN_OF_NORMAL = float(np.sqrt(2.0 / np.pi))


@dataclass(frozen=True, slots=True)
class LevelShift:
    """A change of the level of log(1 + copies).

    Attributes:
        week: Index of the first week on the new level.
        size: New level less former level, without what changes every year at this time.
        level: The new level.
    """

    week: int
    size: float
    level: float

    def moved(self, volumes: FloatArray) -> FloatArray:
        """Return the weeks with those before the shift on the new level, at least zero."""
        before = np.expm1(np.maximum(np.log1p(volumes[: self.week]) + self.size, 0.0))
        return np.concatenate([before, volumes[self.week :]])

    def undone(self, volumes: FloatArray) -> FloatArray:
        """Return the weeks with those since the shift on the former level, at least zero."""
        since = np.expm1(np.maximum(np.log1p(volumes[self.week :]) - self.size, 0.0))
        return np.concatenate([volumes[: self.week], since])

    def applied(self, copies: FloatArray) -> FloatArray:
        """Return forecasts on the former level as they are on the new one."""
        return np.asarray(np.expm1(np.maximum(np.log1p(copies) + self.size, 0.0)))

    def is_same(self, other: LevelShift) -> bool:
        """Whether another shift is too near to be a second one."""
        return abs(self.week - other.week) < FEWEST_AFTER

    def widened(self, scale: float) -> float:
        """Return a scale of residuals on the former level as it is on the new one.

        Few copies vary by chance: counts add the inverse of their mean to the variance. Residuals
        before a rise may be of a title that sold nothing: counts are the least scale after it.
        """
        chance = np.exp(-self.level)
        if self.size > 0.0:
            return float(max(scale, MEAN_OF_NORMAL * np.sqrt(chance)))
        added = chance - np.exp(self.size - self.level)
        return float(np.sqrt(scale**2 + MEAN_OF_NORMAL**2 * added))


def shift_state(shift: LevelShift | None) -> dict[str, Any]:
    """Return a shift as a part of a model's state; nothing without one."""
    return {} if shift is None else {KEY: asdict(shift)}


def shift_in(state: Mapping[str, Any]) -> LevelShift | None:
    """Return the shift in a model's state; None without one."""
    found = state.get(KEY)
    if found is None:
        return None
    return LevelShift(int(found["week"]), float(found["size"]), float(found["level"]))


def find_shift(volumes: FloatArray) -> LevelShift | None:
    """Return the recent, sustained, sharp and unseasonal shift of a title's level, if there is one.

    Args:
        volumes: Copies a week, shape (n,); NaN where missing.
    """
    values = np.log1p(volumes)
    if len(values) < BEFORE + FEWEST_AFTER or not np.isfinite(values[-FEWEST_AFTER:]).any():
        return None
    is_short = len(values) < FEWEST_WEEKS
    least = max(LEAST_FALL if is_short else LEAST, LEAST_DEVIATIONS * _noise(values))
    found = [_shift(values, int(weeks), least) for weeks in _possible(values, least)]
    shifts = [one for one in found if one is not None]
    if is_short:
        shifts = [one for one in shifts if one[1].size < 0.0 and one[1].week >= BEFORE]
    return max(shifts, key=lambda pair: pair[0])[1] if shifts else None


def find_last_fall(volumes: FloatArray) -> int | None:
    """Return the first week of a fall to a tenth that is too recent to be known as a shift.

    Args:
        volumes: Copies a week, shape (n,); NaN where missing.

    Returns:
        Its index, one of the last five; None without such a fall.
    """
    values = np.log1p(volumes)
    least = max(LEAST_FALL, LEAST_DEVIATIONS * _noise(values))
    for weeks in range(FEWEST_AFTER - 1, 0, -1):
        after, before = _known(values, weeks, 0)
        if not np.any(after > 0.0) or len(before) < FEWEST_BEFORE:
            continue
        usual = float(np.median(before))
        was_usual = np.mean(before > usual - 0.5 * least) >= CLEAR_BEFORE
        if was_usual and before[-1] > usual - 0.5 * least and after.max() <= usual - least:
            return len(values) - weeks
    return None


def _noise(values: FloatArray) -> float:
    """Return the standard deviation of a week beside its neighbours."""
    changes = np.abs(np.diff(values[-NOISE_WEEKS:]))
    changes = changes[np.isfinite(changes)]
    return NORMAL_MAD * float(np.median(changes)) / np.sqrt(2.0) if len(changes) else 0.0


def on_present_level(weeks: pd.DataFrame) -> pd.DataFrame:
    """Return weekly sales with all weeks before a title's recent shift on its present level.

    Args:
        weeks: isbn, week, volume and any other columns.
    """
    histories = title_histories(weeks)
    shifts = {one.isbn: find_shift(one.volumes) for one in histories}
    if not any(shifts.values()):
        return weeks
    volumes = weeks["volume"].to_numpy(dtype=np.float64).copy()
    days = weeks["week"].to_numpy()
    by_title = weeks["isbn"].reset_index(drop=True).groupby(weeks["isbn"].to_numpy()).indices
    for isbn, shift in shifts.items():
        if shift is not None:
            rows = np.asarray(by_title[isbn])
            rows = rows[np.argsort(days[rows], kind="stable")]
            volumes[rows] = shift.moved(volumes[rows])
    return weeks.assign(volume=volumes)


def _possible(values: FloatArray, least: float) -> IntArray:
    """Return the weeks since possible shifts: where a step lies between the weeks on both sides."""
    recent = values[-MOST_AFTER - FEWEST_AFTER :]
    levels = np.median(np.lib.stride_tricks.sliding_window_view(recent, FEWEST_AFTER), axis=1)
    steps = np.abs(levels[FEWEST_AFTER:] - levels[:-FEWEST_AFTER])
    # Steps beside missing weeks are unknown here.
    possible = ~(steps < SHARP * least)
    return np.arange(len(recent) - FEWEST_AFTER, FEWEST_AFTER - 1, -1)[possible]


def _shift(values: FloatArray, weeks: int, least: float) -> tuple[float, LevelShift] | None:
    """Return the shift `weeks` weeks ago and its gap beside the noise; None if there is none."""
    after, before = _known(values, weeks, 0)
    if len(after) < 0.7 * FEWEST_AFTER or len(before) < FEWEST_BEFORE or not np.any(after > 0.0):
        return None
    level, former = float(np.median(after)), float(np.median(before))
    size, middle = level - former, 0.5 * (level + former)
    step = float(np.median(after[:FEWEST_AFTER]) - np.median(before[-FEWEST_AFTER:]))
    if (
        abs(size) < least
        or step * np.sign(size) < SHARP * abs(size)
        or np.mean((after - middle) * size > 0.0) < CLEAR_AFTER
        or np.mean((before - middle) * size < 0.0) < CLEAR_BEFORE
    ):
        return None
    gap = abs(size) - float(np.std(after) + np.std(before))
    year_ago = _known(values, weeks, YEAR)
    if all(len(part) for part in year_ago):
        # What changes every year at this time is no part of the shift.
        seasonal = float(np.median(year_ago[0]) - np.median(year_ago[1]))
        if seasonal * np.sign(size) > SEASONAL * abs(size):
            return None
        size -= float(np.clip(seasonal, -SEASONAL * abs(size), SEASONAL * abs(size)))
    return gap, LevelShift(len(values) - weeks, size, level)


def _known(values: FloatArray, weeks: int, ago: int) -> tuple[FloatArray, FloatArray]:
    """Return the known weeks after and before a possible shift, or at that time of another year."""
    end = max(len(values) - ago, 0)
    start = max(end - weeks, 0)
    after, before = values[start:end], values[max(start - BEFORE, 0) : start]
    return after[np.isfinite(after)], before[np.isfinite(before)]
