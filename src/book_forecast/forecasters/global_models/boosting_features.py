"""Features of the global model.

A row is a title, an origin and a step ahead. All features are known at the origin; calendar, age
and plans refer to the target week. Volumes are log(1 + copies), relative to the title's level and
in units of its noise, so that titles of all sizes are comparable.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from book_forecast.forecasters.global_models.covariate_effects import CovariateEffects
from book_forecast.forecasters.global_models.panel import Panel
from book_forecast.forecasters.global_models.panel_covariates import covariate_values
from book_forecast.forecasters.global_models.windows import Float32Array
from book_forecast.series.history import PROMOTION, YEAR, FloatArray, IntArray

# Whole weeks that come closest to so many years of 365.25 days, up to ten years.
YEARS_BACK = np.round(365.25 / 7.0 * np.arange(1, 11)).astype(np.int64)
PROFILE_YEARS = 4
# Larger levels and ages are clipped: they identify single titles, and trees would overfit to them.
LARGEST_LEVEL = float(np.log1p(1000.0))
LONGEST_AGE = 5 * YEAR
# Relative volumes are clipped at this many units of noise, to protect the linear regression.
FARTHEST = 20.0
RECENT_MEANS = (2, 4, 8, 13, 26)
PRODUCT_CLASS = "product_class"


@dataclass(frozen=True, slots=True)
class Rows:
    """Features of titles, origins and steps.

    Attributes:
        names: Of the features.
        matrix: Shape (rows, features); NaN where unknown.
        level: Of the title at the origin, on the logarithmic scale, shape (rows,).
        noise: Unit of the relative volumes, shape (rows,).
        others: Effects of the target week's covariates without the promotion, shape (rows,).
        title: Row of each title in the panel, shape (rows,).
        effects: Of covariates and promotions.
    """

    names: tuple[str, ...]
    matrix: Float32Array
    level: FloatArray
    noise: FloatArray
    others: FloatArray
    title: IntArray
    effects: CovariateEffects

    @property
    def effect(self) -> FloatArray:
        """Effects of the target week's covariates on log volumes; unknown promotions have none."""
        depth = self.matrix[:, self.names.index(PROMOTION)]
        return self.others + self.effects.of(PROMOTION, self.title, depth)

    def columns(self, names: tuple[str, ...]) -> FloatArray:
        """Return some features, zero where unknown, shape (rows, names)."""
        columns = [self.names.index(name) for name in names]
        return np.nan_to_num(self.matrix[:, columns].astype(np.float64))

    def take(self, kept: npt.NDArray[np.bool_]) -> Rows:
        """Return some of the rows, `kept` of shape (rows,)."""
        columns = ("matrix", "level", "noise", "others", "title")
        return replace(self, **{name: getattr(self, name)[kept] for name in columns})

    def promoted(self, depth: float) -> Rows:
        """Return the same rows with a promotion in every target week."""
        matrix = self.matrix.copy()
        matrix[:, self.names.index(PROMOTION)] = depth
        return replace(self, matrix=matrix)


@dataclass(frozen=True, slots=True)
class _Origins:
    """Titles, origins and steps whose features are computed."""

    panel: Panel
    title: IntArray
    origin: IntArray
    step: IntArray
    level: FloatArray

    @property
    def target(self) -> IntArray:
        return self.origin + self.step

    def years_back(self, number: int) -> IntArray:
        """Return the weeks from the target back to the same week of the n-th last known year."""
        latest = np.searchsorted(YEARS_BACK, self.step)
        years: IntArray = YEARS_BACK[np.minimum(latest + number, len(YEARS_BACK)) - 1]
        return years

    def mean(self, week: IntArray, length: int) -> FloatArray:
        return self.panel.known.mean(self.title, week, length)

    def around(self, week: IntArray) -> FloatArray:
        """Return the mean of the year around a week, up to the origin."""
        middle = np.minimum(week + YEAR // 2, self.origin)
        return np.where(week >= 0, self.mean(middle, YEAR), np.nan)

    def average(self, week: IntArray, length: int) -> FloatArray:
        """Return the mean of some weeks up to one; NaN where that is before the first."""
        return np.where(week >= 0, self.mean(week, length), np.nan)


def features(
    panel: Panel,
    title: IntArray,
    origin: IntArray,
    step: IntArray,
    unplanned: npt.NDArray[np.bool_],
) -> Rows:
    """Compute the features of weeks after some origins.

    Args:
        panel: All titles.
        title: Row of each title in the panel, shape (rows,).
        origin: Column of each origin.
        step: Weeks after it.
        unplanned: Whether the target week's promotion is hidden.
    """
    level, noise = panel.level(title, origin), panel.noise(title, origin)
    rows = _Origins(panel, title, origin, step, level)
    recent = _recent(rows)
    relative = {**recent, **_season(rows), **_changes(rows, recent)}
    scaled = {name: np.clip(v / noise, -FARTHEST, FARTHEST) for name, v in relative.items()}
    columns = {
        "step": step,
        "level": np.minimum(level, LARGEST_LEVEL),
        "noise": np.log(noise),
        **_age(rows),
        **scaled,
        "factor": panel.factors[title],
        "unsold_13": panel.zeros.mean(title, origin, 13),
        "unsold_52": panel.zeros.mean(title, origin, YEAR),
        **_promotion(rows, unplanned),
        "price": panel.prices[title, origin],
        PRODUCT_CLASS: np.where(panel.classes[title] < 0, np.nan, panel.classes[title]),
    }
    for name, window in panel.calendar.items():
        columns[name] = window[rows.target]
    if panel.calendar:
        columns["week_of_year_at_origin"] = panel.calendar["week_of_year"][origin]
    others = np.zeros(len(title))
    for name, covariate in panel.covariates.items():
        values = covariate_values(covariate, title, origin, step)
        columns[f"covariate_{name}"] = values
        others += panel.effects.of(name, title, values)
    matrix = np.empty((len(title), len(columns)), dtype=np.float32)
    for index, column in enumerate(columns.values()):
        matrix[:, index] = column
    return Rows(tuple(columns), matrix, level, noise, others, title, panel.effects)


def _age(rows: _Origins) -> dict[str, FloatArray]:
    """Return logarithms of the title's age and of its number of known weeks.

    Titles that sell in the export's first week count as old.
    """
    panel = rows.panel
    first = panel.first[rows.title]
    first = np.where(first == 0, -LONGEST_AGE, first)
    known = panel.known.counts[rows.title, rows.origin + 1]
    weeks = {"age": rows.origin - first, "age_at_target": rows.target - first, "weeks": known}
    return {name: np.log1p(np.minimum(value, LONGEST_AGE)) for name, value in weeks.items()}


def _recent(rows: _Origins) -> dict[str, FloatArray]:
    """Return the last weeks and years relative to the level, and their deviations."""
    panel, title, origin = rows.panel, rows.title, rows.origin
    found = {f"lag_{lag}": panel.at(title, origin - lag) - rows.level for lag in range(3)}
    found["smoothed"] = panel.smoothed[title, origin] - rows.level
    for length in RECENT_MEANS:
        found[f"mean_{length}"] = rows.mean(origin, length) - rows.level
    for years in (1, 2):
        found[f"year_{years}_before"] = rows.mean(origin - years * YEAR, YEAR) - rows.level
    start = np.minimum(panel.first[title] + 3, origin)
    found["first_weeks"] = rows.mean(start, 4) - rows.level
    # The last weeks relative to the same weeks a year ago.
    for length in (4, 13):
        before = rows.mean(origin - YEAR, length) - rows.around(origin - YEAR - length // 2)
        found[f"news_{length}"] = found[f"mean_{length}"] - before
    for length in (13, YEAR):
        mean, square = (w.mean(title, origin, length) for w in (panel.known, panel.squares))
        found[f"deviation_{length}"] = np.sqrt(np.maximum(square - mean**2, 0.0))
    return found


def _season(rows: _Origins) -> dict[str, FloatArray]:
    """Return the target week in the years before, each relative to its own year."""
    panel, title = rows.panel, rows.title
    found = {}
    for number in range(1, PROFILE_YEARS + 1):
        week = rows.target - rows.years_back(number)
        found[f"season_{number}"] = panel.at(title, week) - rows.around(week)
    stacked = np.stack(list(found.values()))
    known = np.isfinite(stacked)
    count = known.sum(axis=0)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    found["season"] = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    week = rows.target - rows.years_back(1)
    smooth = rows.average(np.minimum(week + 1, rows.origin), 3)
    found["smooth_season"] = smooth - rows.around(week)
    for number in (1, 2):
        week = rows.target - rows.years_back(number)
        profile = panel.profiles[panel.classes[title], np.maximum(week, 0)]
        found[f"class_season_{number}"] = np.where(week >= 0, profile, np.nan)
    return found


def _changes(rows: _Origins, recent: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the changes after the same origin in the years before, and their extrapolations."""
    panel, title, origin = rows.panel, rows.title, rows.origin
    found = {}
    for number in (1, 2):
        back = rows.years_back(number)
        then, week = origin - back, rows.target - back
        smooth = rows.average(np.minimum(week + 1, origin), 3)
        found[f"change_{number}"] = panel.at(title, week) - panel.at(title, then)
        found[f"smooth_change_{number}"] = smooth - rows.average(then, 3)
        if number == 1:
            found["year_ago"] = panel.at(title, week) - rows.average(then, YEAR)
    found["walk"] = recent["lag_0"] + found["change_1"]
    found["smooth_walk"] = recent["mean_2"] + found["smooth_change_1"]
    return found


def _promotion(rows: _Origins, unplanned: npt.NDArray[np.bool_]) -> dict[str, FloatArray]:
    """Return promotions: planned, of the last weeks, and of the target week in other years."""
    panel, title, origin = rows.panel, rows.title, rows.origin
    found = {
        PROMOTION: np.where(unplanned, np.nan, panel.promotions[title, rows.target]),
        "promotion_4": panel.promoted.mean(title, origin, 4),
        "promotion_13": panel.promoted.mean(title, origin, 13),
    }
    for number in (1, 2):
        week = rows.target - rows.years_back(number)
        found[f"promotion_season_{number}"] = panel.promoted.mean(title, week, 1)
    return found
